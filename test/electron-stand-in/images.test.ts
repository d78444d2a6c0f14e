import { Resvg } from "@resvg/resvg-js";
import { describe, expect, test } from "vitest";
import { nativeImage } from "./native-image.ts";
import { decodePng, encodePng } from "./png.ts";

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="22" height="22">
  <rect width="22" height="11" fill="#10b050"/><circle cx="11" cy="11" r="7" fill="#c04020" fill-opacity="0.5"/></svg>`;

describe("PNG", () => {
  test("what resvg writes is read to the pixel, and written again", () => {
    const rendered = new Resvg(SVG).render();
    const read = decodePng(rendered.asPng());
    expect(read).toMatchObject({ width: 22, height: 22 });
    // one that nothing covers, one that is opaque, and one under the circle
    const pixel = (x: number, y: number): number[] => [
      ...(read?.rgba.subarray((y * 22 + x) * 4, (y * 22 + x) * 4 + 4) ?? []),
    ];
    expect(pixel(0, 21)).toEqual([0, 0, 0, 0]);
    expect(pixel(1, 1)).toEqual([0x10, 0xb0, 0x50, 255]);
    expect(pixel(11, 15)[3]).toBe(128);
    if (read !== null) expect(decodePng(encodePng(read))).toEqual(read);
  });

  test("what is no PNG is none", () => {
    expect(decodePng(Buffer.from("GIF89a"))).toBeNull();
  });
});

describe("nativeImage", () => {
  test("holds one picture in several resolutions", () => {
    const image = nativeImage.createEmpty();
    expect(image.isEmpty()).toBe(true);
    for (const scaleFactor of [1, 2]) {
      const png = new Resvg(SVG, { fitTo: { mode: "width", value: 22 * scaleFactor } }).render().asPng();
      image.addRepresentation({
        scaleFactor,
        width: 22 * scaleFactor,
        height: 22 * scaleFactor,
        buffer: png,
      });
    }
    expect(image.getScaleFactors()).toEqual([1, 2]);
    expect(image.getSize(2)).toEqual({ width: 22, height: 22 });
    expect(decodePng(image.toPNG({ scaleFactor: 2 }))).toMatchObject({ width: 44 });
  });

  test("a bitmap is blue, green, red, alpha", () => {
    const image = nativeImage.createFromBitmap(Buffer.from([1, 2, 3, 255]), { width: 1, height: 1 });
    expect([...(decodePng(image.toPNG())?.rgba ?? [])]).toEqual([3, 2, 1, 255]);
    expect([...image.toBitmap()]).toEqual([1, 2, 3, 255]);
  });

  test("what cannot be read is an empty image", () => {
    expect(nativeImage.createFromPath("/nowhere.png").isEmpty()).toBe(true);
    expect(nativeImage.createFromDataURL("data:text/plain,x").isEmpty()).toBe(true);
  });
});
