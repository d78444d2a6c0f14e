/**
 * Digits and units for the tray, drawn as strokes on a grid of pixels: 7 high,
 * stems and bars in the middle of a pixel, so that they are sharp at 22 px and
 * round at 44. Own drawings: no font of the system or of anybody is needed.
 */

interface Glyph {
  /** Pixels. */
  readonly width: number;
  /** Centre lines, to be stroked. */
  readonly path: string;
}

const LOOP = "M.5 2Q.5 .5 2 .5 3.5 .5 3.5 2V5Q3.5 6.5 2 6.5 .5 6.5 .5 5Z";

const GLYPHS: Readonly<Record<string, Glyph>> = {
  "0": { width: 4, path: LOOP },
  "1": { width: 2, path: "M-.1 1.9 1.5 .6V7" },
  "2": { width: 4, path: "M.5 2Q.5 .5 2 .5 3.5 .5 3.5 1.9 3.5 2.9 2.6 3.8L.6 6.5H4" },
  "3": {
    width: 4,
    path: "M.3 1.2Q.8 .5 1.9 .5 3.5 .5 3.5 2 3.5 3.5 1.6 3.5M1.6 3.5Q3.5 3.5 3.5 5 3.5 6.5 1.9 6.5 .8 6.5 .3 5.8",
  },
  "4": { width: 4, path: "M2.5 7V.5L.5 4.1V4.5H4.1" },
  "5": { width: 4, path: "M3.9 .5H.5V3.5H1.9Q3.5 3.5 3.5 5 3.5 6.5 1.9 6.5 .8 6.5 .3 5.8" },
  "6": {
    width: 4,
    path: "M3.5 1.1Q3 .5 2.1 .5 .5 .5 .5 2.4V5Q.5 6.5 2 6.5 3.5 6.5 3.5 5 3.5 3.5 2 3.5 .5 3.5 .5 5",
  },
  "7": { width: 4, path: "M0 .5H3.5Q3.5 1.8 2.6 3.4 1.5 5.2 1.5 7" },
  "8": {
    width: 4,
    path: "M2 .5Q3.5 .5 3.5 2 3.5 3.5 2 3.5 .5 3.5 .5 2 .5 .5 2 .5ZM2 3.5Q3.5 3.5 3.5 5 3.5 6.5 2 6.5 .5 6.5 .5 5 .5 3.5 2 3.5Z",
  },
  "9": {
    width: 4,
    path: "M.5 5.9Q1 6.5 1.9 6.5 3.5 6.5 3.5 4.6V2Q3.5 .5 2 .5 .5 .5 .5 2 .5 3.5 2 3.5 3.5 3.5 3.5 2",
  },
  ".": { width: 1, path: "M.5 6V7" },
  K: { width: 4, path: "M.5 0V7M3.8 .2.9 3.7M1.7 2.9 3.9 6.9" },
  M: { width: 5, path: "M.5 7V.6L2.5 4 4.5 .6V7" },
  G: { width: 4, path: "M3.5 1.4Q3.1 .5 2 .5 .5 .5 .5 2.2V4.8Q.5 6.5 2 6.5 3.5 6.5 3.5 5V3.5H2" },
  T: { width: 5, path: "M0 .5H5M2.5 .5V7" },
  P: { width: 4, path: "M.5 7V.5H1.8Q3.5 .5 3.5 2.2 3.5 3.9 1.8 3.9H.5" },
  "%": { width: 5, path: "M0 .5H2M0 1.5H2M3 5.5H5M3 6.5H5M4.2 .7.8 6.3" },
};

/** Pixels between two characters. */
const GAP = 1;

/** Width of a text in pixels. @throws RangeError for a character that is not drawn */
export function textWidth(text: string): number {
  return Array.from(text).reduce((width, character) => width + glyph(character).width + GAP, -GAP);
}

function glyph(character: string): Glyph {
  const known = GLYPHS[character];
  if (known === undefined) throw new RangeError(`no glyph for ${JSON.stringify(character)}`);
  return known;
}

/** SVG for a text, its left upper corner at (x, y). The colour is the parent's `stroke`. */
export function textPaths(text: string, x: number, y: number): string {
  let at = x;
  return Array.from(text)
    .map((character) => {
      const { width, path } = glyph(character);
      const drawn = `<path d="${path}" transform="translate(${String(at)} ${String(y)})"/>`;
      at += width + GAP;
      return drawn;
    })
    .join("");
}

const UNITS = ["", "K", "M", "G", "T", "P"] as const;

/**
 * A size in at most four characters: "9.9G", "48G", "512M". Rounded down: the
 * tray never promises more than there is. Binary units. Below 1 KiB: "0K".
 */
export function compactAmount(bytes: number): string {
  let value = Math.max(0, bytes) / 1024;
  let unit = 1;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const tenths = Math.floor(value * 10 + 1e-9) / 10;
  const text =
    tenths < 10 && tenths > 0 && unit > 1 ? tenths.toFixed(1) : String(Math.min(999, Math.floor(value)));
  return text + (UNITS[unit] ?? "");
}
