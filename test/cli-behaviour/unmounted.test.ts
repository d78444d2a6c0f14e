/** A filesystem that is mounted nowhere is worked on when it is named, and only then. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exec } from "../support/exec.ts";
import { refold } from "../support/run.ts";
import { snapshotState } from "../support/state.ts";
import { LoopVolume } from "../support/volume.ts";

interface Totals {
  volumes: { uuid: string; groups: number; freedBytes: number }[];
}

test("a device that is not mounted is scanned and folded through a mount that nobody sees", async () => {
  using volume = LoopVolume.create({ size: "256M" });
  const content = Buffer.alloc(1 << 20, "the same twice, ");
  for (const name of ["a", "b"]) writeFileSync(join(volume.path, name), content);
  const before = snapshotState(volume.path);
  volume.unmount();
  const words = ["--json", "--db", volume.beside("db"), volume.device];

  const scan = (await refold(["scan", ...words])).expectCode(0);
  expect(scan.stderr).toContain("is not mounted");
  expect((scan.json() as Totals).volumes).toMatchObject([{ uuid: volume.uuid, groups: 1 }]);
  const [group] = (await refold(["groups", ...words])).expectCode(0).jsonLines() as {
    files: { path: string }[];
  }[];
  expect(group?.files.map((file) => file.path)).toEqual(["a", "b"]);
  const folded = (await refold(["dedup", "--yes", ...words])).expectCode(0).json() as Totals;
  expect(folded.volumes[0]?.freedBytes).toBe(content.length);
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(` ${volume.device} `);

  volume.mount();
  expect(snapshotState(volume.path)).toEqual(before);
});

test("a device without btrfs is refused in one line", async () => {
  using volume = LoopVolume.create({ size: "256M" });
  volume.unmount();
  exec("wipefs", ["--quiet", "--all", volume.device]);
  const result = (await refold(["scan", volume.device])).expectCode(4);
  expect(result.stderr.trim().split("\n")).toHaveLength(1);
});
