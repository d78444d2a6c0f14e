import { Resvg } from "@resvg/resvg-js";
import { drawIcon } from "./draw.ts";
import type { IconState } from "./model.ts";

/** Pictures in the animation of "scanning" and "folding". */
export { FRAMES } from "./draw.ts";

/** One picture for a pixel density. */
export interface IconImage {
  readonly scaleFactor: number;
  /** Width and height in pixels. */
  readonly size: number;
  readonly png: Buffer;
}
export type IconImages = readonly IconImage[];

/** Pixels of a panel's icon at 100 %. */
export const BASE_SIZE = 22;

/** Draws the icon at a size. @param size in pixels, 16 and more */
export function renderPng(state: IconState, frame: number, size: number): Buffer {
  const svg = drawIcon(state, frame, size);
  return new Resvg(svg, { font: { loadSystemFonts: false } }).render().asPng();
}

/**
 * The icon for Electron: one picture for the panel at hand, one of twice the
 * density. A StatusNotifierItem carries only the first, and panels scale it to
 * their height: so the first is as large as the display's scale asks for.
 *
 * @param scaleFactor of the display, e.g. 1, 1.5, 2
 */
export function renderIcon(state: IconState, frame: number, scaleFactor: number): IconImages {
  const scale = Math.min(4, Math.max(1, Math.ceil(scaleFactor - 0.05)));
  return [1, 2].map((factor) => {
    const size = BASE_SIZE * scale * factor;
    return { scaleFactor: factor, size, png: renderPng(state, frame, size) };
  });
}
