/** Walks of subvolume trees against what the filesystem itself shows, with buffers of every size. */
import {
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { constants as os } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Control, tryCall, tryCallAsync, RECORD, TRAIT } from "../../src-helper/native/library.ts";
import { dedupe, fsGeneration, inodeOf, subvolumeOf, withOpen } from "../kernel-facts/support.ts";
import { exec } from "../support/exec.ts";
import { cloneRange, makeNode, setXattr } from "../support/libc.ts";
import { walk } from "../support/walk.ts";
import { LoopVolume } from "../support/volume.ts";
import { reflink, WRITERS } from "./files.ts";
import { changedInodes, dirChildren, LARGE, readInodes, SECTOR, walkTree, type WalkRecord } from "./support.ts";

const volume = LoopVolume.create({ size: "1G" });
const top = openSync(volume.path, constants.O_RDONLY);
afterAll(() => {
  closeSync(top);
  volume.dispose();
});

let root: string;
let tree: number;
/** By inode: every record of the subvolume. */
let records: Map<number, WalkRecord>;

beforeAll(async () => {
  root = volume.createSubvolume("tree");
  tree = withOpen(root, subvolumeOf);
  for (let folder = 0; folder < 10; folder++) {
    const path = join(root, `folder ${folder}`);
    mkdirSync(path);
    for (let k = 0; k < 30; k++) {
      const size = [0, 10, 1500, 5000, 40_000, 300_000][k % 6] ?? 0;
      const way = Object.values(WRITERS)[k % 7];
      if (size === 0) writeFileSync(join(path, `file ${k}`), "");
      else way?.(join(path, `file ${k}`), randomBytes(size));
    }
  }
  linkSync(join(root, "folder 0/file 4"), join(root, "folder 1/another name"));
  symlinkSync("folder 0", join(root, "symlink"));
  makeNode(join(root, "fifo"), 0o010644);
  volume.createSubvolume("tree/nested");
  writeFileSync(join(root, "nested", "not of this tree"), "x");
  reflink(join(root, "folder 0/file 5"), join(root, "shared"), 300_000, 300_000);
  WRITERS["block by block"]?.(join(root, "fragmented"), randomBytes(200 * SECTOR));
  volume.sync();
  records = new Map((await walkTree(top, tree)).map((record) => [record.ino, record]));
});

function record(relative: string): WalkRecord {
  const found = records.get(inodeOf(join(root, relative)));
  if (found === undefined) throw new Error(`no record of ${relative}`);
  return found;
}

describe("rf_walk", () => {
  test("gives every directory and regular file of the subvolume once, and nothing else", () => {
    const expected = new Map<number, { size: number; nlink: number; mode: number }>();
    walk(root, ({ stats, subvolume }) => {
      if (subvolume.id !== tree || (!stats.isFile() && !stats.isDirectory())) return;
      if (stats.isDirectory() && stats.ino === 256n && expected.size > 0) return; // the nested one
      expected.set(Number(stats.ino), {
        size: stats.isFile() ? Number(stats.size) : 0,
        nlink: stats.isFile() ? Number(stats.nlink) : 1,
        mode: Number(stats.mode),
      });
    });
    expect([...records.keys()].toSorted((a, b) => a - b)).toEqual([...expected.keys()].toSorted((a, b) => a - b));
    for (const [ino, { size, nlink, mode }] of expected)
      expect(records.get(ino), String(ino)).toMatchObject({ size, nlink, mode });
  });

  test("names a directory that holds the inode", () => {
    expect(record("folder 3/file 1").parent).toBe(inodeOf(join(root, "folder 3")));
    const linked = record("folder 0/file 4").parent;
    expect([inodeOf(join(root, "folder 0")), inodeOf(join(root, "folder 1"))]).toContain(linked);
    expect(record("folder 3").parent).toBe(inodeOf(root));
  });

  test("gives generation and transid of the inode item", () => {
    const generation = fsGeneration(top);
    for (const one of records.values()) {
      expect(one.generation).toBeGreaterThan(0);
      expect(one.transid).toBeGreaterThanOrEqual(one.generation);
      expect(one.transid).toBeLessThanOrEqual(generation);
    }
  });

  test.each([
    [1, 1 << 20],
    [7, 1 << 20],
    [50_000, 16 * 1024],
    [3, 16 * 1024],
  ])("gives the same with room for %i records and %i bytes of extents", async (count, blob) => {
    const found = await walkTree(top, tree, { records: count, blob });
    expect(found).toEqual([...records.values()]);
  });

  test("says EMSGSIZE where one inode's extents do not fit, and loses nothing before it", async () => {
    const fragmented = record("fragmented");
    expect(fragmented.extents).toBe(200);
    const small = 300;
    await expect(walkTree(top, tree, { records: 50_000, blob: small })).rejects.toMatchObject({
      code: "EMSGSIZE",
    });
    const cursor = new Float64Array([fragmented.ino]);
    const values = new Float64Array(RECORD.fields);
    const blob = Buffer.alloc(small);
    const result = tryCall("rf_walk", top, tree, SECTOR, 0, cursor, values, 1, blob, small, null);
    expect(result).toBe(-os.errno.EMSGSIZE);
    expect(cursor[0]).toBe(fragmented.ino);
  });

  test("says EMSGSIZE for no room at all", () => {
    const cursor = new Float64Array(1);
    const [values, blob] = [new Float64Array(16), Buffer.alloc(9)];
    const result = tryCall("rf_walk", top, tree, SECTOR, 0, cursor, values, 0, blob, 9, null);
    expect(result).toBe(-os.errno.EMSGSIZE);
  });

  test("of a tree that is not there is ENOENT", async () => {
    await expect(walkTree(top, 99_999)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("stops with ECANCELED", async () => {
    const control = new Control();
    control.cancel();
    const result = await tryCallAsync(
      "rf_walk",
      top,
      tree,
      SECTOR,
      0,
      new Float64Array(1),
      new Float64Array(16 * 1000),
      1000,
      Buffer.alloc(1 << 20),
      1 << 20,
      control.buffer,
    );
    expect(result).toBe(-os.errno.ECANCELED);
  });

  test("counts the inodes it has seen", async () => {
    const control = new Control();
    const room = 100_000;
    const values = new Float64Array(room * RECORD.fields);
    const blob = Buffer.alloc(8 << 20);
    const cursor = new Float64Array(1);
    await tryCallAsync("rf_walk", top, tree, SECTOR, 0, cursor, values, room, blob, blob.length, control.buffer);
    // the symlink and the fifo too
    expect(control.done).toBe(records.size + 2);
  });
});

describe("the layout of a record", () => {
  test("is equal for two files that share all their data, and for no others of a size", () => {
    const files = [...records.values()].filter((one) => one.extents > 0 && one.size === 300_000);
    const layouts = Map.groupBy(files, (one) => one.layout);
    const shared = [...layouts.values()].filter((alike) => alike.length > 1);
    expect(shared.map((alike) => alike.map((one) => one.ino).toSorted())).toEqual([
      [inodeOf(join(root, "folder 0/file 5")), inodeOf(join(root, "shared"))].toSorted(),
    ]);
  });

  test("is another one where holes begin elsewhere, in files that lie one behind the other", async () => {
    const own = volume.createSubvolume("holes");
    const blocks = 16;
    for (let k = 0; k < 300; k++) {
      const path = join(own, `sparse ${k}`);
      writeFileSync(path, randomBytes(SECTOR * (1 + (k % blocks))));
      truncateSync(path, SECTOR * blocks);
      if (k % 20 === 0) volume.sync();
    }
    volume.sync();
    const found = await walkTree(top, withOpen(own, subvolumeOf));
    const layouts = found.filter((one) => one.extents > 0).map(({ layout }) => layout);
    expect(layouts).toHaveLength(300);
    expect(new Set(layouts).size).toBe(layouts.length);
  });

  test("does not change where the kernel splits an extent", async () => {
    const size = 64 * SECTOR;
    const content = randomBytes(size);
    const [a, b] = [join(volume.path, "split.a"), join(volume.path, "split.b")];
    for (const path of [a, b]) writeFileSync(path, content);
    volume.sync();
    for (let at = 0; at < size; at += 8 * SECTOR) dedupe(a, b, 8 * SECTOR, [at, at]);
    volume.sync();
    const [one, other] = await readInodes(top, 5, [inodeOf(a), inodeOf(b)]);
    expect(one?.extents).toBe(1);
    expect(other?.extents).toBeGreaterThan(1);
    expect(other?.layout).toBe(one?.layout);
  });

  test("of compressed files is the same when shared in pieces, another when only the address is", async () => {
    volume.remount("compress-force=zstd");
    const content = Buffer.alloc(64 * SECTOR, "text that compresses; ");
    const paths = ["a", "b", "c"].map((name) => join(volume.path, `packed.${name}`));
    for (const path of paths) writeFileSync(path, content);
    volume.sync();
    volume.remount("compress=no");
    const [a = "", b = "", c = ""] = paths;
    for (let at = 0; at < content.length; at += 8 * SECTOR) dedupe(a, b, 8 * SECTOR, [at, at]);
    dedupe(a, c, content.length);
    // all from the same extent, but its second block twice
    reflink(a, `${a}.turned`, content.length, content.length);
    withOpen(a, (from) => {
      withOpen(
        `${a}.turned`,
        (to) => {
          cloneRange(from, SECTOR, SECTOR, to, 0);
        },
        constants.O_RDWR,
      );
    });
    volume.sync();
    const found = await readInodes(top, 5, [...paths, `${a}.turned`].map(inodeOf));
    expect(found[1]?.layout).toBe(found[0]?.layout);
    expect(found[2]?.layout).toBe(found[0]?.layout);
    expect(found[3]?.layout).not.toBe(found[0]?.layout);
  });
});

describe("the traits of a record", () => {
  const optOut = (one: WalkRecord | undefined): boolean => ((one?.traits ?? 0) & TRAIT.optOut) !== 0;
  const OPT_OUT = "user.refold.dedupe";

  test("say whether its own attribute keeps Refold away, of files, directories and the top directory", async () => {
    const own = volume.createSubvolume("attributes");
    const id = withOpen(own, subvolumeOf);
    const values: Record<string, string> = { never: "never", other: "always", longer: "never\n", empty: "" };
    for (const [name, value] of Object.entries(values)) {
      mkdirSync(join(own, name));
      // names enough that a directory's own attributes are not all that is read of it
      for (let k = 0; k < 50; k++) writeFileSync(join(own, name, `entry ${k}`), "x");
      setXattr(join(own, name), OPT_OUT, value);
      setXattr(join(own, name, "entry 7"), `${OPT_OUT}s`, "never");
    }
    setXattr(join(own, "never/entry 1"), OPT_OUT, "never");
    setXattr(join(own, "never/entry 1"), "user.something", Buffer.alloc(1000, 7));
    volume.sync();
    const marked = [join(own, "never"), join(own, "never/entry 1")].map(inodeOf);
    const found = await walkTree(top, id);
    expect(found.filter(optOut).map(({ ino }) => ino)).toEqual(marked);
    const asked = await readInodes(
      top,
      id,
      found.map(({ ino }) => ino),
    );
    expect(asked).toEqual(found);
    setXattr(own, OPT_OUT, "never");
    volume.sync();
    expect(optOut((await readInodes(top, id, [256]))[0])).toBe(true);
  });

  test("say whether several directories name it", async () => {
    const folders = ["one", "two"].map((name) => join(volume.path, `linked ${name}`));
    for (const folder of folders) mkdirSync(folder);
    const [one = "", two = ""] = folders;
    for (const name of ["alone", "twice here", "in both"]) writeFileSync(join(one, name), "x");
    linkSync(join(one, "twice here"), join(one, "again"));
    linkSync(join(one, "in both"), join(two, "in both"));
    volume.sync();
    const inos = ["alone", "twice here", "in both"].map((name) => inodeOf(join(one, name)));
    const traits = async (): Promise<boolean[]> =>
      (await readInodes(top, 5, inos)).map((record) => (record.traits & TRAIT.parents) !== 0);
    expect(await traits()).toEqual([false, false, true]);
    unlinkSync(join(two, "in both"));
    // a name too many for the item of this directory: the others tell theirs elsewhere
    for (let k = 0; k < 100; k++) linkSync(join(one, "alone"), join(one, `${"n".repeat(200)}${k}`));
    volume.sync();
    expect(await traits()).toEqual([false, false, false]);
    linkSync(join(one, "alone"), join(two, "alone"));
    volume.sync();
    expect(await traits()).toEqual([true, false, false]);
  });
});

describe("rf_read_inodes", () => {
  test("gives what the walk gives, in the order asked for, with any buffers", async () => {
    const order = [...records.keys()].toSorted((a, b) => ((a * 7919) % 101) - ((b * 7919) % 101));
    const expected = order.map((ino) => records.get(ino));
    expect(await readInodes(top, tree, order)).toEqual(expected);
    expect(await readInodes(top, tree, order, { records: 1, blob: 16 * 1024 })).toEqual(expected);
    expect(await readInodes(top, tree, order, { records: 50_000, blob: 16 * 1024 })).toEqual(expected);
  });

  test("passes over neighbours that nobody asked for, be they ever so large", async () => {
    const own = volume.createSubvolume("neighbours");
    const id = withOpen(own, subvolumeOf);
    for (let k = 0; k < 40; k++) writeFileSync(join(own, `file ${k}`), randomBytes(5000));
    mkdirSync(join(own, "many names"));
    for (let k = 0; k < 20; k++) writeFileSync(join(own, `file ${40 + k}`), "x");
    // a block here and there: 3000 extents, and 3000 names, are more than one call of the kernel gives
    const pieces = openSync(join(own, "many extents"), constants.O_CREAT | constants.O_WRONLY);
    for (let k = 0; k < 3000; k++) writeSync(pieces, "x", k * 2 * SECTOR);
    closeSync(pieces);
    for (let k = 0; k < 20; k++) writeFileSync(join(own, `file ${60 + k}`), "x");
    for (let k = 0; k < 3000; k++) linkSync(join(own, "file 0"), join(own, "many names", `name ${k}`));
    volume.sync();
    const found = await walkTree(top, id);
    for (const step of [1, 2, 3, 7, 8, 9]) {
      for (let first = 0; first < step; first++) {
        const some = found.filter((_, k) => k % step === first);
        const inos = some.map(({ ino }) => ino);
        expect(await readInodes(top, id, inos)).toEqual(some);
      }
    }
  });

  test("tells by mode 0 what is no file or directory any more, and goes on", async () => {
    const gone = join(root, "gone");
    writeFileSync(gone, "x");
    const ino = inodeOf(gone);
    unlinkSync(gone);
    volume.sync();
    const first = inodeOf(join(root, "folder 0"));
    const found = await readInodes(top, tree, [ino, lstatSync(join(root, "symlink")).ino, 1 << 30, first]);
    expect(found.map((one) => one.mode !== 0)).toEqual([false, false, false, true]);
    expect(found.map((one) => one.ino)).toEqual([ino, lstatSync(join(root, "symlink")).ino, 1 << 30, first]);
  });

  test("says EMSGSIZE where one inode's extents do not fit", async () => {
    await expect(
      readInodes(top, tree, [record("fragmented").ino], { records: 10, blob: 300 }),
    ).rejects.toMatchObject({ code: "EMSGSIZE" });
  });
});

describe("rf_changed_inodes and rf_dir_children", () => {
  test("everything has changed since the beginning, nothing since the future", () => {
    const all = changedInodes(top, tree, 0);
    for (const ino of records.keys()) expect(all).toContain(ino);
    expect(new Set(all).size).toBe(all.length);
    expect(changedInodes(top, tree, fsGeneration(top) + 1)).toEqual([]);
  });

  test("what was written since is among the changed; a small room gives the same", () => {
    volume.sync();
    const before = fsGeneration(top);
    writeFileSync(join(root, "folder 7/file 3"), "rewritten");
    volume.sync();
    const changed = changedInodes(top, tree, before + 1);
    expect(changed).toContain(inodeOf(join(root, "folder 7/file 3")));
    for (const room of [1, 2, 17]) expect(changedInodes(top, tree, before + 1, room)).toEqual(changed);
  });

  test("a walk of what is newer tells the same inodes, and all of those that lie in newer leaves", async () => {
    volume.sync();
    const before = fsGeneration(top);
    writeFileSync(join(root, "folder 7/file 2"), "rewritten");
    volume.sync();
    const changed = changedInodes(top, tree, before + 1);
    const newer = await walkTree(top, tree, LARGE, before + 1);
    expect(newer.map(({ ino }) => ino)).toEqual(changed);
    const whole = new Map((await walkTree(top, tree)).map((one) => [one.ino, one]));
    const told = newer.filter(({ mode }) => mode !== 0);
    const ino = inodeOf(join(root, "folder 7/file 2"));
    expect(told.find((one) => one.ino === ino)).toMatchObject({ transid: whole.get(ino)?.transid });
    const same = told.filter((one) => whole.get(one.ino)?.layout === one.layout);
    // at most the last inode of a leaf goes on in an older one
    expect(same.length).toBeGreaterThan(told.length / 2);
    const few = await walkTree(top, tree, { records: 2, blob: 1 << 20 }, before + 1);
    expect(few.map((one) => [one.ino, one.mode, one.layout])).toEqual(
      newer.map((one) => [one.ino, one.mode, one.layout]),
    );
  });

  test("children are the directory's names but for subvolumes, also some at a time", () => {
    const path = join(root, "folder 5");
    const expected = readdirSync(path)
      .map((name) => lstatSync(join(path, name)).ino)
      .toSorted((a, b) => a - b);
    const sorted = (room: number): number[] =>
      dirChildren(top, tree, [inodeOf(path)], room).toSorted((a, b) => a - b);
    expect(sorted(10_000)).toEqual(expected);
    expect(sorted(1)).toEqual(expected);
    expect(sorted(7)).toEqual(expected);
    const names = readdirSync(root).filter((name) => name !== "nested");
    expect(dirChildren(top, tree, [inodeOf(root)]).length).toBe(names.length);
  });

  test("children of several directories are all their names, also some at a time", () => {
    const dirs = ["folder 5", "folder 6", "folder 7"].map((name) => inodeOf(join(root, name)));
    const expected = dirs.flatMap((dir) => dirChildren(top, tree, [dir]));
    for (const room of [1, 7, 10_000]) expect(dirChildren(top, tree, dirs, room)).toEqual(expected);
  });

  test("of a file or of nothing there are no children", () => {
    expect(dirChildren(top, tree, [record("fragmented").ino])).toEqual([]);
    expect(dirChildren(top, tree, [1 << 30])).toEqual([]);
  });
});

test("the parent of an inode with more names than an item holds is still found", async () => {
  const folder = join(root, "many names");
  mkdirSync(folder);
  const file = join(folder, "f");
  writeFileSync(file, randomBytes(5000));
  for (let k = 0; k < 300; k++) linkSync(file, join(folder, `${String(k).padStart(4, "0")}${"n".repeat(200)}`));
  unlinkSync(file);
  volume.sync();
  const tree5 = exec("btrfs", ["inspect-internal", "dump-tree", "-t", String(tree), volume.device]);
  expect(tree5).toContain("INODE_EXTREF");
  const ino = inodeOf(join(folder, `0000${"n".repeat(200)}`));
  const [found] = await readInodes(top, tree, [ino]);
  expect(found).toMatchObject({ parent: inodeOf(folder), nlink: 300 });
});
