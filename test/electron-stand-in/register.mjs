/**
 * Gives a program the stand-in as its `electron` module:
 *
 *     node --import ./test/electron-stand-in/register.mjs dist/main/main.mjs
 *
 * The program's files are not changed on disk.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { pathToFileURL, fileURLToPath } from "node:url";

const STAND_IN = new URL("./electron.ts", import.meta.url).href;
const NAMES = new Set(["electron", "electron/main", "electron/common"]);
const types = JSON.parse(
  readFileSync(fileURLToPath(new URL("../../node_modules/electron/package.json", import.meta.url)), "utf8"),
);

Object.defineProperty(process.versions, "electron", { value: types.version, enumerable: true });
Object.defineProperty(process, "type", { value: "browser", enumerable: true });
Object.defineProperty(process, "defaultApp", { value: true, enumerable: true });

const entry = process.argv[1] === undefined ? null : pathToFileURL(process.argv[1]).href;

registerHooks({
  resolve(specifier, context, next) {
    return NAMES.has(specifier) ? { url: STAND_IN, shortCircuit: true } : next(specifier, context);
  },
  load(url, context, next) {
    const loaded = next(url, context);
    if (url !== entry || loaded.source === undefined || loaded.source === null) return loaded;
    // Electron is not ready before the entry has run to its end: one that waits for it there waits for ever
    return {
      ...loaded,
      source: `${String(loaded.source)}\n;globalThis[Symbol.for("electron-stand-in.loaded")]?.();\n`,
    };
  },
});
