/** Packed extents against what btrfs-progs prints of the same tree; ranges that differ, as a property. */
import { closeSync, constants, openSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { differingRanges, KIND, unpackExtents, type Extent } from "../../src-helper/btrfs/extents.ts";
import { TRAIT } from "../../src-helper/native/library.ts";
import { dedupe, inodeOf } from "../kernel-facts/support.ts";
import { exec } from "../support/exec.ts";
import { LoopVolume } from "../support/volume.ts";
import { reflink, WRITERS } from "./files.ts";
import { readInodes, SECTOR } from "./support.ts";

const COMPRESSED = ["plain", "zlib", "lzo", "zstd"] as const;

/** Extents by inode, as `btrfs inspect-internal dump-tree` prints them; holes left out. */
function dumpedExtents(device: string): Map<number, Extent[]> {
  const files = new Map<number, Extent[]>();
  const dump = exec("btrfs", ["inspect-internal", "dump-tree", "-t", "5", device]);
  for (const item of dump.split(/\titem \d+ /).slice(1)) {
    const key = /^key \((\d+) EXTENT_DATA (\d+)\)/.exec(item);
    if (key === null) continue;
    const number = (pattern: RegExp): number => {
      const found = pattern.exec(item)?.[1];
      if (found === undefined) throw new Error(`no ${String(pattern)} in ${item}`);
      return Number(found);
    };
    const [ino, fileOffset] = [Number(key[1]), Number(key[2])];
    const extents = files.get(ino) ?? [];
    files.set(ino, extents);
    if (/type 0 \(inline\)/.test(item)) {
      const length = number(/ram_bytes (\d+)/);
      extents.push({ kind: KIND.inline, fileOffset, length, bytenr: 0, offset: 0, diskBytes: 0, ramBytes: 0 });
      continue;
    }
    const prealloc = /type 2 \(prealloc\)/.test(item);
    const bytenr = number(/ata disk byte (\d+)/);
    if (bytenr === 0) continue;
    const kind = prealloc ? KIND.prealloc : KIND[COMPRESSED[number(/compression (\d)/)] ?? "plain"];
    const diskBytes = number(/ata disk byte \d+ nr (\d+)/);
    extents.push({
      kind,
      fileOffset,
      length: number(/data offset \d+ nr (\d+)/),
      bytenr,
      offset: number(/data offset (\d+)/),
      diskBytes,
      ramBytes: kind >= KIND.zlib ? number(/ ram (\d+)/) : diskBytes,
    });
  }
  return files;
}

describe("packed extents", () => {
  const volume = LoopVolume.create({ size: "1G" });
  const top = openSync(volume.path, constants.O_RDONLY);
  afterAll(() => {
    closeSync(top);
    volume.dispose();
  });

  test("unpack to what dump-tree prints, for every kind of file", async () => {
    const paths: string[] = [];
    const file = (name: string): string => {
      const path = join(volume.path, name);
      paths.push(path);
      return path;
    };
    for (const [way, write] of Object.entries(WRITERS)) {
      const content = randomBytes(50 * SECTOR + 123);
      content.fill(0, 10 * SECTOR, 20 * SECTOR);
      write(file(way), content);
    }
    writeFileSync(file("inline"), "short");
    writeFileSync(file("empty"), "");
    const hole = file("all hole");
    writeFileSync(hole, "");
    truncateSync(hole, 1 << 20);
    for (const algorithm of ["zlib", "lzo", "zstd"]) {
      volume.remount(`compress-force=${algorithm}`);
      writeFileSync(file(algorithm), Buffer.alloc(500_000, "text that compresses; "));
      writeFileSync(file(`inline ${algorithm}`), Buffer.alloc(1000, "text"));
      volume.sync();
    }
    volume.remount("compress=no");
    reflink(join(volume.path, "at once"), file("reflink"), 50 * SECTOR + 123, 7 * SECTOR);
    dedupe(join(volume.path, "lzo"), join(volume.path, "zstd"), 20 * SECTOR, [SECTOR * 11, SECTOR * 11]);
    volume.sync();

    const dumped = dumpedExtents(volume.device);
    const records = await readInodes(top, 5, paths.map(inodeOf));
    const kinds = new Set<number>();
    records.forEach((record, k) => {
      const extents = unpackExtents(record.blob, SECTOR);
      expect(extents, paths[k]).toEqual(dumped.get(record.ino) ?? []);
      expect(record.extents, paths[k]).toBe(extents.filter((extent) => extent.kind !== KIND.inline).length);
      for (const { kind } of extents) kinds.add(kind);
      const inFile = extents.reduce((sum, { fileOffset, length, kind }) => {
        const end = Math.ceil(record.size / SECTOR) * SECTOR;
        return kind === KIND.inline ? sum : sum + Math.max(0, Math.min(fileOffset + length, end) - fileOffset);
      }, 0);
      expect(record.diskBytes, paths[k]).toBe(inFile);
      expect((record.traits & TRAIT.inline) !== 0, paths[k]).toBe(
        extents.some(({ kind }) => kind === KIND.inline),
      );
      expect((record.traits & TRAIT.beyondEof) !== 0, paths[k]).toBe(
        extents.some(({ kind, fileOffset, length }) =>
          kind === KIND.inline ? false : fileOffset + length > Math.ceil(record.size / SECTOR) * SECTOR,
        ),
      );
    });
    expect(kinds).toEqual(new Set(Object.values(KIND)));
  });

  test("that end too early are an error", () => {
    const blob = Buffer.from([0, 0, 4, 0x80, 0x08, 0, 4]);
    expect(unpackExtents(blob, SECTOR)).toHaveLength(1);
    for (let length = 1; length < blob.length; length++)
      expect(() => unpackExtents(blob.subarray(0, length), SECTOR), String(length)).toThrow(/end too early/);
  });
});

/** A file as a list of blocks: where each lies on disk, null for a hole. */
type Block = { readonly kind: number; readonly extent: number; readonly index: number } | null;

/** Extent starts are far apart so that no two touch unless they are one. */
const EXTENT_BYTES = 64 * SECTOR;

const block: fc.Arbitrary<Block> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom(KIND.plain, KIND.prealloc, KIND.zstd),
      extent: fc.integer({ min: 1, max: 3 }),
      index: fc.integer({ min: 0, max: 3 }),
    }),
  },
);

function place(one: Block): string {
  return one === null ? "hole" : `${one.kind} ${one.extent} ${one.index}`;
}

/** Extents of such a file; neighbours that continue each other are one or two, as `split` says. */
function toExtents(blocks: readonly Block[], split: (k: number) => boolean): Extent[] {
  const extents: Extent[] = [];
  blocks.forEach((one, k) => {
    if (one === null) return;
    const last = extents.at(-1);
    const before = blocks[k - 1];
    const continues =
      last !== undefined &&
      before !== null &&
      before !== undefined &&
      before.kind === one.kind &&
      before.extent === one.extent &&
      before.index + 1 === one.index;
    if (continues && !split(k)) {
      extents[extents.length - 1] = { ...last, length: last.length + SECTOR };
      return;
    }
    extents.push({
      kind: one.kind,
      fileOffset: k * SECTOR,
      length: SECTOR,
      bytenr: one.extent * EXTENT_BYTES,
      offset: one.index * SECTOR,
      diskBytes: EXTENT_BYTES,
      ramBytes: EXTENT_BYTES,
    });
  });
  return extents;
}

describe("differingRanges", () => {
  const file = fc.array(block, { maxLength: 12 });
  /** The second file is the first with some blocks replaced, so that much is shared. */
  const pair = fc.tuple(file, file, fc.array(fc.boolean(), { maxLength: 12 })).map(([a, other, replaced]) => ({
    a,
    b: a.map((one, k) => (replaced[k] === true ? (other[k] ?? null) : one)),
  }));
  const splits = fc.tuple(fc.integer(), fc.integer());
  const splitter =
    (seed: number) =>
    (k: number): boolean =>
      ((seed >>> (k % 31)) & 1) === 1;

  test("holds exactly the blocks that lie elsewhere, however the extents are split", () => {
    fc.assert(
      fc.property(pair, splits, fc.integer({ min: 0, max: SECTOR - 1 }), ({ a, b }, [one, other], cut) => {
        const size = Math.max(0, a.length * SECTOR - cut);
        const ranges = differingRanges(toExtents(a, splitter(one)), toExtents(b, splitter(other)), size);
        const inside = (k: number): boolean =>
          ranges.some((range) => range.start <= k * SECTOR && range.end >= Math.min((k + 1) * SECTOR, size));
        const touched = (k: number): boolean =>
          ranges.some((range) => range.start < (k + 1) * SECTOR && range.end > k * SECTOR);
        for (let k = 0; k * SECTOR < size; k++) {
          const differs = place(a[k] ?? null) !== place(b[k] ?? null);
          expect(inside(k)).toBe(differs);
          expect(touched(k)).toBe(differs);
        }
        let end = -1;
        for (const range of ranges) {
          expect(range.start).toBeGreaterThan(end); // in order and merged
          expect(range.end).toBeGreaterThan(range.start);
          expect(range.end).toBeLessThanOrEqual(size);
          end = range.end;
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("is the same both ways, and nothing for a file against itself", () => {
    fc.assert(
      fc.property(pair, splits, ({ a, b }, [one, other]) => {
        const size = a.length * SECTOR;
        const [x, y] = [toExtents(a, splitter(one)), toExtents(b, splitter(other))];
        expect(differingRanges(x, y, size)).toEqual(differingRanges(y, x, size));
        expect(differingRanges(x, toExtents(a, splitter(other)), size)).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  test("takes plain extents that follow each other on disk for one", () => {
    const joined: Extent[] = [
      { kind: KIND.plain, fileOffset: 0, length: 8192, bytenr: 65536, offset: 0, diskBytes: 8192, ramBytes: 8192 },
    ];
    const apart: Extent[] = [
      { kind: KIND.plain, fileOffset: 0, length: 4096, bytenr: 65536, offset: 0, diskBytes: 4096, ramBytes: 4096 },
      { kind: KIND.plain, fileOffset: 4096, length: 4096, bytenr: 69632, offset: 0, diskBytes: 4096, ramBytes: 4096 },
    ];
    expect(differingRanges(joined, apart, 8192)).toEqual([]);
  });

  test("counts inline data as different: it can never be shared", () => {
    const inline: Extent[] = [
      { kind: KIND.inline, fileOffset: 0, length: 100, bytenr: 0, offset: 0, diskBytes: 0, ramBytes: 0 },
    ];
    expect(differingRanges(inline, inline, 100)).toEqual([{ start: 0, end: 100 }]);
  });
});
