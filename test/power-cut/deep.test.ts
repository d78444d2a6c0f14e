/**
 * A power cut while ranges are moved onto a copy. The filesystem comes back as
 * it was at its last commit, perhaps with the copy's inode and some of the ranges
 * moved; the journal as it was at its last write.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Killer, orphansOnDisk, withoutFlags } from "../deep/killer.ts";
import { plantPair } from "../deep/kill-scenarios.ts";
import { KIB } from "../deep/support.ts";
import { exec } from "../support/exec.ts";
import { Random } from "../support/random.ts";
import { refold } from "../support/run.ts";
import { diffStates, snapshotState } from "../support/state.ts";
import { LoopVolume } from "../support/volume.ts";
import { afterTheCut, copyDisk } from "./cut.ts";

const CUTS = 6;
const DEDUP = ["dedup", "--yes", "--deep"];

test("after a power cut the next start mends it: contents are whole, nothing stays, no more room is taken", async () => {
  using volume = LoopVolume.create({ size: "512M" });
  const killer = new Killer(volume);
  const random = new Random(77);
  const [databases, cutDatabases, cutImage] = ["db", "cut-db", "cut.img"].map((name) => volume.beside(name));
  if (databases === undefined || cutDatabases === undefined || cutImage === undefined) throw new Error();
  const plant = (name: string): void => {
    mkdirSync(join(volume.path, name));
    plantPair(random, join(volume.path, name), 0);
    volume.settle();
  };
  (await refold(["repair", "--db", databases, volume.path])).expectCode(0); // makes the journal
  plant("reference");
  const { operations } = await killer.run(DEDUP, null);
  const copied = operations.indexOf("wS") + 2;
  const moves = operations.lastIndexOf("d") + 1 - copied;
  let [withOrphans, larger] = [0, 0];

  for (let cut = 0; cut < CUTS; cut++) {
    plant(`cut-${cut}`);
    const before = snapshotState(volume.path);
    const used = volume.usage().dataUsed;
    const operation = copied + Math.floor((cut * moves) / CUTS);
    await killer.standStill(DEDUP, { operation, before: false }, () => {
      // two in three fall after a commit, in which what was moved became durable
      if (cut % 3 !== 2) exec("sync", ["--file-system", volume.path]);
      copyDisk(volume, databases, cutImage, cutDatabases);
    });
    if (orphansOnDisk(cutImage).length > 0) withOrphans++;
    const words = ["--json", "--db", cutDatabases, volume.path];
    await afterTheCut(volume, cutImage, async () => {
      volume.settle();
      expect(diffStates(withoutFlags(before), withoutFlags(snapshotState(volume.path)))).toEqual([]);
      if (volume.usage().dataUsed > used) larger++;
      if (cut % 2 === 0) (await refold(["dedup", "--yes", ...words])).expectCode(0, 1);
      expect((await refold(["repair", ...words])).expectCode(0).json()).toMatchObject({ failed: [] });
      volume.settle();
      expect(diffStates(before, snapshotState(volume.path))).toEqual([]);
      expect(volume.usage().dataUsed).toBeLessThanOrEqual(used);
      // and the next run ends the job
      (await refold([...DEDUP, ...words])).expectCode(0);
      volume.settle();
      expect(diffStates(before, snapshotState(volume.path))).toEqual([]);
      expect(used - volume.usage().dataUsed).toBeGreaterThan(400 * KIB);
    });
    expect(orphansOnDisk(cutImage)).toEqual([]);
    // the volume itself went on without the cut: what was killed there is mended, too
    (await refold(["repair", "--db", databases, volume.path])).expectCode(0);
    (await refold([...DEDUP, "--db", databases, volume.path])).expectCode(0);
  }
  // cuts that left no copy on the disk would show little
  expect(withOrphans).toBeGreaterThan(0);
  expect(larger).toBeGreaterThan(0);
});
