/** The contact sheet of the tray's icons: each state at 22 and 44 px, and enlarged, on a light and a dark panel. */
import { Resvg } from "@resvg/resvg-js";
import { FRAMES, drawIcon } from "../../src-main/tray/draw.ts";

const GIB = 1024 ** 3;
/** @param {Partial<import("../../src-main/tray/model.ts").IconState>} state */
const state = (state) => ({
  kind: "idle",
  bytes: 48.6 * GIB,
  share: 0.11,
  progress: null,
  attention: false,
  ...state,
});

/** Each column: a state, and the frame of its animation. */
const STATES = [
  [state({ kind: "unknown", bytes: null, share: 0 }), 0],
  [state({ bytes: 0, share: 0 }), 0],
  [state({}), 0],
  [state({ bytes: 9.94 * GIB, share: 0.35 }), 0],
  [state({ bytes: 512 * 1024 ** 2, share: 0.02 }), 0],
  [state({ bytes: 1.27 * 1024 * GIB, share: 0.6 }), 0],
  [state({ bytes: 886 * GIB, share: 0.9 }), 0],
  [state({ attention: true }), 0],
  [state({ bytes: 0, share: 0, attention: true }), 0],
  ...[0, 2, 4].map((frame) => [state({ kind: "scanning" }), frame]),
  ...[1, 3, 5].map((frame) => [state({ kind: "scanning", progress: 0.14 + frame * 0.14 }), frame]),
  ...[0, 2, 4].map((frame) => [state({ kind: "folding", progress: 0.07 + frame * 0.2 }), frame]),
  [state({ kind: "paused" }), 0],
  [state({ kind: "lost" }), 0],
];

const ROWS = [
  { pixels: 22, zoom: 1 },
  { pixels: 44, zoom: 1 },
  { pixels: 22, zoom: 4 },
];
const COLUMN = 22 * 4 + 20;
const PAD = 16;
/** Panels, light and dark. */
const PANELS = ["#f6f5f4", "#1e1e1e"];

const PER_LINE = 10;

/** @returns {Buffer} a PNG */
export function traySheet() {
  if (STATES.some(([, frame]) => frame >= FRAMES)) throw new RangeError("there are fewer frames");
  const lines = Array.from({ length: Math.ceil(STATES.length / PER_LINE) }, (_, line) =>
    STATES.slice(line * PER_LINE, (line + 1) * PER_LINE),
  );
  const width = PER_LINE * COLUMN + 2 * PAD;
  const height = ROWS.reduce((sum, { pixels, zoom }) => sum + pixels * zoom + PAD, PAD);
  let y = 0;
  const parts = PANELS.flatMap((panel) =>
    lines.flatMap((line) => {
      const back = `<rect y="${y}" width="${width}" height="${height}" fill="${panel}"/>`;
      let top = y + PAD;
      y += height;
      const images = ROWS.flatMap(({ pixels, zoom }) => {
        const size = pixels * zoom;
        const row = line.map(([one, frame], column) => {
          const png = new Resvg(drawIcon(one, frame, pixels)).render().asPng().toString("base64");
          const x = PAD + column * COLUMN + Math.floor((COLUMN - size) / 2);
          return `<image x="${x}" y="${top}" width="${size}" height="${size}" image-rendering="optimizeSpeed" href="data:image/png;base64,${png}"/>`;
        });
        top += size + PAD;
        return row;
      });
      return [back, ...images];
    }),
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}">${parts.join("")}</svg>`;
  return new Resvg(svg, { font: { loadSystemFonts: false } }).render().asPng();
}
