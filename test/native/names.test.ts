/** Names of many inodes at once, against what the directories themselves list. */
import { closeSync, constants, linkSync, mkdirSync, openSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Control, callAsync, errnoName, tryCallAsync } from "../../src-helper/native/library.ts";
import { inodeOf, subvolumeOf, withOpen } from "../kernel-facts/support.ts";
import { Random } from "../support/random.ts";
import { walk } from "../support/walk.ts";
import { LoopVolume } from "../support/volume.ts";
import { WRITERS } from "./files.ts";

const volume = LoopVolume.create({ size: "1G" });
const top = openSync(volume.path, constants.O_RDONLY);
afterAll(() => {
  closeSync(top);
  volume.dispose();
});

let root: string;
let tree: number;
/** Inode -> its directory and its name (latin1), for every inode of one name. */
const expected = new Map<number, { parent: number; name: string }>();

interface Named {
  readonly parent: number;
  readonly name: string;
}

/** rf_read_names to the end, with so large a buffer. */
async function readNames(inos: readonly number[], room = 1 << 20): Promise<Map<number, Named>> {
  const list = Float64Array.from(inos);
  const cursor = new Float64Array(1);
  const parents = new Float64Array(inos.length);
  const ends = new Uint32Array(inos.length);
  const bytes = Buffer.alloc(room);
  const found = new Map<number, Named>();
  while ((cursor[0] ?? 0) < inos.length) {
    const from = cursor[0] ?? 0;
    const done = await callAsync(
      "rf_read_names",
      top,
      tree,
      list,
      inos.length,
      cursor,
      parents,
      ends,
      bytes,
      room,
      null,
    );
    expect(cursor[0]).toBe(from + done);
    for (let k = from; k < from + done; k++) {
      const start = k === from ? 0 : (ends[k - 1] ?? 0);
      found.set(inos[k] ?? 0, { parent: parents[k] ?? NaN, name: bytes.toString("latin1", start, ends[k]) });
    }
  }
  return found;
}

beforeAll(() => {
  root = volume.createSubvolume("tree");
  tree = withOpen(root, subvolumeOf);
  const random = new Random(11);
  for (let folder = 0; folder < 30; folder++) {
    const path = join(root, `folder ${folder}`);
    mkdirSync(path);
    for (let k = 0; k < 120; k++) {
      const name = Buffer.concat([Buffer.from(`${k}-`), Buffer.from([0xff, 0xc3, 0x28].slice(0, k % 4))]);
      writeFileSync(Buffer.concat([Buffer.from(`${path}/`), name]), random.bytes(k % 3 === 0 ? 9000 : 10));
    }
    writeFileSync(join(path, "n".repeat(255)), "a long name");
  }
  // many items of one inode between two that are asked for
  WRITERS["block by block"]?.(join(root, "fragmented"), random.bytes(1800 * 4096));
  for (let k = 0; k < 5000; k++) writeFileSync(join(root, `folder 0/more ${k}`), "");
  writeFileSync(join(root, "last"), "x");
  volume.sync();
  const parents = new Map<string, number>([["", 256]]);
  walk(root, ({ path, stats }) => {
    const text = path.toString("latin1");
    const ino = Number(stats.ino);
    if (stats.isDirectory()) parents.set(text, ino);
    if (text === "") return;
    const parent = parents.get(text.includes("/") ? text.slice(0, text.lastIndexOf("/")) : "") ?? NaN;
    expected.set(ino, { parent, name: basename(text) });
  });
});

const ascending = (inos: Iterable<number>): number[] => [...inos].sort((a, b) => a - b);

describe("rf_read_names", () => {
  test("names every file and directory by its directory and name", async () => {
    const inos = ascending(expected.keys());
    expect(inos.length).toBeGreaterThan(8000);
    expect(await readNames(inos)).toEqual(expected);
  });

  test("names few and far between inodes, with buffers that hold one name", async () => {
    const random = new Random(3);
    const inos = ascending([...expected.keys()].filter(() => random.chance(0.01)));
    expect(inos.length).toBeGreaterThan(20);
    const named = await readNames(inos, 255);
    for (const ino of inos) expect(named.get(ino)).toEqual(expected.get(ino));
  });

  test("goes on behind an inode of very many items", async () => {
    const around = ["fragmented", "folder 0", "last"].map((name) => inodeOf(join(root, name)));
    const inos = ascending(around);
    const named = await readNames(inos);
    for (const ino of inos) expect(named.get(ino)).toEqual(expected.get(ino));
  });

  test("an inode that is gone has no name; one of many names has one of them", async () => {
    const many = join(root, "many names");
    writeFileSync(many, "x");
    const names = new Set([basename(many)]);
    // more than an INODE_REF item holds, so that INODE_EXTREF items are made
    for (let k = 0; k < 60; k++) {
      const name = `${"another name ".repeat(15)}${k}`;
      linkSync(many, join(root, name));
      names.add(name);
    }
    const gone = join(root, "gone");
    writeFileSync(gone, "x");
    const [manyInode, goneInode] = [inodeOf(many), inodeOf(gone)];
    rmSync(gone);
    rmSync(many);
    names.delete(basename(many));
    volume.sync();
    const named = await readNames(ascending([manyInode, goneInode]));
    expect(named.get(goneInode)).toEqual({ parent: 0, name: "" });
    expect(named.get(manyInode)?.parent).toBe(256);
    expect(names).toContain(named.get(manyInode)?.name);
  });

  test("says what is wrong: no room for one name, cancelled, no such tree, a cursor beyond the end", async () => {
    const inos = Float64Array.of(inodeOf(join(root, "folder 0")));
    const call = async (of: number, room: number, at: number, control: Control | null): Promise<string> => {
      const result = await tryCallAsync(
        "rf_read_names",
        top,
        of,
        inos,
        1,
        Float64Array.of(at),
        new Float64Array(1),
        new Uint32Array(1),
        Buffer.alloc(Math.max(1, room)),
        room,
        control?.buffer ?? null,
      );
      return result < 0 ? errnoName(-result) : String(result);
    };
    const cancelled = new Control();
    cancelled.cancel();
    expect(await call(tree, 3, 0, null)).toBe("EMSGSIZE");
    expect(await call(tree, 100, 0, cancelled)).toBe("ECANCELED");
    expect(await call(987_654, 100, 0, null)).toBe("ENOENT");
    expect(await call(tree, 100, 2, null)).toBe("EINVAL");
    expect(await call(tree, 100, 0, new Control())).toBe("1");
  });
});
