/** Reaching every file without a path: file handles, and a mount that is in no namespace. */
import { closeSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants as os } from "node:os";
import { afterAll, describe, expect, test } from "vitest";
import { call, tryCall } from "../../src-helper/native/library.ts";
import { exec } from "../support/exec.ts";
import { LoopVolume } from "../support/volume.ts";
import { inodeItem, inodeOf, startChild, subvolumeOf, until, withOpen, withTop } from "./support.ts";

const ESTALE = -os.errno.ESTALE;
/** Only the subvolume "seen" is mounted; "hidden" is reached by no path. */
const volume = LoopVolume.create({ size: "512M" });
const content = "text of a file in a subvolume that is not mounted";
const { hidden, hiddenId, seenId } = ((): { hidden: number; hiddenId: number; seenId: number } => {
  const path = volume.createSubvolume("hidden");
  const seen = volume.createSubvolume("seen");
  writeFileSync(join(path, "file"), content);
  volume.sync();
  const ids = {
    hidden: inodeOf(join(path, "file")),
    hiddenId: withOpen(path, subvolumeOf),
    seenId: withOpen(seen, subvolumeOf),
  };
  volume.unmount();
  volume.mount(["subvol=seen"]);
  return ids;
})();
afterAll(() => {
  volume.dispose();
});

function generationOf(dir: number, tree: number, ino: number): number {
  const item = inodeItem(dir, tree, ino);
  if (item === null) throw new Error(`no inode ${ino} in tree ${tree}`);
  return item.generation;
}

describe("a detached mount of subvolid=5", () => {
  test("is listed in no mount namespace", () => {
    const mounts = (): string => readFileSync("/proc/self/mountinfo", "latin1");
    const before = mounts();
    withTop(volume.device, (dir) => {
      expect(mounts()).toBe(before);
      expect(readFileSync(`/proc/self/fd/${dir}/hidden/file`, "utf8")).toBe(content);
    });
  });

  test("lets another mount of the filesystem be unmounted, and keeps the filesystem alive itself", () => {
    withTop(volume.device, (dir) => {
      volume.unmount();
      expect(readFileSync(`/proc/self/fd/${dir}/hidden/file`, "utf8")).toBe(content);
      volume.mount(["subvol=seen"]);
    });
  });

  test("dies with its descriptors", async () => {
    const superblocks = (): boolean =>
      exec("sh", ["-c", "ls /sys/fs/btrfs"]).split("\n").includes(volume.uuid);
    const holder = await startChild(
      `native.call("rf_mount_top", args[0], new Int32Array(1)); ready();`,
      volume.device,
    );
    volume.unmount();
    expect(superblocks()).toBe(true);
    holder.process.kill("SIGKILL");
    await holder.ended;
    await until("the filesystem is released", () => !superblocks());
    volume.mount(["subvol=seen"]);
  });

  test("an open file keeps working after the mount's own descriptors are closed", () => {
    const fd = withTop(volume.device, (dir) =>
      call("rf_open_inode", dir, hiddenId, hidden, generationOf(dir, hiddenId, hidden)),
    );
    expect(readFileSync(fd, "utf8")).toBe(content);
    closeSync(fd);
  });
});

describe("open_by_handle_at", () => {
  test("reaches files of subvolumes that are not mounted, through any directory of the volume's top level", () => {
    withTop(volume.device, (dir) => {
      const fd = call("rf_open_inode", dir, hiddenId, hidden, generationOf(dir, hiddenId, hidden));
      expect(readFileSync(fd, "utf8")).toBe(content);
      const identity = new Float64Array(8);
      call("rf_identity", fd, identity);
      expect([...identity.subarray(0, 4)]).toEqual([
        hiddenId,
        hidden,
        generationOf(dir, hiddenId, hidden),
        content.length,
      ]);
      closeSync(fd);
    });
  });

  test("answers ESTALE for another generation, another subvolume, another inode", () => {
    withTop(volume.device, (dir) => {
      const generation = generationOf(dir, hiddenId, hidden);
      expect(tryCall("rf_open_inode", dir, hiddenId, hidden, generation + 1)).toBe(ESTALE);
      expect(tryCall("rf_open_inode", dir, hiddenId, hidden, generation - 1)).toBe(ESTALE);
      expect(tryCall("rf_open_inode", dir, seenId, hidden, generation)).toBe(ESTALE);
      expect(tryCall("rf_open_inode", dir, 99_999, hidden, generation)).toBe(ESTALE);
      expect(tryCall("rf_open_inode", dir, hiddenId, 99_999, generation)).toBe(ESTALE);
    });
  });

  test("answers ESTALE for a file that is gone", () => {
    const path = join(volume.path, "gone");
    writeFileSync(path, "x");
    volume.sync();
    const ino = inodeOf(path);
    withTop(volume.device, (dir) => {
      const generation = generationOf(dir, seenId, ino);
      closeSync(call("rf_open_inode", dir, seenId, ino, generation));
      unlinkSync(path);
      expect(tryCall("rf_open_inode", dir, seenId, ino, generation)).toBe(ESTALE);
    });
  });

  test("follows a file through a rename", () => {
    const path = join(volume.path, "name");
    writeFileSync(path, "renamed");
    volume.sync();
    const ino = inodeOf(path);
    withTop(volume.device, (dir) => {
      const generation = generationOf(dir, seenId, ino);
      mkdirSync(join(volume.path, "elsewhere"));
      exec("mv", [path, join(volume.path, "elsewhere", "other-name")]);
      const fd = call("rf_open_inode", dir, seenId, ino, generation);
      expect(readFileSync(fd, "utf8")).toBe("renamed");
      closeSync(fd);
    });
  });

  test("does not wait for a FIFO's other end", () => {
    const path = join(volume.path, "fifo");
    exec("mkfifo", [path]);
    volume.sync();
    withTop(volume.device, (dir) => {
      const ino = inodeOf(path);
      closeSync(call("rf_open_inode", dir, seenId, ino, generationOf(dir, seenId, ino)));
    });
  });

  test("gives a file as writable as the mount is through which it was opened", () => {
    const other = volume.beside("read-only");
    mkdirSync(other);
    exec("mount", ["--bind", volume.path, other]);
    exec("mount", ["-o", "remount,ro,bind", other]);
    try {
      for (const [path, expected] of [
        [other, -os.errno.EROFS],
        [volume.path, 0],
      ] as const) {
        withOpen(path, (dir) => {
          const fd = call("rf_open_inode", dir, hiddenId, hidden, generationOf(dir, hiddenId, hidden));
          expect(tryCall("rf_set_immutable", fd, 1)).toBe(expected);
          tryCall("rf_set_immutable", fd, 0);
          closeSync(fd);
        });
      }
    } finally {
      volume.unmount(other);
    }
  });

  test("through a directory of one subvolume's mount reaches the others too", () => {
    withOpen(volume.path, (dir) => {
      const generation = generationOf(dir, hiddenId, hidden);
      const fd = tryCall("rf_open_inode", dir, hiddenId, hidden, generation);
      expect(fd).toBeGreaterThanOrEqual(0);
      expect(readFileSync(fd, "utf8")).toBe(content);
      closeSync(fd);
    });
  });
});
