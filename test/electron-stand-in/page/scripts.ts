/** The two scripts that Chromium runs in every new document, as text. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { Script } from "node:vm";
import type { PreloadSetting } from "./preload-world.ts";

/** Name of the isolated world, and of its execution contexts. */
export const WORLD = "electron-stand-in preload";
/** The isolated world's way to the main process. */
export const BINDING = "electronStandInSend";

/** A file's code without types, imports and exports: they are put into one function together. */
function code(file: string): string {
  return stripTypeScriptTypes(readFileSync(join(import.meta.dirname, file), "utf8"))
    .replaceAll(/^import .*$/gm, "")
    .replaceAll(/^export /gm, "");
}

export interface Scripts {
  /** For the page's own world; to be run first. */
  readonly page: string;
  readonly preload: string;
}

/**
 * @param setting what the preload's world is to be, but for names that are made here
 * @param preload the preload script, CommonJS; null: none
 * @throws SyntaxError of the preload
 */
export function makeScripts(
  setting: Omit<PreloadSetting, "secret" | "binding">,
  preload: string | null,
): Scripts {
  const secret = `electron-stand-in-${randomBytes(16).toString("hex")}`;
  const whole: PreloadSetting = { ...setting, secret, binding: BINDING };
  // in the script itself: made from a string there, it would fall under the page's CSP
  const run = preload === null ? "null" : `function (require, module, exports, process) {${preload}\n}`;
  new Script(`(${run})`, { filename: setting.path });
  return {
    page: `(() => {${code("bridge.ts")}${code("page-world.ts")}
startPageWorld(globalThis, ${JSON.stringify(secret)});})();`,
    preload: `(() => {${code("wire.ts")}${code("bridge.ts")}${code("preload-world.ts")}
startPreloadWorld(globalThis, ${JSON.stringify(whole)}, ${run});})();`,
  };
}
