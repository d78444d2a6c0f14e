/** Generations: what an incremental scan can see, when, and what it cannot. */
import {
  appendFileSync,
  closeSync,
  constants,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exec } from "../support/exec.ts";
import { LoopVolume } from "../support/volume.ts";
import {
  fsGeneration,
  inodeItem,
  inodeOf,
  ITEM,
  ORPHAN_OBJECTID,
  subvolumeOf,
  TREE,
  treeItems,
  withOpen,
  type InodeItem,
  type Item,
} from "./support.ts";

const volume = LoopVolume.create({ size: "1G" });
const top = openSync(volume.path, constants.O_RDONLY);
afterAll(() => {
  closeSync(top);
  volume.dispose();
});

function newSubvolume(name: string): { path: string; id: number } {
  const path = volume.createSubvolume(name);
  return { path, id: withOpen(path, subvolumeOf) };
}

function inode(tree: number, ino: number): InodeItem {
  const item = inodeItem(top, tree, ino);
  if (item === null) throw new Error(`no inode ${ino}`);
  return item;
}

/** btrfs_root_item.generation, and BTRFS_ROOT_SUBVOL_RDONLY. */
function root(id: number): { generation: number; readOnly: boolean } {
  const item = treeItems(top, TREE.root, { objectid: BigInt(id), type: ITEM.root })[0];
  if (item === undefined) throw new Error(`no root ${id}`);
  return {
    generation: Number(item.data.readBigUInt64LE(160)),
    readOnly: (item.data.readBigUInt64LE(208) & 1n) !== 0n,
  };
}

describe("of an inode", () => {
  test("generation is its creation and never changes, transid its last change", () => {
    const { path, id } = newSubvolume("inode");
    const file = join(path, "file");
    writeFileSync(file, randomBytes(8192));
    volume.sync();
    const ino = inodeOf(file);
    let last = inode(id, ino);
    expect(last.generation).toBeGreaterThan(0);
    const changes: [string, () => void][] = [
      [
        "rewritten in place",
        () => {
          writeFileSync(file, randomBytes(8192), { flag: "r+" });
        },
      ],
      [
        "truncated and written",
        () => {
          writeFileSync(file, randomBytes(4096));
        },
      ],
      [
        "extended",
        () => {
          appendFileSync(file, randomBytes(4096));
        },
      ],
      [
        "owner",
        () => {
          exec("chown", ["12345", file]);
        },
      ],
      [
        "renamed",
        () => {
          renameSync(file, `${file}2`);
          renameSync(`${file}2`, file);
        },
      ],
      [
        "linked",
        () => {
          linkSync(file, `${file}3`);
        },
      ],
    ];
    for (const [what, change] of changes) {
      change();
      volume.sync();
      const now = inode(id, ino);
      expect(now.generation, what).toBe(last.generation);
      expect(now.transid, what).toBeGreaterThan(last.transid);
      last = now;
    }
  });
});

test("the filesystem's generation rises when a transaction begins, and not when it ends; sysfs tells the same", () => {
  const told = (): number => {
    const generation = fsGeneration(top);
    expect(Number(readFileSync(`/sys/fs/btrfs/${volume.uuid}/generation`, "latin1"))).toBe(generation);
    return generation;
  };
  volume.sync();
  const before = told();
  volume.sync();
  expect(told()).toBe(before);
  writeFileSync(join(volume.path, "begins-a-transaction"), "1");
  const during = told();
  expect(during).toBe(before + 1);
  volume.sync();
  expect(told()).toBe(during);
});

test("the number of commits in sysfs rises when a transaction ends: its distance to the generation says whether one runs", () => {
  const commits = (): number =>
    Number(
      /^commits (\d+)$/mu.exec(readFileSync(`/sys/fs/btrfs/${volume.uuid}/commit_stats`, "latin1"))?.[1],
    );
  const distance = (): number => fsGeneration(top) - commits();
  volume.sync();
  const [atRest, before] = [distance(), commits()];
  for (let round = 1; round <= 3; round++) {
    writeFileSync(join(volume.path, `transaction-${String(round)}`), "1");
    // a commit of its own may come in between (it does every 30 s)
    if (commits() === before + round - 1) expect(distance()).toBe(atRest + 1);
    volume.sync();
    expect(distance()).toBe(atRest);
    expect(commits()).toBeGreaterThanOrEqual(before + round);
  }
});

describe("of a subvolume", () => {
  test("ROOT_ITEM.generation lags behind until the commit that writes the change", () => {
    const { path, id } = newSubvolume("lag");
    writeFileSync(join(path, "one"), "1");
    volume.sync();
    const [before, filesystem] = [root(id).generation, fsGeneration(top)];
    writeFileSync(join(path, "two"), "2");
    const during = root(id).generation;
    // only while no commit came in between (it does every 30 s) is there something to see
    if (fsGeneration(top) === filesystem + 1) expect(during).toBe(before);
    volume.sync();
    expect(root(id).generation).toBeGreaterThan(before);
  });

  test("stays when nothing in the subvolume changes, however much others do", () => {
    const [quiet, busy] = [newSubvolume("quiet"), newSubvolume("busy")];
    writeFileSync(join(quiet.path, "file"), randomBytes(8192));
    volume.sync();
    const before = root(quiet.id).generation;
    writeFileSync(join(busy.path, "file"), randomBytes(8192));
    volume.sync();
    expect(root(busy.id).generation).toBeGreaterThan(before);
    expect(root(quiet.id).generation).toBe(before);
  });

  test("of a subvolume goes up when it is snapshotted, and of a read-only snapshot never again", () => {
    const { path, id } = newSubvolume("origin");
    writeFileSync(join(path, "file"), randomBytes(8192));
    volume.sync();
    const before = root(id).generation;
    const snapshot = volume.snapshot("origin", "origin.ro", { readOnly: true });
    volume.sync();
    const snapshotId = withOpen(snapshot, subvolumeOf);
    expect(root(snapshotId).readOnly).toBe(true);
    expect(root(id).generation).toBeGreaterThan(before);
    const frozen = root(snapshotId).generation;
    writeFileSync(join(path, "file2"), randomBytes(8192));
    volume.sync();
    expect(root(snapshotId).generation).toBe(frozen);
  });
});

describe("a search with min_transid", () => {
  const FILES = 5000;
  let path: string;
  let id: number;
  beforeAll(() => {
    ({ path, id } = newSubvolume("many"));
    for (let k = 0; k < FILES; k++) writeFileSync(join(path, `file${k}`), "some inline text");
    volume.sync();
  });
  const since = (generation: number): Item[] => treeItems(top, id, { minTransid: generation });
  const inodesOf = (items: readonly Item[]): Set<number> =>
    new Set(items.map((item) => Number(item.objectid)));

  test("returns nothing where no leaf is so new", () => {
    expect(since(root(id).generation + 1)).toEqual([]);
    expect(since(0).length).toBeGreaterThan(FILES);
  });

  test("returns whole leaves: the changed inode, some neighbours, far from all", () => {
    const before = root(id).generation;
    writeFileSync(join(path, "file2500"), "another inline text");
    volume.sync();
    const changed = inodesOf(since(before + 1));
    expect(changed.has(inodeOf(join(path, "file2500")))).toBe(true);
    expect(changed.size).toBeGreaterThan(1);
    expect(changed.size).toBeLessThan(FILES / 10);
    // neighbours are told from it by their transid
    const really = [...changed].filter((ino) => inode(id, ino).transid > before);
    expect(really).toEqual([inodeOf(join(path, "file2500"))]);
  });

  test("shows no deletion: the inode is merely absent, its directory is there", () => {
    const victim = join(path, "file1000");
    const ino = inodeOf(victim);
    const before = root(id).generation;
    unlinkSync(victim);
    volume.sync();
    const items = since(before + 1);
    expect(inodesOf(items).has(ino)).toBe(false);
    expect(inode(id, inodeOf(path)).transid).toBeGreaterThan(before);
    expect(inodesOf(items).has(inodeOf(path))).toBe(true);
  });

  test("of a snapshot shows only what differs from its origin at that generation", () => {
    const before = root(id).generation;
    writeFileSync(join(path, "file3000"), "changed before the snapshot");
    volume.sync();
    const snapshot = volume.snapshot("many", "many.ro", { readOnly: true });
    volume.sync();
    const changed = inodesOf(treeItems(top, withOpen(snapshot, subvolumeOf), { minTransid: before + 1 }));
    expect(changed.has(inodeOf(join(path, "file3000")))).toBe(true);
    expect(changed.size).toBeLessThan(FILES / 10);
  });
});

describe("deleted files", () => {
  test("an inode unlinked while it is open stays in the tree with nlink 0 and an orphan item", () => {
    const { path, id } = newSubvolume("orphan");
    const file = join(path, "file");
    writeFileSync(file, randomBytes(8192));
    volume.sync();
    const ino = inodeOf(file);
    const orphans = (): bigint[] =>
      treeItems(top, id, { objectid: ORPHAN_OBJECTID, type: ITEM.orphan }).map((item) => item.offset);
    const fd = openSync(file, constants.O_RDONLY);
    unlinkSync(file);
    volume.sync();
    expect(inode(id, ino).nlink).toBe(0);
    expect(orphans()).toContain(BigInt(ino));
    closeSync(fd);
    volume.sync();
    expect(inodeItem(top, id, ino)).toBeNull();
    expect(orphans()).not.toContain(BigInt(ino));
  });

  test("the number of a deleted inode is not given to a new file", () => {
    const { path } = newSubvolume("numbers");
    const used = new Set<number>();
    for (let k = 0; k < 50; k++) {
      const file = join(path, `file${k}`);
      writeFileSync(file, "x");
      expect(used.has(inodeOf(file))).toBe(false);
      used.add(inodeOf(file));
      unlinkSync(file);
    }
  });
});

describe("data not yet written", () => {
  test("a file just written has a size of 0 and no extents in its tree until it is synced", () => {
    const { path, id } = newSubvolume("delalloc");
    const file = join(path, "file");
    writeFileSync(file, "");
    volume.sync();
    const ino = inodeOf(file);
    writeFileSync(file, randomBytes(65536), { flag: "r+" });
    const data = (): number => treeItems(top, id, { objectid: BigInt(ino), type: ITEM.extentData }).length;
    const generation = fsGeneration(top);
    const seen = { size: inode(id, ino).size, data: data() };
    if (fsGeneration(top) === generation) expect(seen).toEqual({ size: 0, data: 0 });
    volume.sync();
    expect({ size: inode(id, ino).size, data: data() }).toEqual({ size: 65536, data: 1 });
  });
});
