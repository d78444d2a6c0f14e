/** The command line with a helper's rights: hardened-refold.ts MODE WORDS... */
import { join } from "node:path";
import type { HelperMode } from "../../src-helper/hardening/capabilities.ts";
import { hardenHelper } from "../../src-helper/hardening/harden.ts";

const [node = "", , mode = "", ...words] = process.argv;
hardenHelper({ mode: mode as HelperMode, programDirectory: import.meta.dirname });
const bundle = join(import.meta.dirname, "../../dist/helper/refold.cjs");
process.argv = [node, bundle, ...words];
await import(bundle);
