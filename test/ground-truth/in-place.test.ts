/** Data without copy-on-write changes where it is: the same place on disk, another content. */
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compareGroups } from "../support/compare.ts";
import { exec } from "../support/exec.ts";
import { consultOracle } from "../support/oracle.ts";
import { groups, scan, type Target } from "../support/refold-json.ts";
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
