/** The immutable flag: how to set it without harm, and what it stops. */
import { closeSync, constants, openSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import { call, tryCall } from "../../src-helper/native/library.ts";
import { exec } from "../support/exec.ts";
import { changeFlags, FileFlag, getFlags, getXattrs, withFd } from "../support/libc.ts";
import { LoopVolume } from "../support/volume.ts";
import { dedupe, INODE_FLAG, inodeItem, inodeOf, twins, withOpen } from "./support.ts";

const EPERM = -1;
const volume = LoopVolume.create({ size: "1G" });
afterAll(() => {
  volume.dispose();
});

const compression = (path: string): string | undefined =>
  getXattrs(Buffer.from(path)).get("btrfs.compression")?.toString();

function setImmutable(path: string, on: boolean): void {
  withOpen(path, (fd) => call("rf_set_immutable", fd, on ? 1 : 0));
}

describe("setting the flag", () => {
  test("FS_IOC_SETFLAGS rewrites btrfs.compression on its way, FS_IOC_FSSETXATTR does not", () => {
    const [one, other] = twins(volume.path, "property", Buffer.alloc(0));
    for (const path of [one, other]) exec("btrfs", ["property", "set", path, "compression", "zstd"]);

    changeFlags(one, FileFlag.immutable);
    changeFlags(one, 0, FileFlag.immutable);
    expect(compression(one)).toBe("zlib");

    setImmutable(other, true);
    expect(withFd(other, getFlags) & FileFlag.immutable).not.toBe(0);
    expect(compression(other)).toBe("zstd");
    setImmutable(other, false);
    expect(withFd(other, getFlags) & FileFlag.immutable).toBe(0);
    expect(compression(other)).toBe("zstd");
  });

  test("changes ctime and the inode's transid, but not mtime", () => {
    const path = join(volume.path, "times");
    writeFileSync(path, "text");
    volume.sync();
    const ino = inodeOf(path);
    const before = statSync(path, { bigint: true });
    withOpen(path, (fd) => {
      const transid = inodeItem(fd, 5, ino)?.transid ?? NaN;
      setImmutable(path, true);
      setImmutable(path, false);
      volume.sync();
      const after = statSync(path, { bigint: true });
      expect(after.mtimeNs).toBe(before.mtimeNs);
      expect(after.atimeNs).toBe(before.atimeNs);
      expect(after.ctimeNs).toBeGreaterThan(before.ctimeNs);
      expect(inodeItem(fd, 5, ino)?.transid).toBeGreaterThan(transid);
    });
  });

  test("leaves the other flags of the file as they are", () => {
    const path = join(volume.path, "flags");
    writeFileSync(path, "");
    changeFlags(path, FileFlag.noDump | FileFlag.noCow | FileFlag.sync);
    const before = withFd(path, getFlags);
    setImmutable(path, true);
    expect(withFd(path, getFlags)).toBe(before | FileFlag.immutable);
    setImmutable(path, false);
    expect(withFd(path, getFlags)).toBe(before);
  });

  test("shows in the inode item by the next transaction at the latest", () => {
    const path = join(volume.path, "item");
    writeFileSync(path, "text");
    setImmutable(path, true);
    volume.sync();
    withOpen(path, (fd) => {
      const flags = (): bigint => (inodeItem(fd, 5, inodeOf(path))?.flags ?? 0n) & INODE_FLAG.immutable;
      expect(flags()).toBe(INODE_FLAG.immutable);
      setImmutable(path, false);
      volume.sync();
      expect(flags()).toBe(0n);
    });
  });
});

describe("what it stops", () => {
  test("new writers, but not those already open", () => {
    const path = join(volume.path, "open-before");
    writeFileSync(path, "12345");
    const early = openSync(path, constants.O_WRONLY);
    try {
      setImmutable(path, true);
      expect(() => openSync(path, constants.O_WRONLY)).toThrow(/EPERM/);
      expect(writeSync(early, "67890")).toBe(5);
    } finally {
      closeSync(early);
      setImmutable(path, false);
    }
  });

  test.each(["before", "after"])("FIDEDUPERANGE into a file that was made immutable %s the open", (when) => {
    const [source, destination] = twins(volume.path, `into-${when}`, randomBytes(65536));
    if (when === "before") setImmutable(destination, true);
    withOpen(destination, (fd) => {
      if (when === "after") setImmutable(destination, true);
      const refused = dedupe(source, fd, 65536);
      expect([refused.call, refused.status, refused.bytes]).toEqual([0, EPERM, 0]);
      setImmutable(destination, false);
      expect(dedupe(source, fd, 65536)).toEqual({ call: 0, status: 0, bytes: 65536 });
    });
  });

  test("not the source of a dedupe", () => {
    const [source, destination] = twins(volume.path, "from", randomBytes(65536));
    setImmutable(source, true);
    expect(dedupe(source, destination, 65536)).toEqual({ call: 0, status: 0, bytes: 65536 });
    setImmutable(source, false);
  });

  test("a lease is granted on an immutable file", () => {
    const path = join(volume.path, "leased");
    writeFileSync(path, "text");
    setImmutable(path, true);
    withOpen(path, (fd) => {
      expect(tryCall("rf_lease", fd)).toBe(0);
      expect(tryCall("rf_unlease", fd)).toBe(0);
    });
    setImmutable(path, false);
  });
});
