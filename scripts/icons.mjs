/**
 * Renders the app's icons and the picture of the tray's states:
 *   assets/hicolor/<size>/apps/org.refold.Refold.png    from assets/icon*.svg
 *   docs/pictures/tray-icons.png                        from src-main/tray
 * Run it (Node 24) after any of those has changed: node scripts/icons.mjs
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Resvg } from "@resvg/resvg-js";
import { drawIcon } from "../src-main/tray/draw.ts";
import { traySheet } from "./lib/tray-sheet.mjs";

const root = join(import.meta.dirname, "..");
const APP_ID = "org.refold.Refold";

/** @param {string} svg @param {number} size */
const render = (svg, size) =>
  new Resvg(svg, { fitTo: { mode: "width", value: size }, font: { loadSystemFonts: false } })
    .render()
    .asPng();

/** @param {string} path below the project @param {Buffer} png */
function write(path, png) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), png);
}

/** The tray's sheet, a third full: it was drawn for 22 px. */
const sheet = drawIcon({ kind: "idle", bytes: 1, share: 0.36, progress: null, attention: false }, 0, 22);
const icon = readFileSync(join(root, "assets/icon.svg"), "utf8");
const small = readFileSync(join(root, "assets/icon-small.svg"), "utf8");

for (const size of [16, 22, 24, 32, 48, 64, 128, 256, 512]) {
  const svg =
    size === 22
      ? sheet
      : size === 24
        ? sheet.replace('viewBox="0 0 22 22"', 'viewBox="-1 -1 24 24"')
        : size < 32
          ? small
          : icon;
  write(`assets/hicolor/${size}x${size}/apps/${APP_ID}.png`, render(svg, size));
}
write("docs/pictures/tray-icons.png", traySheet());
