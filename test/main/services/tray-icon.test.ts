import { Resvg } from "@resvg/resvg-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { COLORS, FRAMES, drawIcon } from "../../../src-main/tray/draw.ts";
import { compactAmount, textPaths, textWidth } from "../../../src-main/tray/glyphs.ts";
import { BASE_SIZE, renderIcon } from "../../../src-main/tray/icon.ts";
import type { IconState } from "../../../src-main/tray/model.ts";

const GIB = 1024 ** 3;
const state = (changes: Partial<IconState> = {}): IconState => ({
  kind: "idle",
  bytes: 48.6 * GIB,
  share: 0.1,
  progress: null,
  attention: false,
  ...changes,
});

/** RGBA of each pixel, row by row. */
function pixels(one: IconState, frame = 0, size = BASE_SIZE): { at: (x: number, y: number) => number[] } {
  const image = new Resvg(drawIcon(one, frame, size)).render();
  expect([image.width, image.height]).toEqual([size, size]);
  const data = image.pixels;
  return { at: (x, y) => [...data.subarray((y * size + x) * 4, (y * size + x) * 4 + 4)] };
}
const rgb = (color: string): number[] => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
const opaque = (color: string): number[] => [...rgb(color), 255];

/** WCAG 2 contrast of two colours. */
function contrast(a: string, b: string): number {
  const luminance = (color: string): number => {
    const [r = 0, g = 0, blue = 0] = rgb(color).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * blue;
  };
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

describe("amounts of four characters", () => {
  test.each([
    [0, "0K"],
    [1023, "0K"],
    [1024 ** 2 - 1, "0.9M"],
    [5.99 * 1024 ** 2, "5.9M"],
    [48.6 * GIB, "48G"],
    [9.99 * GIB, "9.9G"],
    [10 * GIB, "10G"],
    [999.9 * GIB, "999G"],
    [1000 * GIB, "0.9T"],
    [1.27 * 1024 * GIB, "1.2T"],
    [2 ** 60 * 5000, "999P"],
  ])("%d bytes: %s", (bytes, text) => {
    expect(compactAmount(bytes)).toBe(text);
  });

  test("any amount fits into the band, is drawn, and never says more than there is", () => {
    const factor = { K: 1, M: 2, G: 3, T: 4, P: 5 };
    fc.assert(
      fc.property(fc.double({ min: 0, max: 60, noNaN: true }), (exponent) => {
        const bytes = Math.floor(2 ** exponent);
        const text = compactAmount(bytes);
        expect(textWidth(text)).toBeLessThanOrEqual(20);
        expect(textPaths(text, 0, 0)).toContain("<path");
        const said = Number(text.slice(0, -1)) * 1024 ** factor[text.slice(-1) as keyof typeof factor];
        expect(said).toBeLessThanOrEqual(bytes);
        // off by a tenth of the unit, or by one where there is no tenth
        if (bytes >= 1024 ** 2 && exponent < 59) expect(said).toBeGreaterThan(bytes * 0.88);
      }),
    );
  });

  test("percentages fit too; what is not drawn is an error", () => {
    for (let percent = 0; percent <= 100; percent++) {
      expect(textWidth(`${String(percent)}%`)).toBeLessThanOrEqual(20);
    }
    expect(() => textWidth("7€")).toThrow(RangeError);
  });
});

describe("colours", () => {
  // GNOME and KDE, light and dark; black
  const light = ["#ffffff", "#f6f5f4", "#eff0f1"];
  const dark = ["#000000", "#1e1e1e", "#2a2e32"];

  test("each shape stands off from every panel by itself", () => {
    for (const panel of [...light, ...dark]) {
      expect(contrast(COLORS.accent, panel), `band on ${panel}`).toBeGreaterThanOrEqual(3);
      expect(contrast(COLORS.warning, panel), `dot on ${panel}`).toBeGreaterThanOrEqual(3);
    }
    // of the sheet its edge on light panels, its paper on dark ones
    for (const panel of light) {
      expect(contrast(COLORS.edge, panel)).toBeGreaterThanOrEqual(3);
      expect(contrast(COLORS.work, panel)).toBeGreaterThanOrEqual(3);
    }
    for (const panel of dark) {
      expect(contrast(COLORS.paper, panel)).toBeGreaterThanOrEqual(7);
      expect(contrast(COLORS.dull, panel)).toBeGreaterThanOrEqual(7);
    }
  });

  test("text on the band, and the fill on the paper", () => {
    expect(contrast(COLORS.ink, COLORS.accent)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(COLORS.ink, COLORS.work)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(COLORS.accent, COLORS.paper)).toBeGreaterThanOrEqual(3);
    expect(contrast(COLORS.work, COLORS.dull)).toBeGreaterThanOrEqual(3);
  });
});

describe("the drawing", () => {
  test("the fill rises with the share, and a little is never nothing", () => {
    const height = (share: number): number => {
      const image = pixels(state({ share, bytes: 1 }));
      return Array.from({ length: 22 }, (_, y) => image.at(10, y)).filter(
        (pixel) => JSON.stringify(pixel) === JSON.stringify(opaque(COLORS.accent)),
      ).length;
    };
    const heights = [0, 0.001, 0.1, 0.3, 0.5, 0.8, 1].map(height);
    expect(heights[1]).toBe(2);
    expect(heights).toEqual([...heights].sort((a, b) => a - b));
    expect(heights.at(-1)).toBeGreaterThan(16);
    expect(new Set(heights).size).toBeGreaterThanOrEqual(5);
  });

  test("nothing to give back: a clean sheet without band or fill", () => {
    const svg = drawIcon(state({ bytes: 0, share: 0 }), 0, 22);
    expect(svg).not.toContain(COLORS.accent);
    expect(svg).not.toContain(COLORS.flap);
  });

  test("the band is sharp at 22 px: whole lines of pixels, with a clear line above", () => {
    const image = pixels(state());
    expect(image.at(1, 17)).toEqual(opaque(COLORS.accent));
    expect(image.at(11, 13)).toEqual(opaque(COLORS.accent));
    expect(image.at(11, 21)).toEqual(opaque(COLORS.accent));
    expect(image.at(11, 12)[3]).toBe(0);
    // the stem of the 4, of pure ink
    const stem = Array.from({ length: 22 }, (_, x) => image.at(x, 20)).filter(
      (pixel) => JSON.stringify(pixel) === JSON.stringify(opaque(COLORS.ink)),
    );
    expect(stem.length).toBeGreaterThan(0);
  });

  test("the dot for stuck files is there in every state, with a clear ring", () => {
    for (const kind of ["unknown", "idle", "scanning", "folding", "paused", "lost"] as const) {
      const image = pixels(state({ kind, attention: true, progress: 0.5 }));
      expect(image.at(4, 4)).toEqual(opaque(COLORS.warning));
      expect(image.at(9, 4)[3]).toBeLessThan(128);
      expect(pixels(state({ kind, progress: 0.5 })).at(4, 4)).not.toEqual(opaque(COLORS.warning));
    }
  });

  test("every state and every frame of the animations looks different", () => {
    const pictures = (["unknown", "idle", "paused", "lost"] as const).map((kind) =>
      drawIcon(state({ kind }), 0, 22),
    );
    for (const kind of ["scanning", "folding"] as const) {
      for (const progress of [null, 0.5]) {
        for (let frame = 0; frame < FRAMES; frame++)
          pictures.push(drawIcon(state({ kind, progress }), frame, 22));
      }
    }
    expect(new Set(pictures).size).toBe(pictures.length);
  });

  test("progress is said in percent, and 100 only when all is done", () => {
    const same = (a: number, b: number): boolean =>
      drawIcon(state({ kind: "folding", progress: a }), 0, 22) ===
      drawIcon(state({ kind: "folding", progress: b }), 0, 22);
    expect(same(0.994, 0.999)).toBe(true);
    expect(same(0.999, 1)).toBe(false);
  });
});

describe("pictures for Electron", () => {
  test.each([
    [1, [22, 44]],
    [1.01, [22, 44]],
    [1.25, [44, 88]],
    [2, [44, 88]],
    [9, [88, 176]],
    [0, [22, 44]],
  ])("display scale %d", (scale, sizes) => {
    const images = renderIcon(state(), 0, scale);
    expect(images.map(({ size, scaleFactor }) => [size, scaleFactor])).toEqual([
      [sizes[0], 1],
      [sizes[1], 2],
    ]);
    for (const { png, size } of images) {
      expect(png.subarray(1, 4).toString()).toBe("PNG");
      expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([size, size]);
    }
  });
});
