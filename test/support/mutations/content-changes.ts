/** Changes to what files contain and to where their data lies. */
import { appendFileSync, fsyncSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { exec } from "../exec.ts";
import {
  changeFlags,
  cloneRange,
  dedupeRange,
  fallocate,
  FALLOC_PUNCH_HOLE,
  FileFlag,
  setTimes,
  setXattr,
  withFd,
} from "../libc.ts";
import { change, edit, hasData, newPath, onFile, shown, type Change } from "./change.ts";
import { pickOrNull } from "./tree.ts";

const BLOCK = 4096;

/** Makes an empty file NOCOW. In a folder that says how to compress, what the file has of that goes first. */
function createNoCow(path: string): void {
  writeFileSync(path, "");
  changeFlags(path, 0, FileFlag.compress | FileFlag.noCompress);
  changeFlags(path, FileFlag.noCow);
}

export const CONTENT_CHANGES: readonly Change[] = [
  change("create", (scene) => {
    const path = newPath(scene);
    writeFileSync(path, scene.random.pick(scene.contents));
    return shown(scene, path);
  }),
  change("create several", (scene) => {
    const content = scene.random.pick(scene.contents);
    const paths = Array.from({ length: scene.random.between(2, 5) }, () => newPath(scene));
    for (const path of paths) writeFileSync(path, content);
    return paths.map((path) => shown(scene, path)).join(", ");
  }),
  onFile("rewrite in place", ({ path }, { random, contents }) => {
    edit(path, (fd) => {
      writeSync(fd, random.pick(contents), 0, null, 0);
    });
    return undefined;
  }),
  onFile("replace the content", ({ path }, { random, contents }) => {
    writeFileSync(path, random.pick(contents));
    return undefined;
  }),
  onFile(
    "write one byte, keep size and mtime",
    ({ path, size }, { random }) => {
      edit(path, (fd) => {
        writeSync(fd, random.bytes(1), 0, 1, random.below(size));
      });
      setTimes(path, 1_000_000_000n, 0n);
      return undefined;
    },
    hasData,
  ),
  onFile("append", ({ path }, { random }) => {
    appendFileSync(path, random.bytes(random.between(1, 10_000)));
    return undefined;
  }),
  onFile("truncate", ({ path, size }, { random }) => {
    truncateSync(path, random.below(size + 1));
    return undefined;
  }),
  onFile("extend by a hole", ({ path, size }, { random }) => {
    truncateSync(path, size + random.between(1, 50_000));
    return undefined;
  }),
  onFile("preallocate behind the end", ({ path, size }, { random }) => {
    edit(path, (fd) => {
      fallocate(fd, random.below(2), size, random.between(1, 50_000));
    });
    return undefined;
  }),
  onFile(
    "punch a hole",
    ({ path, size }, { random }) => {
      edit(path, (fd) => {
        fallocate(fd, FALLOC_PUNCH_HOLE, random.below(size), random.between(1, 20_000));
      });
      return undefined;
    },
    hasData,
  ),
  onFile("rewrite with the same bytes", ({ path }) => {
    exec("dd", [`if=${path}`, `of=${path}`, "bs=64K", "conv=notrunc", "status=none"]);
    return undefined;
  }),
  onFile(
    "reflink",
    (file, scene) => {
      const path = newPath(scene);
      if (file.noCow) createNoCow(path);
      else writeFileSync(path, "");
      withFd(file.path, (from) => {
        fsyncSync(from);
        edit(path, (to) => {
          cloneRange(from, 0, 0, to, 0);
        });
      });
      return `to ${shown(scene, path)}`;
    },
    (file) => !file.noChecksums,
  ),
  onFile(
    "reflink, then rewrite a block",
    (file, scene) => {
      const path = newPath(scene);
      exec("cp", ["--reflink=always", file.path, path]);
      edit(path, (fd) => {
        writeSync(fd, scene.random.bytes(BLOCK), 0, BLOCK, 0);
      });
      return `to ${shown(scene, path)}`;
    },
    (file) => hasData(file) && !file.noCow && !file.noChecksums,
  ),
  change("fold by another program", (scene) => {
    // one name of each: the kernel folds no file onto itself
    const inodes = new Map(scene.tree.files.map((file) => [file.inode, file]));
    const bySize = Map.groupBy(
      [...inodes.values()].filter((file) => hasData(file) && !file.noCow && !file.noChecksums),
      ({ size }) => size,
    );
    const pair = pickOrNull(
      scene.random,
      [...bySize.values()].filter((list) => list.length > 1),
    );
    if (pair === null) return null;
    const [a, b] = scene.random.shuffle(pair);
    if (a === undefined || b === undefined) return null;
    const bytes = withFd(a.path, (from) => withFd(b.path, (to) => dedupeRange(from, 0, a.size, to, 0)));
    return `${shown(scene, a.path)} and ${shown(scene, b.path)}: ${bytes}`;
  }),
  change("create NOCOW", (scene) => {
    const path = newPath(scene);
    createNoCow(path);
    writeFileSync(path, scene.random.pick(scene.contents), { flag: "r+" });
    return shown(scene, path);
  }),
  change("create compressed", (scene) => {
    const path = newPath(scene);
    writeFileSync(path, "");
    setXattr(path, "btrfs.compression", scene.random.pick(["zstd", "lzo", "zlib"]));
    writeFileSync(path, scene.random.pick(scene.contents), { flag: "r+" });
    return shown(scene, path);
  }),
  onFile("defragment", ({ path }) => {
    exec("btrfs", ["filesystem", "defragment", "-f", path]);
    return undefined;
  }),
  onFile(
    "defragment and compress",
    ({ path }, { random }) => {
      exec("btrfs", ["filesystem", "defragment", "-f", `-c${random.pick(["zstd", "lzo", "zlib"])}`, path]);
      return undefined;
    },
    (file) => !file.noCow,
  ),
  change("balance", ({ volume }) => {
    exec("btrfs", ["balance", "start", "-d", volume.path]);
    return "all data";
  }),
];
