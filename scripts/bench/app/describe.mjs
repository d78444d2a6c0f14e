/** What the app ran on. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findChromium } from "../../../test/electron-stand-in/cdp/chromium.ts";

const home = join(import.meta.dirname, "../../..");

/** @returns {{ refold: string, browser: string }} versions */
export function describeApp(platform) {
  const version = (path) => JSON.parse(readFileSync(join(home, path), "utf8")).version;
  return {
    refold: version("package.json"),
    browser:
      platform === "stand-in"
        ? execFileSync(findChromium() ?? "chromium", ["--version"], {
            encoding: "utf8",
            stdio: ["ignore", "pipe", "ignore"],
          })
            .trim()
            .replace(/ built on .*/, "")
        : `Electron ${version("node_modules/electron/package.json")}`,
  };
}
