/**
 * Ways in which the same bytes come to lie on disk. Each gives a file of the
 * content asked for; what differs is the extents.
 */
import { closeSync, constants, fsyncSync, ftruncateSync, linkSync, openSync, writeSync } from "node:fs";
import {
  changeFlags,
  cloneRange,
  fallocate,
  FALLOC_KEEP_SIZE,
  FALLOC_PUNCH_HOLE,
  FileFlag,
  setXattr,
  withFd,
} from "../libc.ts";
import type { Random } from "../random.ts";
import type { Content } from "./contents.ts";

const BLOCK = 4096;

/** A copy made earlier that this one can be linked to. */
export interface Existing {
  readonly path: Buffer;
  /** Its subvolume: hard links do not leave it. */
  readonly home: string;
  readonly checksums: boolean;
}

export interface WriteRequest {
  readonly random: Random;
  readonly path: Buffer;
  readonly content: Content;
  /** Copies of the same content. */
  readonly existing: readonly Existing[];
  readonly home: string;
}

export interface Writer {
  readonly name: string;
  /** Whether its data has checksums (not NOCOW). */
  readonly checksums: boolean;
  /** A hard link adds no file. */
  readonly isLink?: boolean;
  fits(request: WriteRequest): boolean;
  write(request: WriteRequest): void;
}

function withNew(path: Buffer, use: (fd: number) => void): void {
  const fd = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o644);
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}

function withExisting(path: Buffer, use: (fd: number) => void): void {
  withFd(path, use, constants.O_RDWR);
}

/** writeSync may write less than asked. */
function writeAll(fd: number, bytes: Buffer, from = 0, until = bytes.length): void {
  for (let at = from; at < until;) at += writeSync(fd, bytes, at, until - at, at);
}

function isZero(bytes: Buffer, from: number, until: number): boolean {
  for (let at = from; at < until; at++) if (bytes[at] !== 0) return false;
  return true;
}

/** Writes only the blocks that are not all zeros. */
function writeNonZero(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += BLOCK) {
    const until = Math.min(at + BLOCK, bytes.length);
    if (!isZero(bytes, at, until)) writeAll(fd, bytes, at, until);
  }
}

/** Splits 0..size into about so many pieces whose borders are multiples of `unit`. */
function pieces(random: Random, size: number, count: number, unit: number): [number, number][] {
  const borders = new Set([0, size]);
  for (let k = 1; k < count; k++) borders.add(Math.min(size, unit * random.below(Math.ceil(size / unit))));
  const sorted = [...borders].sort((a, b) => a - b);
  return sorted.slice(1).map((until, k) => [sorted[k] ?? 0, until]);
}

const always = (): boolean => true;
const hasBlocks =
  (blocks: number) =>
  ({ content }: WriteRequest): boolean =>
    content.bytes.length > blocks * BLOCK;

function cow(name: string, write: Writer["write"], fits: Writer["fits"] = always): Writer {
  return { name, checksums: true, fits, write };
}

function compressed(algorithm: string): Writer {
  return cow(`compressed ${algorithm}`, ({ path, content }) => {
    withNew(path, () => {
      setXattr(path, "btrfs.compression", algorithm);
    });
    withExisting(path, (fd) => {
      writeAll(fd, content.bytes);
    });
  });
}

function sources(request: WriteRequest, checksums: boolean): readonly Existing[] {
  return request.existing.filter((copy) => copy.checksums === checksums);
}

/** A clone of an existing copy. @throws Error where there is none: `fits` must be asked first */
function cloneExisting(request: WriteRequest, fd: number): void {
  const source = request.random.pick(sources(request, true));
  withFd(source.path, (from) => {
    fsyncSync(from);
    cloneRange(from, 0, 0, fd, 0);
  });
}

/** Every way, in no order. */
export const WRITERS: readonly Writer[] = [
  cow("plain", ({ path, content }) => {
    withNew(path, (fd) => {
      writeAll(fd, content.bytes);
    });
  }),
  cow(
    "fragmented, in reverse",
    ({ random, path, content }) => {
      withNew(path, (fd) => {
        for (const [from, until] of pieces(
          random,
          content.bytes.length,
          random.between(2, 6),
          BLOCK,
        ).reverse()) {
          writeAll(fd, content.bytes, from, until);
          fsyncSync(fd);
        }
      });
    },
    hasBlocks(1),
  ),
  cow("appended in odd pieces", ({ random, path, content }) => {
    withNew(path, (fd) => {
      for (const [from, until] of pieces(random, content.bytes.length, random.between(2, 5), 1)) {
        writeAll(fd, content.bytes, from, until);
        fsyncSync(fd);
      }
    });
  }),
  cow("sparse", ({ path, content }) => {
    withNew(path, (fd) => {
      ftruncateSync(fd, content.bytes.length);
      writeNonZero(fd, content.bytes);
    });
  }),
  cow("punched", ({ path, content }) => {
    withNew(path, (fd) => {
      writeAll(fd, content.bytes);
      fsyncSync(fd);
      for (let at = 0; at + BLOCK <= content.bytes.length; at += BLOCK) {
        if (isZero(content.bytes, at, at + BLOCK)) fallocate(fd, FALLOC_PUNCH_HOLE, at, BLOCK);
      }
    });
  }),
  cow("preallocated, zeros left unwritten", ({ path, content }) => {
    withNew(path, (fd) => {
      fallocate(fd, 0, 0, content.bytes.length);
      writeNonZero(fd, content.bytes);
    });
  }),
  cow("preallocated beyond the end", ({ random, path, content }) => {
    withNew(path, (fd) => {
      fallocate(fd, FALLOC_KEEP_SIZE, 0, content.bytes.length + BLOCK * random.between(1, 300));
      writeAll(fd, content.bytes);
    });
  }),
  compressed("zstd"),
  compressed("lzo"),
  compressed("zlib"),
  cow(
    "mixed compression",
    ({ random, path, content }) => {
      withNew(path, () => {
        setXattr(path, "btrfs.compression", random.pick(["zstd", "lzo", "zlib"]));
      });
      const cut = BLOCK * random.between(1, Math.floor(content.bytes.length / BLOCK));
      withExisting(path, (fd) => {
        writeAll(fd, content.bytes, 0, cut);
        fsyncSync(fd);
        setXattr(path, "btrfs.compression", random.pick(["zstd", "lzo", "zlib", "none"]));
        writeAll(fd, content.bytes, cut);
      });
    },
    hasBlocks(2),
  ),
  {
    name: "nocow",
    checksums: false,
    fits: always,
    write: ({ path, content }) => {
      withNew(path, () => {
        changeFlags(path, FileFlag.noCow);
      });
      withExisting(path, (fd) => {
        writeAll(fd, content.bytes);
      });
    },
  },
  {
    name: "hard link",
    checksums: true,
    isLink: true,
    fits: (request) => sources(request, true).some((copy) => copy.home === request.home),
    write: (request) => {
      const near = sources(request, true).filter((copy) => copy.home === request.home);
      linkSync(request.random.pick(near).path, request.path);
    },
  },
  cow(
    "reflinked",
    (request) => {
      withNew(request.path, (fd) => {
        cloneExisting(request, fd);
      });
    },
    (request) => sources(request, true).length > 0,
  ),
  cow(
    "partly reflinked",
    (request) => {
      const { random, path, content } = request;
      withNew(path, (fd) => {
        cloneExisting(request, fd);
        const from = BLOCK * random.below(Math.floor(content.bytes.length / BLOCK));
        writeAll(
          fd,
          content.bytes,
          from,
          Math.min(content.bytes.length, from + BLOCK * random.between(1, 20)),
        );
      });
    },
    (request) => hasBlocks(2)(request) && sources(request, true).length > 0,
  ),
  cow("rewritten", ({ random, path, content }) => {
    withNew(path, (fd) => {
      writeAll(fd, random.bytes(content.bytes.length));
      fsyncSync(fd);
      for (const [from, until] of random.shuffle(pieces(random, content.bytes.length, 3, 1))) {
        writeAll(fd, content.bytes, from, until);
      }
    });
  }),
  cow("rewritten in the middle", ({ random, path, content }) => {
    const cut = Math.floor(content.bytes.length / 2);
    withNew(path, (fd) => {
      const before = Buffer.from(content.bytes);
      before.fill(0x5a, cut, cut + 1);
      writeAll(fd, before);
      fsyncSync(fd);
      writeAll(fd, content.bytes, cut, Math.min(content.bytes.length, cut + random.between(1, 5000)));
    });
  }),
  cow("extended", ({ random, path, content }) => {
    const cut = random.between(0, content.bytes.length - 1);
    withNew(path, (fd) => {
      writeAll(fd, content.bytes, 0, cut);
      fsyncSync(fd);
      ftruncateSync(fd, content.bytes.length);
      writeAll(fd, content.bytes, cut);
    });
  }),
  cow("truncated", ({ random, path, content }) => {
    withNew(path, (fd) => {
      writeAll(fd, Buffer.concat([content.bytes, random.bytes(random.between(1, 100_000))]));
      fsyncSync(fd);
      ftruncateSync(fd, content.bytes.length);
    });
  }),
  cow(
    "sharing with itself",
    ({ path, content }) => {
      const { bytes } = content;
      const half = BLOCK * Math.ceil(bytes.length / 2 / BLOCK);
      const length = bytes.length - half;
      withNew(path, (fd) => {
        writeAll(fd, bytes, 0, half);
        fsyncSync(fd);
        ftruncateSync(fd, half);
        // A clone to the new end of the file need not be a multiple of a block, but must then
        // come from the end of the source: clone whole blocks, write the rest.
        const whole = BLOCK * Math.floor(length / BLOCK);
        if (whole > 0) cloneRange(fd, 0, whole, fd, half);
        writeAll(fd, bytes, half + whole);
      });
    },
    ({ content: { bytes } }) => {
      const half = BLOCK * Math.ceil(bytes.length / 2 / BLOCK);
      const rest = bytes.length - half;
      return rest >= BLOCK && bytes.subarray(0, rest).equals(bytes.subarray(half));
    },
  ),
  {
    name: "nocow, reflinked",
    checksums: false,
    fits: (request) => sources(request, false).length > 0,
    write: (request) => {
      withNew(request.path, () => {
        changeFlags(request.path, FileFlag.noCow);
      });
      const source = request.random.pick(sources(request, false));
      withExisting(request.path, (fd) => {
        withFd(source.path, (from) => {
          fsyncSync(from);
          cloneRange(from, 0, 0, fd, 0);
        });
      });
    },
  },
];

/** Where mount options, not the file, decide how it is written; half under one, half under the next. */
export const MOUNT_PHASES: readonly { readonly set: string; readonly checksums: boolean }[] = [
  { set: "compress-force=zstd:1", checksums: true },
  { set: "compress-force=zstd:15", checksums: true },
  { set: "compress-force=lzo", checksums: true },
  { set: "compress-force=zlib:9", checksums: true },
  { set: "compress=no,nodatasum", checksums: false },
];
/** Undoes what the phases set. */
export const AFTER_PHASES = "compress=no,datasum";

/** Writes a file whole, or one half of it: part 0 creates it, part 1 goes on. */
export function writePart(path: Buffer, content: Content, part: "whole" | "first" | "second"): void {
  const { bytes } = content;
  const cut = BLOCK * Math.floor(bytes.length / 2 / BLOCK);
  if (part === "second") {
    withExisting(path, (fd) => {
      writeAll(fd, bytes, cut);
    });
  } else {
    withNew(path, (fd) => {
      writeAll(fd, bytes, 0, part === "first" ? cut : bytes.length);
      fsyncSync(fd);
    });
  }
}
