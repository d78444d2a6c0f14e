/** Changes to parts of files: what shares an extent with what, and what of an extent is in use. */
import { fsyncSync, ftruncateSync, writeSync } from "node:fs";
import { exec } from "../exec.ts";
import { cloneRange, fallocate, FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, withFd } from "../libc.ts";
import type { Random } from "../random.ts";
import { edit, onFile, shown, type Change } from "./change.ts";
import { pickOrNull, type LiveFile } from "./tree.ts";

const BLOCK = 4096;
const FALLOC_ZERO_RANGE = 0x10;

const hasBlocks = ({ size }: LiveFile): boolean => size >= 2 * BLOCK;

/** A part of a file in whole blocks, none of it behind its last whole block. */
function blocksOf(random: Random, size: number): { at: number; length: number } {
  const blocks = Math.floor(size / BLOCK);
  const first = random.below(blocks);
  return { at: first * BLOCK, length: random.between(1, Math.min(16, blocks - first)) * BLOCK };
}

export const RANGE_CHANGES: readonly Change[] = [
  onFile(
    "reflink inside of the file",
    ({ path, size }, { random }) => {
      const { at, length } = blocksOf(random, size);
      // before it, behind it, or behind the end with a hole between
      const places = [at - length, at + length, Math.ceil(size / BLOCK) * BLOCK + random.below(3) * BLOCK];
      const target = random.pick(places.filter((place) => place >= 0));
      edit(path, (fd) => {
        fsyncSync(fd);
        cloneRange(fd, at, length, fd, target);
      });
      return `${length} bytes from ${at} to ${target}`;
    },
    hasBlocks,
  ),
  onFile(
    "reflink a part into another file",
    (file, scene) => {
      const { random, tree } = scene;
      const others = tree.files.filter(
        (other) =>
          other.inode !== file.inode && other.noCow === file.noCow && !other.noChecksums && other.size > 0,
      );
      const other = pickOrNull(random, others);
      if (other === null) return "(there is no other)";
      const { at, length } = blocksOf(random, file.size);
      const target = random.below(Math.ceil(other.size / BLOCK) + 2) * BLOCK;
      withFd(file.path, (from) => {
        fsyncSync(from);
        edit(other.path, (to) => {
          cloneRange(from, at, length, to, target);
        });
      });
      return `${length} bytes from ${at} to ${target} of ${shown(scene, other.path)}`;
    },
    // the kernel shares nothing between a file with checksums and one without
    (file) => hasBlocks(file) && !file.noChecksums,
  ),
  onFile(
    "truncate, then extend to the size that it had",
    ({ path, size }, { random }) => {
      const kept = random.below(size);
      edit(path, (fd) => {
        ftruncateSync(fd, kept);
        if (random.chance(0.5)) fsyncSync(fd);
        ftruncateSync(fd, size);
      });
      return `${kept} of ${size} bytes stay`;
    },
    ({ size }) => size > 0,
  ),
  onFile(
    "zero a range",
    ({ path, size }, { random }) => {
      edit(path, (fd) => {
        fallocate(fd, FALLOC_ZERO_RANGE, random.below(size), random.between(1, 20_000));
      });
      return undefined;
    },
    ({ size }) => size > 0,
  ),
  onFile(
    "preallocate where a hole was, and write to a part of it",
    ({ path, size }, { random }) => {
      const { at, length } = blocksOf(random, size);
      edit(path, (fd) => {
        fallocate(fd, FALLOC_PUNCH_HOLE, at, length);
        fallocate(fd, FALLOC_KEEP_SIZE, at, length);
        fsyncSync(fd);
        const bytes = random.between(1, length);
        writeSync(fd, random.bytes(bytes), 0, bytes, at + random.below(length - bytes + 1));
      });
      return `${length} bytes at ${at}`;
    },
    hasBlocks,
  ),
  onFile("write far behind the end", ({ path, size }, { random, contents }) => {
    const at = size + random.between(1, 3_000_000);
    edit(path, (fd) => {
      writeSync(fd, random.pick(contents), 0, null, at);
    });
    return `at ${at}`;
  }),
  onFile(
    "write a block with O_DIRECT",
    (file, scene) => {
      const from = scene.random.pick(scene.tree.files.filter(hasBlocks));
      const [skip, seek] = [from, file].map(({ size }) => blocksOf(scene.random, size).at / BLOCK);
      const words = [`if=${from.path}`, `of=${file.path}`, `skip=${skip}`, `seek=${seek}`];
      exec("dd", [...words, "bs=4K", "count=1", "conv=notrunc", "oflag=direct", "status=none"]);
      return `block ${seek}, from ${shown(scene, from.path)}`;
    },
    hasBlocks,
  ),
];
