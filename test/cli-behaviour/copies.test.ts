/** A filesystem and a copy of it, mounted side by side: nothing that names one may act on the other. */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { discoverVolumes } from "../../src-helper/volumes/discover.ts";
import { selectVolumes } from "../../src-helper/volumes/select.ts";
import { exec } from "../support/exec.ts";
import { refold } from "../support/run.ts";
import { LoopVolume } from "../support/volume.ts";

/** Mounts a copy of a volume, made while that was not mounted, for as long as `use` runs. */
async function withCopy(
  volume: LoopVolume,
  use: (copy: string, device: string) => Promise<void>,
): Promise<void> {
  const [image] = volume.images;
  if (image === undefined) throw new Error("no image");
  const [file, path] = [volume.beside("copy.img"), volume.beside("copy")];
  volume.unmount();
  copyFileSync(image, file);
  volume.mount();
  mkdirSync(path);
  const device = exec("losetup", ["--find", "--show", file]).trim();
  try {
    exec("mount", [device, path]);
    try {
      await use(path, device);
    } finally {
      exec("umount", ["--all-targets", device]);
    }
  } finally {
    exec("losetup", ["--detach", device]);
  }
}

async function expectRefused(volume: LoopVolume, copy: string, device: string): Promise<void> {
  const db = ["--db", volume.beside("db")];
  for (const name of [copy, device, join(copy, "folder")]) {
    for (const words of [["scan"], ["dedup", "--yes"]]) {
      const { stderr } = (await refold([...words, name, ...db])).expectCode(4);
      expect(stderr).toContain("same uuid");
    }
  }
  // who names none has neither of them scanned: not with the program, which would scan all of this machine
  const told: string[] = [];
  const chosen = selectVolumes([], (message) => told.push(message)).map(({ found }) =>
    found.mountPath.toString(),
  );
  expect(chosen).not.toContain(copy);
  expect(told.filter((message) => message.includes(`${copy} has the same uuid`))).toHaveLength(1);
}

test("a copy is refused by every name, and so is the other where the kernel says the same of both", async () => {
  using volume = LoopVolume.create({ size: "256M" });
  mkdirSync(join(volume.path, "folder"));
  const content = Buffer.alloc(1 << 20, "the same twice, ");
  for (const name of ["a", "b"]) writeFileSync(join(volume.path, "folder", name), content);
  await withCopy(volume, async (copy, device) => {
    for (const name of ["c", "d"]) writeFileSync(join(copy, "folder", name), content);
    exec("btrfs", ["filesystem", "sync", copy]);
    const db = ["--json", "--db", volume.beside("db")];
    await expectRefused(volume, copy, device);
    // the original is what it was, and nothing that was refused made the kernel mix them up
    const scan = (await refold(["scan", volume.path, ...db])).expectCode(0).json() as {
      volumes: { uuid: string; duplicateFiles: number }[];
    };
    expect(scan.volumes).toMatchObject([{ uuid: volume.uuid, duplicateFiles: 2 }]);

    // a second mount of the device: the kernel tells the uuid on the disk from now on
    const second = volume.beside("second");
    mkdirSync(second);
    exec("mount", [device, second]);
    await expectRefused(volume, copy, device);
    const both = (await refold(["scan", volume.path, ...db])).expectCode(4);
    expect(both.stderr).toContain("same uuid");
    const found = discoverVolumes().filter(({ info }) => info.uuid === volume.uuid);
    const mounts = found.map((one) => one.mounts.map(({ path }) => path.toString()).sort());
    expect(mounts.sort()).toEqual([[copy, second].sort(), [volume.path]].sort());
  });
  const alone = (await refold(["scan", volume.path, "--json", "--db", volume.beside("db")])).expectCode(0);
  expect(alone.stderr).not.toContain("same uuid");
});
