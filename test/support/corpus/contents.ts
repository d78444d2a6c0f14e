/** What the files of a generated volume contain. */
import { createHash } from "node:crypto";
import { collidingBlock } from "../crc32c.ts";
import type { Random } from "../random.ts";

export interface Content {
  readonly bytes: Buffer;
  readonly sha256: string;
}

/** Contents of one size that are easily taken for one another; the first is the one with most copies. */
export type Family = readonly Content[];

const BLOCK = 4096;
const WORDS = "extent csum leaf subvolume snapshot generation reflink inode sector transid".split(" ");

export function toContent(bytes: Buffer): Content {
  return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** Kinds of bytes; each takes a size. */
const KINDS = {
  random: (random: Random, size: number) => random.bytes(size),
  /** Compresses to about a third. */
  text: (random: Random, size: number) => {
    const page = Array.from({ length: 2000 }, () => random.pick(WORDS)).join(" ");
    return Buffer.alloc(size, page);
  },
  zeros: (_random: Random, size: number) => Buffer.alloc(size),
  /** Random data with whole blocks of zeros in it: what may lie in holes and preallocation. */
  gappy: (random: Random, size: number) => {
    const bytes = random.bytes(size);
    for (let at = 0; at < size;) {
      const length = BLOCK * random.between(1, 40);
      if (random.chance(0.4)) bytes.fill(0, at, Math.min(size, at + length));
      at += length;
    }
    return bytes;
  },
  /** The same half twice: a file may share with itself. */
  doubled: (random: Random, size: number) => {
    const half = BLOCK * Math.ceil(size / 2 / BLOCK);
    const bytes = random.bytes(size);
    bytes.copy(bytes, Math.min(half, size), 0, Math.max(0, size - half));
    return bytes;
  },
  /** Half compressible, half not. */
  mixed: (random: Random, size: number) => {
    const bytes = Buffer.alloc(size, random.bytes(97));
    random.bytes(Math.floor(size / 2)).copy(bytes, Math.floor(size / 2));
    return bytes;
  },
};
type Kind = keyof typeof KINDS;
const KIND_NAMES = Object.keys(KINDS) as Kind[];

/** Sizes at which something changes in btrfs: inline limits, blocks, compression chunks. */
const SMALL = [1, 2, 100, 1000, 2047, 2048, 2049, 3000, 4095, 4096, 4097, 6000, 8191, 8192, 12_288];
const MEDIUM = [20_000, 65_536, 100_001, 131_071, 131_072, 131_073, 200_704, 262_144, 393_217, 524_288];
const LARGE = [(1 << 20) - 1, 1 << 20, (1 << 20) + 1, (2 << 20) + 4096, (4 << 20) + 4095, 8 << 20];

/** The same bytes with one flipped in the first, a middle or the last place. */
function flipped(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes);
  other[at] = (other[at] ?? 0) ^ 0x01;
  return other;
}

function family(random: Random, kind: Kind, size: number): Family {
  const base = KINDS[kind](random, size);
  const places = new Set([0, Math.floor(size / 2), size - 1]);
  const variants = random.shuffle([...places]).slice(0, random.between(0, places.size));
  return [base, ...variants.map((at) => flipped(base, at))].map(toContent);
}

/** Two blocks of one checksum (crc32c) and different bytes. Shorter than a block: the rest counts as zeros. */
function collidingFamily(random: Random, size: number): Family {
  const block = random.bytes(size);
  return [toContent(block), toContent(collidingBlock(block))];
}

export interface ContentOptions {
  /** No content is larger. Bytes. */
  readonly maxSize: number;
}

/** All contents of a volume: every kind in small, medium and large, every special size at least once. */
export function makeFamilies(random: Random, options: ContentOptions): Family[] {
  const families: Family[] = [];
  const add = (kind: Kind, size: number): void => {
    if (size <= options.maxSize) families.push(family(random, kind, size));
  };
  for (const size of [...SMALL, ...MEDIUM, ...LARGE]) add(random.pick(KIND_NAMES), size);
  for (const kind of KIND_NAMES) {
    for (const sizes of [SMALL, MEDIUM, MEDIUM]) add(kind, random.pick(sizes));
    add(kind, random.between(1, 40_000));
    add(kind, BLOCK * random.between(1, 300));
    add(kind, random.between(1 << 17, 3 << 20));
  }
  for (const size of [4096, 3000]) families.push(collidingFamily(random, size));
  // One of the largest: two contents of 64 MiB that differ in one byte.
  const largest = 64 << 20;
  if (options.maxSize >= largest) {
    const bytes = KINDS.gappy(random, largest);
    families.push([
      toContent(bytes),
      toContent(flipped(bytes, random.pick([0, largest / 2 + 5, largest - 1]))),
    ]);
  }
  return families;
}
