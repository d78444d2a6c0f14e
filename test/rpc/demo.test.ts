/** The demo volume: made once, found again, removed without a trace. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DemoVolume } from "../../src-helper/demo/demo-volume.ts";
import { loopDevices } from "../../src-helper/demo/loop-devices.ts";
import { callingPerson } from "../../src-helper/demo/person.ts";
import { runProgram } from "../../src-helper/demo/programs.ts";
import { exec } from "../support/exec.ts";
import { mountsBelow } from "../support/leftovers.ts";
import { HelperClient } from "./client.ts";
import { scanParams } from "./support.ts";

const PERSON = { uid: 65534, gid: 65534 }; // nobody is in every passwd

describe("the demo volume", () => {
  let directory: string;
  let db: string;
  let runtimeDir: string;
  let mountPath: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "refold-rpc-demo-"));
    db = join(directory, "db");
    runtimeDir = join(directory, "run");
    mountPath = join(runtimeDir, "demo");
  });
  afterEach(async () => {
    await new DemoVolume({ databaseDir: db, runtimeDir, environment: {} }).remove();
    expect(mountsBelow(directory)).toEqual([]);
    rmSync(directory, { recursive: true });
  });

  const connect = (): Promise<HelperClient> =>
    HelperClient.connect({ db, runtimeDir, env: { SUDO_UID: String(PERSON.uid) } });
  const devices = (): string[] =>
    loopDevices().flatMap(({ device, file }) => (file.startsWith(directory) ? [device] : []));

  test("is made, told of, scanned, found again and removed", async () => {
    let uuid: string;
    {
      await using helper = await connect();
      uuid = (await helper.call("demo.create", { task: "demo" })).volume;
      const steps = helper.progress.filter(({ phase }) => phase === "demo");
      expect(steps.at(-1)).toMatchObject({ unit: "bytes", done: steps.at(-1)?.total });
      expect(statSync(join(db, "demo.img")).mode & 0o777).toBe(0o600);
      expect(statSync(mountPath).mode & 0o777).toBe(0o755);
      for (const path of ["home", "home/photos", "home/vms/disk.img"]) {
        expect(statSync(join(mountPath, path))).toMatchObject(PERSON);
      }
      // the person can read all of it, the snapshot too
      const nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];
      exec("chmod", ["711", directory, runtimeDir]);
      exec("setpriv", [
        ...nobody,
        "tar",
        "-cf",
        "/dev/null",
        "-C",
        mountPath,
        "home",
        "media",
        "backup",
        "snapshots",
      ]);
      const found = (await helper.call("volumes", {})).find((volume) => volume.uuid === uuid);
      expect(found).toMatchObject({
        label: "refold-demo",
        demo: true,
        mountPath,
        subvolumes: 4,
        snapshots: 1,
      });
      const { done } = await helper.callPaused("scan", scanParams(uuid));
      expect((await helper.callError("demo.remove", {})).code).toBe("busy");
      await helper.call("pause", { task: "scan", paused: false });
      expect((await done).reclaimableBytes).toBeGreaterThan(100 << 20);
      expect((await helper.call("demo.create", { task: "again" })).volume).toBe(uuid);
      expect(devices()).toHaveLength(1);
    }
    // as after a reboot: the image is there, and nothing is mounted
    await runProgram("umount", [mountPath]);
    for (const device of devices()) await runProgram("losetup", ["--detach", device]);
    await using helper = await connect();
    expect((await helper.call("demo.create", { task: "demo" })).volume).toBe(uuid);
    expect(existsSync(join(mountPath, "home/photos"))).toBe(true);

    await helper.call("demo.remove", {});
    expect({ devices: devices(), mounts: mountsBelow(directory), files: readdirSync(db) }).toEqual({
      ...{ devices: [], mounts: [], files: [] },
    });
    await helper.call("demo.remove", {});
  });

  test("that is cancelled leaves nothing", async () => {
    await using helper = await connect();
    const begun = helper.nextProgress("demo", ({ done }) => done > 0);
    const error = helper.callError("demo.create", { task: "demo" });
    await begun;
    await helper.call("cancel", { task: "demo" });
    expect((await error).code).toBe("cancelled");
    expect({ devices: devices(), mounts: mountsBelow(directory), files: readdirSync(db) }).toEqual({
      ...{ devices: [], mounts: [], files: [] },
    });
  });

  test("whose making was killed is made anew", async () => {
    const killed = await connect();
    const begun = killed.nextProgress("demo", ({ done }) => done > 0);
    killed.call("demo.create", { task: "demo" }).catch(() => undefined);
    await begun;
    killed.helper.kill();
    await killed.helper.exited;
    expect(devices()).toHaveLength(1);
    expect(mountsBelow(directory)).toEqual([mountPath]);
    await using helper = await connect();
    const { volume } = await helper.call("demo.create", { task: "demo" });
    expect(devices()).toHaveLength(1);
    expect((await helper.call("volumes", {})).find(({ uuid }) => uuid === volume)?.demo).toBe(true);
    expect(existsSync(join(mountPath, "backup/vms/disk-before-upgrade.img"))).toBe(true);
  });

  test("needs programs, and names the package of one that is missing", async () => {
    const demo = new DemoVolume({
      ...{ databaseDir: db, runtimeDir, environment: {} },
      run: (program, words) => runProgram(program, words, directory),
    });
    const made = demo.create({ signal: new AbortController().signal, progress: () => undefined });
    await expect(made).rejects.toMatchObject({
      message: "The program mkfs.btrfs is not installed.",
      details: { next: "Install the package btrfs-progs and try again." },
    });
    expect(readdirSync(db)).toEqual([]);
  });

  test("leaves alone what else is mounted at its place", async () => {
    await using helper = await connect();
    const { volume } = await helper.call("demo.create", { task: "demo" });
    const other = join(directory, "other-db");
    await using second = await HelperClient.connect({ db: other, runtimeDir });
    const error = await second.callError("demo.create", { task: "demo" });
    expect(error.message).toContain("Something else is mounted");
    await second.call("demo.remove", {});
    expect((await helper.call("volumes", {})).some(({ uuid }) => uuid === volume)).toBe(true);
  });

  test("that somebody uses is not removed", async () => {
    await using helper = await connect();
    await helper.call("demo.create", { task: "demo" });
    writeFileSync(join(mountPath, "home/mine"), "");
    const before = process.cwd();
    process.chdir(join(mountPath, "home"));
    try {
      expect((await helper.callError("demo.remove", {})).code).toBe("busy");
    } finally {
      process.chdir(before);
    }
    expect(existsSync(join(mountPath, "home/mine"))).toBe(true);
    await helper.call("demo.remove", {});
  });
});

describe("the person behind root", () => {
  const passwd = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1001:Ann:/home/ann:/bin/sh\n";
  test.each([
    [{ SUDO_UID: "1000" }, { uid: 1000, gid: 1001 }],
    [
      { PKEXEC_UID: "1000", SUDO_UID: "7" },
      { uid: 1000, gid: 1001 },
    ],
    [{ SUDO_UID: "0" }, null],
    [{ SUDO_UID: "4242" }, null],
    [{ SUDO_UID: "1000; rm" }, null],
    [{}, null],
  ])("%j", (environment: Record<string, string>, person) => {
    expect(callingPerson(environment, passwd)).toEqual(person);
  });
});
