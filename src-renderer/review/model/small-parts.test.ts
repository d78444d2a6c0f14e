import fc from "fast-check";
import picomatch from "picomatch";
import { describe, expect, it } from "vitest";
import type { FolderNode, HistoryRunInfo } from "../../../src-helper/rpc/protocol.ts";
import { estimateMs } from "./estimate.ts";
import { hexLines } from "./hex.ts";
import { folderGlob, typeGlob } from "./skip-globs.ts";
import { layoutTiles } from "./treemap-layout.ts";

const OPTIONS = { dot: true, nonegate: true }; // as the helper matches excludes

describe("globs of folders and types", () => {
  it("match the folder they were made of, whatever is in its name", () => {
    const hostile = fc.string({
      unit: fc.constantFrom(...Array.from("ab *?[]{}()!+@|,^$\"'\\-~#&;<>.ä\n\u202e")),
    });
    fc.assert(
      fc.property(
        fc.array(hostile.filter((part) => part !== "" && part !== "." && part !== "..")),
        (names) => {
          fc.pre(names.length > 0);
          const folder = `/${names.join("/")}`;
          const matches = picomatch(folderGlob(folder), OPTIONS);
          expect(matches(folder)).toBe(true);
          expect(matches(`${folder}x`)).toBe(false);
        },
      ),
      { seed: 11, numRuns: 300, endOnFailure: true },
    );
  });

  it("do not match other folders", () => {
    const matches = picomatch(folderGlob("/home/[2019] a*b"), OPTIONS);
    expect(matches("/home/2 a-b")).toBe(false);
    expect(matches("/home/[2019] a-b")).toBe(false);
  });

  it("match a name that is no UTF-8, as the helper may spell it", () => {
    const matches = picomatch(folderGlob("/mnt/caf\udce9"), OPTIONS);
    expect(matches("/mnt/caf\ufffd")).toBe(true);
    expect(matches("/mnt/caf\udce9")).toBe(true);
    expect(matches("/mnt/caf")).toBe(false);
    expect(folderGlob("/mnt/🎞")).toBe("/mnt/🎞");
  });

  it("go by the ending of a name, where it has one", () => {
    expect(typeGlob("a.b.iso")).toBe("*.iso");
    expect(typeGlob("README")).toBeNull();
    expect(typeGlob(".bashrc")).toBeNull();
    expect(typeGlob("dot.")).toBeNull();
    expect(typeGlob("Mr. Smith and the rest")).toBeNull();
    expect(picomatch(typeGlob("x.c++") ?? "", OPTIONS)("other.c++")).toBe(true);
  });
});

const node = (name: string, reclaimableBytes: number): FolderNode => ({
  path: `/${name}`,
  name,
  reclaimableBytes,
  files: 1,
  deeper: false,
});

describe("tiles", () => {
  it("cover their share of the area, inside it, without overlap", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 41 });
    fc.assert(
      fc.property(sizes, (all) => {
        const tiles = layoutTiles(
          all.map((size, at) => node(`f${at}`, size)),
          400,
          300,
        );
        expect(tiles).toHaveLength(all.length);
        for (const { x, y, width, height } of tiles) {
          expect(Math.min(x, y, width, height)).toBeGreaterThanOrEqual(0);
          expect(x + width).toBeLessThanOrEqual(400);
          expect(y + height).toBeLessThanOrEqual(300);
        }
        tiles.forEach((a, at) => {
          for (const b of tiles.slice(at + 1)) {
            const apart =
              a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
            expect(apart).toBe(true);
          }
        });
      }),
      { seed: 3, numRuns: 50, endOnFailure: true },
    );
  });

  it("leave out what gives nothing back, and are none where there is no room", () => {
    expect(layoutTiles([node("a", 5), node("b", 0)], 100, 100).map((tile) => tile.node.name)).toEqual(["a"]);
    expect(layoutTiles([node("a", 5)], 0, 100)).toEqual([]);
  });

  it("carry a label only where it fits", () => {
    const [large, small] = layoutTiles([node("a", 1_000_000), node("b", 1)], 200, 100);
    expect(large?.label).toBe("full");
    expect(small?.label).toBe("none");
  });
});

const run = (startedAt: number, elapsed: number | null, predictedBytes: number): HistoryRunInfo => ({
  id: startedAt,
  volume: "00000000-0000-0000-0000-000000000000",
  startedAt,
  finishedAt: elapsed === null ? null : startedAt + elapsed,
  state: elapsed === null ? "interrupted" : "done",
  groups: 1,
  files: 1,
  predictedBytes,
  freedBytes: predictedBytes,
  skipped: 0,
});

describe("how long a fold will take", () => {
  it("is judged by the last whole run that was long enough", () => {
    const runs = [run(1, 10_000, 1000), run(2, 20_000, 1000), run(3, 10, 1000), run(4, null, 1000)];
    expect(estimateMs(runs, 500)).toBe(10_000);
    // no more exact than it can be
    expect([1690, 5260, 20_050].map((bytes) => estimateMs(runs, bytes))).toEqual([30_000, 110_000, 420_000]);
  });

  it("is not said where there is nothing to judge by", () => {
    expect(estimateMs([], 500)).toBeNull();
    expect(estimateMs([run(1, 5000, 0), run(2, 5, 100)], 500)).toBeNull();
  });
});

describe("hex lines", () => {
  it("show each byte, and letters where it is one", () => {
    const head = Buffer.from([0x41, 0x00, 0xff, 0x7e, 0x42]).toString("base64");
    expect(hexLines(head, 4)).toEqual([
      { offset: 0, bytes: ["41", "00", "ff", "7e"], text: "A··~" },
      { offset: 4, bytes: ["42"], text: "B" },
    ]);
    expect(hexLines("", 16)).toEqual([]);
  });
});
