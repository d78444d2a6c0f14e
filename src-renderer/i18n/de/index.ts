import type { Messages } from "../en/index.ts";
import common from "./common.ts";
import history from "./history.ts";
import review from "./review.ts";
import settings from "./settings.ts";
import shell from "./shell.ts";
import stuck from "./stuck.ts";
import volumes from "./volumes.ts";

const messages: Messages = { common, history, review, settings, shell, stuck, volumes };
export default messages;
