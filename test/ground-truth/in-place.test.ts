/** Data without copy-on-write changes where it is: the same place on disk, another content. */
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compareGroups } from "../support/compare.ts";
import { exec } from "../support/exec.ts";
import { consultOracle } from "../support/oracle.ts";
import { Random } from "../support/random.ts";
import { dedup, groups, scan, type Target } from "../support/refold-json.ts";
import { LoopVolume } from "../support/volume.ts";

/** Writes to a file where it is. */
function overwrite(path: string, text: string): void {
  const fd = openSync(path, "r+");
  writeSync(fd, text, 5000);
  closeSync(fd);
}

test("a NOCOW file that is written to in place is compared anew, and so when it is as it was before", async () => {
  using volume = LoopVolume.create();
  const content = Buffer.alloc(20_000, "in place");
  for (const name of ["a", "b"]) {
    const path = join(volume.path, name);
    writeFileSync(path, "");
    exec("chattr", ["+C", path]);
    writeFileSync(path, content);
  }
  writeFileSync(join(volume.path, "ordinary"), content);
  const target: Target = { volume: volume.path, db: volume.beside("db"), minSize: 1 };
  const expectRight = async (files: number): Promise<void> => {
    volume.sync();
    await scan(target);
    const found = await groups(target);
    expect(compareGroups(consultOracle(volume.path), 1, found)).toEqual([]);
    expect(found.map((group) => group.files.length)).toEqual(files === 0 ? [] : [files]);
  };
  await expectRight(3);
  overwrite(join(volume.path, "a"), "another");
  await expectRight(2);
  overwrite(join(volume.path, "b"), "others");
  await expectRight(0);
  for (const name of ["a", "b"]) overwrite(join(volume.path, name), content.toString("latin1", 5000, 5008));
  await expectRight(3);
});

test("a file that lies where a copy was folded away is not taken for that, though its subvolume is read first", async () => {
  using volume = LoopVolume.create({ size: "256M" });
  const random = new Random(1);
  const content = random.bytes(4096);
  // a copy that is folded onto another one, in the subvolume that is read last
  for (const name of ["first", "last"]) volume.createSubvolume(name);
  for (const name of ["first/a", "first/b", "last/copy"]) writeFileSync(join(volume.path, name), content);
  exec("cp", ["--reflink=always", join(volume.path, "first/a"), join(volume.path, "first/c")]);
  volume.sync();
  const target: Target = { volume: volume.path, db: volume.beside("db"), minSize: 1 };
  const before = firstExtent(join(volume.path, "last/copy"));
  expect((await dedup(target)).files).toBe(2);
  volume.settle();
  // data of other files until one lies there
  let there = false;
  for (let k = 0; k < 40 && !there; k++) {
    const paths = Array.from({ length: 500 }, (_, n) => join(volume.path, `first/new ${k} ${n}`));
    for (const path of paths) writeFileSync(path, random.bytes(4096));
    volume.sync();
    there = paths.some((path) => firstExtent(path) === before);
  }
  expect(there).toBe(true);
  await scan(target);
  // all that are equal share their data, and nothing else is equal to them
  expect(await groups(target)).toEqual([]);
});

/** Where the first extent of a file lies. */
function firstExtent(path: string): string {
  return /^ +0: +[\d.]+ +(\d+)/m.exec(exec("filefrag", ["-v", path]))?.[1] ?? "";
}
