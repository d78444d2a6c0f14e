import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { exec } from "./exec.ts";
import { loopDevicesBelow, mountsBelow } from "./leftovers.ts";
import { LoopVolume, type ChecksumType } from "./volume.ts";

/** How dump-super names them; older and newer btrfs-progs differ in what follows. */
const CSUMS: Record<ChecksumType, string> = {
  crc32c: "crc32c",
  xxhash: "xxhash",
  sha256: "sha256",
  blake2b: "blake2",
};

describe("LoopVolume", () => {
  test.each(Object.keys(CSUMS) as ChecksumType[])("makes a filesystem with %s checksums", (csum) => {
    using volume = LoopVolume.create({ size: "512M", csum, label: "my label" });
    const dump = exec("btrfs", ["inspect-internal", "dump-super", volume.device]);
    expect(dump).toMatch(new RegExp(`csum_type\\s+\\d+ \\(${CSUMS[csum]}`));
    expect(dump).toMatch(/label\s+my label/);
    expect(dump).toContain(volume.uuid);
  });

  test("leaves no mount, loop device or file behind, also after an error", () => {
    let directory = "";
    expect(() => {
      using volume = LoopVolume.create({ size: "512M", devices: 2 });
      directory = volume.directory;
      volume.mount(["subvolid=5"], volume.beside("second"));
      expect(mountsBelow(directory)).toHaveLength(2);
      expect(loopDevicesBelow(directory)).toHaveLength(2);
      throw new Error("a test that fails");
    }).toThrow("a test that fails");
    expect(mountsBelow(directory)).toEqual([]);
    expect(loopDevicesBelow(directory)).toEqual([]);
    expect(existsSync(directory)).toBe(false);
  });

  test("usage is exact to the byte", () => {
    using volume = LoopVolume.create({ size: "512M" });
    volume.sync();
    const before = volume.usage().dataUsed;
    writeFileSync(join(volume.path, "a"), randomBytes(40_961));
    writeFileSync(join(volume.path, "inline"), "inline");
    volume.sync();
    expect(volume.usage().dataUsed - before).toBe(45_056);
    volume.createSubvolume("s");
    writeFileSync(join(volume.path, "s", "b"), randomBytes(8192));
    volume.sync();
    expect(volume.usage().dataUsed - before).toBe(53_248);
    volume.deleteSubvolume("s");
    volume.settle();
    expect(volume.usage().dataUsed - before).toBe(45_056);
  });
});
