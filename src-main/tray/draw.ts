/**
 * The tray icon as SVG, on a grid of 22 pixels: a sheet with a folded corner,
 * filled from below by the share that can be given back, and a band with the
 * amount. Every shape is bright inside and dark at its edge (or the other way
 * round), since nobody tells an app which colour the panel has.
 */
import { compactAmount, textPaths, textWidth } from "./glyphs.ts";
import type { IconState } from "./model.ts";

/** Pictures in the animation of "scanning" and "folding". */
export const FRAMES = 6;

/** The colours; a test holds them to 3:1 against light and dark panels (WCAG 2, graphics), and to each other where they meet. */
export const COLORS = {
  paper: "#f6f8f9",
  edge: "#6b7685",
  accent: "#238662",
  flap: "#43c497",
  work: "#5f6a79",
  dull: "#dde2e7",
  quiet: "#aab2bc",
  ink: "#ffffff",
  warning: "#e2570f",
} as const;

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  /** Length of the folded corner's sides. */
  readonly fold: number;
}
const WHOLE: Box = { left: 3, top: 1, right: 19, bottom: 21, fold: 6 };
/** Goes on behind the band, so that it has no lower edge. */
const ABOVE_BAND: Box = { left: 3, top: 0, right: 19, bottom: 15, fold: 5 };
/** The line of pixels above it stays clear: the band is a label on the sheet, not a part of it. */
const BAND = { top: 13, bottom: 22, text: 14 } as const;
const LAST_LINE = BAND.top - 1;

const n = (value: number): string => String(Math.round(value * 100) / 100);

/** The sheet without its corner, drawn in by `inset` pixels, corners rounded. */
function sheetPath({ left, top, right, bottom, fold }: Box, inset: number): string {
  const [l, t, r, b] = [left + inset, top + inset, right - inset, bottom - inset];
  const f = fold + inset * 0.4;
  const c = 1.5;
  return [
    `M${n(l + c)} ${n(t)}H${n(right - f)}L${n(r)} ${n(top + f)}V${n(b - c)}`,
    `Q${n(r)} ${n(b)} ${n(r - c)} ${n(b)}H${n(l + c)}Q${n(l)} ${n(b)} ${n(l)} ${n(b - c)}`,
    `V${n(t + c)}Q${n(l)} ${n(t)} ${n(l + c)} ${n(t)}Z`,
  ].join("");
}

function flapPath({ right, top, fold }: Box): string {
  const x = right - fold;
  const y = top + fold;
  return `M${n(x)} ${n(top + 0.2)}V${n(y - 1)}Q${n(x)} ${n(y)} ${n(x + 1)} ${n(y)}H${n(right - 0.2)}Z`;
}

/** Where the paper ends and the fill begins, on a whole pixel. What can be given back is never invisible. */
function fillTop(box: Box, floor: number, share: number): number {
  const height = floor - box.top - 1;
  return floor - Math.max(2, Math.round(Math.min(1, share) * height));
}

/** What the band says; null: there is no band, and the sheet takes the whole height. */
function bandText(state: IconState): string | null {
  if (state.kind === "scanning" || state.kind === "folding") {
    return state.progress === null ? null : `${String(Math.floor(state.progress * 100 + 1e-9))}%`;
  }
  if (state.kind !== "idle" || state.bytes === null || state.bytes < 1024 ** 2) return null;
  return compactAmount(state.bytes);
}

function band(text: string, color: string): string {
  const x = Math.floor((22 - textWidth(text)) / 2);
  return [
    `<rect x="0" y="${n(BAND.top)}" width="22" height="${n(BAND.bottom - BAND.top)}" rx="2.5" fill="${color}"/>`,
    `<g fill="none" stroke="${COLORS.ink}" stroke-width="1.25" stroke-linejoin="round">`,
    `${textPaths(text, x, BAND.text)}</g>`,
  ].join("");
}

/** What is on the sheet: the fill, the line that searches, or a sign. */
function onPaper(state: IconState, frame: number, box: Box, floor: number): string {
  const middle = (box.left + box.right) / 2;
  switch (state.kind) {
    case "scanning": {
      const y = Math.round(box.top + 2 + ((floor - box.top - 5) * frame) / (FRAMES - 1));
      return (
        `<rect x="0" y="${n(y)}" width="22" height="2" fill="${COLORS.flap}"/>` +
        `<rect x="0" y="${n(y + 2)}" width="22" height="1" fill="${COLORS.accent}"/>`
      );
    }
    case "paused":
      return (
        `<rect x="${n(middle - 4)}" y="9" width="3" height="8" fill="${COLORS.edge}"/>` +
        `<rect x="${n(middle + 1)}" y="9" width="3" height="8" fill="${COLORS.edge}"/>`
      );
    case "lost":
      return (
        `<rect x="${n(middle - 1)}" y="8" width="2" height="6" fill="${COLORS.work}"/>` +
        `<rect x="${n(middle - 1)}" y="16" width="2" height="2" fill="${COLORS.work}"/>`
      );
    case "idle":
    case "folding":
    case "unknown": {
      if (state.bytes === null || state.bytes <= 0) return "";
      const y = fillTop(box, floor, state.share);
      return `<rect x="0" y="${n(y)}" width="22" height="22" fill="${COLORS.accent}"/>`;
    }
  }
}

/** The corner folds further with each frame, as far as the sheet is high. */
function foldOf(state: IconState, frame: number, box: Box, floor: number): number {
  if (state.kind !== "folding") return box.fold;
  return box.fold + ((floor - box.top - box.fold - 1) * frame) / (FRAMES - 1);
}

function sheet(state: IconState, frame: number, plain: Box, floor: number): string {
  const box = { ...plain, fold: foldOf(state, frame, plain, floor) };
  const dull = state.kind === "unknown" || state.kind === "lost";
  const gains = !dull && state.bytes !== null && state.bytes > 0;
  return [
    `<path d="${sheetPath(box, 0)}" fill="${COLORS.edge}"/>`,
    `<path d="${sheetPath(box, 1)}" fill="${dull ? COLORS.dull : COLORS.paper}"/>`,
    `<clipPath id="paper"><path d="${sheetPath(box, 1)}"/></clipPath>`,
    `<g clip-path="url(#paper)">${onPaper(state, frame, box, floor)}</g>`,
    `<path d="${flapPath(box)}" fill="${gains ? COLORS.flap : COLORS.quiet}" stroke="${COLORS.edge}" stroke-width=".8"/>`,
  ].join("");
}

/** Cuts a ring out of what lies below the dot, so that it stands off from it on every panel. */
function withDot(drawing: string): string {
  return (
    `<mask id="ring"><rect width="22" height="22" fill="#fff"/><circle cx="4.5" cy="4.5" r="5.5" fill="#000"/></mask>` +
    `<g mask="url(#ring)">${drawing}</g><circle cx="4.5" cy="4.5" r="4" fill="${COLORS.warning}"/>`
  );
}

/**
 * Draws the icon.
 *
 * @param frame 0 to FRAMES - 1; only "scanning" and "folding" look different in each
 * @param size width and height in pixels; sharp at multiples of 22
 */
export function drawIcon(state: IconState, frame: number, size: number): string {
  const text = bandText(state);
  const above =
    text === null
      ? sheet(state, frame, WHOLE, WHOLE.bottom - 1)
      : `<clipPath id="above"><rect width="22" height="${n(LAST_LINE)}"/></clipPath>` +
        `<g clip-path="url(#above)">${sheet(state, frame, ABOVE_BAND, LAST_LINE)}</g>`;
  const drawing =
    text === null ? above : above + band(text, state.kind === "scanning" ? COLORS.work : COLORS.accent);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${n(size)}" height="${n(size)}" viewBox="0 0 22 22">`,
    state.attention ? withDot(drawing) : drawing,
    "</svg>",
  ].join("");
}
