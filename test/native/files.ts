/** Ways to write one content so that it lies differently on disk. */
import { closeSync, constants, fsyncSync, ftruncateSync, openSync, writeFileSync, writeSync } from "node:fs";
import { cloneRange, fallocate } from "../support/libc.ts";
import { SECTOR } from "./support.ts";

type Writer = (path: string, content: Buffer) => void;

function withNew(path: string, use: (fd: number) => void): void {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL);
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}

function writeRange(fd: number, content: Buffer, start: number, end: number): void {
  writeSync(fd, content, start, Math.min(end, content.length) - start, start);
}

/** In pieces of some blocks, last first, each synced: as many extents as pieces. */
function pieces(blocks: number): Writer {
  return (path, content) => {
    withNew(path, (fd) => {
      const step = blocks * SECTOR;
      for (let k = Math.ceil(content.length / step) - 1; k >= 0; k--) {
        writeRange(fd, content, k * step, (k + 1) * step);
        fsyncSync(fd);
      }
    });
  };
}

function isZero(content: Buffer, start: number): boolean {
  return content.subarray(start, start + SECTOR).every((byte) => byte === 0);
}

/** All of them give the same bytes. */
export const WRITERS: Readonly<Record<string, Writer>> = {
  "at once": (path, content) => {
    writeFileSync(path, content);
  },
  "in pieces": pieces(3),
  "block by block": pieces(1),
  "with holes for its zeros": (path, content) => {
    withNew(path, (fd) => {
      ftruncateSync(fd, content.length);
      for (let at = 0; at < content.length; at += SECTOR)
        if (!isZero(content, at)) writeRange(fd, content, at, at + SECTOR);
    });
  },
  "preallocated, and its zeros left so": (path, content) => {
    withNew(path, (fd) => {
      fallocate(fd, 0, 0, content.length);
      for (let at = 0; at < content.length; at += SECTOR)
        if (!isZero(content, at)) writeRange(fd, content, at, at + SECTOR);
    });
  },
  "preallocated beyond its end": (path, content) => {
    withNew(path, (fd) => {
      fallocate(fd, 1, 0, content.length + 50 * SECTOR);
      writeRange(fd, content, 0, content.length);
    });
  },
  "over other data": (path, content) => {
    withNew(path, (fd) => {
      writeSync(fd, Buffer.alloc(content.length, 0xa5));
      fsyncSync(fd);
      for (let at = 0; at < content.length; at += 2 * SECTOR) writeRange(fd, content, at, at + SECTOR);
      fsyncSync(fd);
      writeRange(fd, content, 0, content.length);
    });
  },
};

/** A copy that shares the blocks of another file, range by range in the order given. */
export function reflink(from: string, to: string, size: number, step: number): void {
  const source = openSync(from, constants.O_RDONLY);
  try {
    withNew(to, (fd) => {
      for (let at = 0; at < size; at += step)
        cloneRange(source, at, at + step >= size ? 0 : step, fd, at);
    });
  } finally {
    closeSync(source);
  }
}
