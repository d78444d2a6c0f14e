/** flock on the top-level directory: one lock a filesystem, by whichever mount it is reached. */
import { readFileSync } from "node:fs";
import { constants as os } from "node:os";
import { afterAll, expect, test } from "vitest";
import { call, tryCall } from "../../src-helper/native/library.ts";
import { LoopVolume } from "../support/volume.ts";
import { inodeOf, startChild, withOpen, withTop } from "./support.ts";

const EWOULDBLOCK = -os.errno.EAGAIN;
const volume = LoopVolume.create({ size: "256M" });
afterAll(() => {
  volume.dispose();
});

test("excludes across mounts, also detached ones, of the same filesystem", () => {
  const second = volume.beside("second");
  volume.mount(["subvolid=5"], second);
  try {
    withOpen(second, (held) => {
      call("rf_flock", held);
      withOpen(volume.path, (fd) => {
        expect(tryCall("rf_flock", fd)).toBe(EWOULDBLOCK);
      });
      withTop(volume.device, (dir) => {
        expect(tryCall("rf_flock", dir)).toBe(EWOULDBLOCK);
      });
    });
    withTop(volume.device, (dir) => {
      expect(tryCall("rf_flock", dir)).toBe(0);
    });
  } finally {
    volume.unmount(second);
  }
});

test("shows its holder's pid in /proc/locks, by the directory's inode; ends with the process", async () => {
  const holder = await startChild(
    `const fd = native.call("rf_mount_top", args[0], new Int32Array(1)); native.call("rf_flock", fd); ready();`,
    volume.device,
  );
  try {
    const pid = String(holder.process.pid);
    const locks = readFileSync("/proc/locks", "latin1").split("\n");
    const line = new RegExp(`FLOCK +ADVISORY +WRITE +${pid} +[0-9a-f]+:[0-9a-f]+:${inodeOf(volume.path)} `);
    expect(locks.filter((lock) => line.test(lock))).toHaveLength(1);
    withOpen(volume.path, (fd) => {
      expect(tryCall("rf_flock", fd)).toBe(EWOULDBLOCK);
    });
  } finally {
    holder.process.kill("SIGKILL");
    await holder.ended;
  }
  withOpen(volume.path, (fd) => {
    expect(tryCall("rf_flock", fd)).toBe(0);
  });
});
