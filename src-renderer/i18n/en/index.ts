import common from "./common.ts";
import history from "./history.ts";
import review from "./review.ts";
import settings from "./settings.ts";
import shell from "./shell.ts";
import stuck from "./stuck.ts";
import volumes from "./volumes.ts";

const messages = { common, history, review, settings, shell, stuck, volumes };
export default messages;

/** The shape that every language has. */
export type Messages = typeof messages;
