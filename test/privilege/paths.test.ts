/**
 * What a path comes to mean between a scan and a fold, and that a helper of
 * root's does not care: it opens what it scanned by handle. The victim has the
 * very content of the group, so a helper that went by paths would fold it.
 */
import { randomBytes } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { NO_FILTER } from "../../src-helper/rpc/protocol.ts";
import { openDirectory } from "../../src-helper/volumes/open-directory.ts";
import { errnoName, tryCall } from "../../src-helper/native/library.ts";
import { exec } from "../support/exec.ts";
import { LoopVolume } from "../support/volume.ts";
import { HelperClient } from "../rpc/client.ts";
import { scanParams } from "../rpc/support.ts";
import { immutablePaths } from "../support/immutable.ts";

const SIZE = 256 * 1024;

let volume: LoopVolume;
let db: string;
beforeAll(() => {
  volume = LoopVolume.create({ size: "512M", label: "paths" });
  db = mkdtempSync(join(tmpdir(), "refold-paths-"));
});
afterAll(() => {
  volume.dispose();
  rmSync(db, { recursive: true });
});

let content: Buffer;
let folder: string;
let victim: string;
beforeEach((context) => {
  content = randomBytes(SIZE);
  folder = join(volume.path, `group ${context.task.id.replaceAll(/\W/g, "")}`);
  mkdirSync(folder);
  for (const name of ["a", "b"]) writeFileSync(join(folder, name), content);
  victim = join(volume.path, `victim of ${folder.slice(-6)}`);
  volume.sync();
  return () => {
    // what is left must not be a group of the next test
    rmSync(folder, { recursive: true });
    rmSync(victim, { recursive: true, force: true });
  };
});

const isShared = (path: string): boolean => exec("filefrag", ["-v", path]).includes("shared");
/** What a fold of the victim would change. */
const facts = (path: string): unknown => {
  const { ino, mtimeMs, ctimeMs, nlink } = statSync(path);
  return { ino, mtimeMs, ctimeMs, nlink, shared: isShared(path) };
};

/** Scans and ticks everything, lets `swap` happen, and folds what was ticked. */
async function foldAfter(swap: () => void) {
  await using helper = await HelperClient.connect({ db });
  await helper.call("scan", scanParams(volume.uuid));
  const { review } = await helper.call("review.open", {
    ...{ volume: volume.uuid, minSize: 4096, exclude: [], snapshots: false },
  });
  const sum = await helper.call("review.tick", {
    ...{ review, ticked: true, target: { kind: "filter", filter: NO_FILTER } },
  });
  expect(sum.files).toBe(1);
  swap();
  volume.sync();
  const before = facts(victim);
  const options = { lock: "immutable", defrag: false, priority: "normal" } as const;
  const result = await helper.call("review.fold", { review, task: "fold", revision: sum.revision, options });
  expect(facts(victim)).toEqual(before);
  expect(immutablePaths(volume.path)).toEqual([]);
  return result;
}

describe("between the scan and the fold", () => {
  test("a file becomes a symbolic link to another one: that one is not touched", async () => {
    const result = await foldAfter(() => {
      writeFileSync(victim, content);
      unlinkSync(join(folder, "b"));
      symlinkSync(victim, join(folder, "b"));
    });
    expect(result).toMatchObject({ files: 0, freedBytes: 0 });
    expect(result.skipped.map(({ reason }) => reason)).toContain("changed");
  });

  test("its folder becomes a symbolic link to another one: the files that were scanned are folded, where they are now", async () => {
    const moved = `${folder} moved`;
    const elsewhere = join(volume.path, "elsewhere");
    mkdirSync(elsewhere);
    victim = join(elsewhere, "b");
    const result = await foldAfter(() => {
      for (const name of ["a", "b"]) writeFileSync(join(elsewhere, name), content);
      renameSync(folder, moved);
      symlinkSync(elsewhere, folder);
    });
    expect([result.files, isShared(join(moved, "b"))]).toEqual([1, true]);
    rmSync(moved, { recursive: true });
    rmSync(elsewhere, { recursive: true });
  });

  test("a file is renamed and another one put at its name: the one that was scanned is folded", async () => {
    victim = join(folder, "b");
    const result = await foldAfter(() => {
      renameSync(join(folder, "b"), join(folder, "c"));
      writeFileSync(victim, content);
    });
    expect([result.files, isShared(join(folder, "c"))]).toEqual([1, true]);
  });

  test("something is mounted over its folder: what hides it is not touched", async () => {
    const hiding = join(volume.path, "hiding");
    mkdirSync(hiding);
    victim = join(hiding, "b");
    try {
      const result = await foldAfter(() => {
        for (const name of ["a", "b"]) writeFileSync(join(hiding, name), content);
        exec("mount", ["--bind", hiding, folder]);
      });
      expect(result.files).toBe(1);
    } finally {
      exec("umount", [folder]);
      rmSync(hiding, { recursive: true });
    }
    expect(isShared(join(folder, "b"))).toBe(true);
  });

  test("a file is written anew, with the same length: it is left as it is", async () => {
    writeFileSync(victim, content);
    unlinkSync(victim);
    const other = randomBytes(SIZE);
    const result = await foldAfter(() => {
      writeFileSync(victim, content);
      writeFileSync(join(folder, "b"), other);
    });
    expect([result.files, isShared(join(folder, "b"))]).toEqual([0, false]);
  });
});

test("a mount point is opened without following a link, its folders' neither", () => {
  const real = join(db, "real");
  mkdirSync(join(real, "inside"), { recursive: true });
  symlinkSync(real, join(db, "link"));
  const codeOf = (path: string): string => {
    const fd = openDirectory(Buffer.from(path));
    if (fd < 0) return errnoName(-fd);
    tryCall("rf_close", fd);
    return "opened";
  };
  const here = `/proc/${String(process.pid)}/root`;
  expect(
    [join(real, "inside"), join(db, "link"), join(db, "link", "inside"), `${here}${real}`].map(codeOf),
  ).toEqual([...["opened", "ELOOP", "ELOOP", "ELOOP"]]);
});
