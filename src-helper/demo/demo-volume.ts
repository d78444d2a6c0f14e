import {
  chmodSync,
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { RefoldError } from "../engine/errors.ts";
import { tryCall } from "../native/library.ts";
import { readFsInfo } from "../volumes/fs-info.ts";
import { readMounts, type Mount } from "../volumes/mounts.ts";
import { openDirectory } from "../volumes/open-directory.ts";
import { DemoPlan, fillDemo } from "./data.ts";
import { loopDevices } from "./loop-devices.ts";
import { callingPerson, type Person } from "./person.ts";
import { runProgram, type Program } from "./programs.ts";

const MIB = 1 << 20;
const IMAGE_BYTES = 700 * MIB;
/** Left free beside what the image will take. */
const SPARE_BYTES = 64 * MIB;
/** Label of the demo volume. */
export const DEMO_LABEL = "refold-demo";

export interface DemoOptions {
  /** The image is kept here, mode 0600. */
  readonly databaseDir: string;
  /** The volume is mounted at "demo" in here. */
  readonly runtimeDir: string;
  /** Says who called sudo or pkexec: the files are given to that person. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Runs a program; others than the real one are for tests. */
  readonly run?: (program: Program, words: readonly string[]) => Promise<string>;
}

export interface DemoRun {
  readonly signal: AbortSignal;
  /** bytes done, of all */
  progress(done: number, total: number): void;
}

/**
 * A btrfs volume in a file, with duplicates in it: something to try Refold on
 * that belongs to nobody. There is at most one. While it is being filled its
 * image has another name, so that one that was interrupted is told from a whole
 * one, and made anew.
 */
export class DemoVolume {
  readonly mountPath: string;
  readonly #databaseDir: string;
  readonly #image: string;
  readonly #unfinished: string;
  readonly #person: () => Person | null;
  readonly #run: (program: Program, words: readonly string[]) => Promise<string>;

  constructor(options: DemoOptions) {
    this.#databaseDir = resolve(options.databaseDir);
    this.mountPath = join(resolve(options.runtimeDir), "demo");
    this.#image = join(this.#databaseDir, "demo.img");
    this.#unfinished = `${this.#image}.part`;
    this.#person = () => callingPerson(options.environment);
    this.#run = options.run ?? ((program, words) => runProgram(program, words));
  }

  /** The uuid of the demo volume where it is mounted, else null. */
  mounted(): string | null {
    return this.#ownMount() === null ? null : this.#uuid();
  }

  /**
   * Makes the volume, or mounts the one that is there.
   * @returns its uuid
   * @throws RefoldError; nothing is left of it then
   */
  async create(run: DemoRun): Promise<string> {
    if (existsSync(this.#image)) {
      if (this.#ownMount() === null) {
        this.#refuseForeignMount();
        await this.#mount(await this.#attach(this.#image));
      }
      return this.#uuid();
    }
    await this.#clear();
    this.#refuseForeignMount();
    try {
      await this.#make(run);
    } catch (error) {
      await this.#clear();
      throw error;
    }
    return this.#uuid();
  }

  /**
   * Unmounts, detaches and deletes it, and what Refold knows of it.
   * @throws RefoldError "busy" where somebody uses it
   */
  async remove(): Promise<void> {
    const uuid = this.mounted();
    await this.#clear();
    if (uuid === null) return;
    for (const name of [`${uuid}.db`, `${uuid}.journal.db`]) {
      for (const suffix of ["", "-wal", "-shm"]) {
        rmSync(join(this.#databaseDir, name + suffix), { force: true });
      }
    }
  }

  async #make(run: DemoRun): Promise<void> {
    const plan = new DemoPlan();
    mkdirSync(this.#databaseDir, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = statfsSync(this.#databaseDir);
    if (bavail * bsize < plan.bytes + SPARE_BYTES) {
      throw new RefoldError("failed", `There is no room for the demo volume in ${this.#databaseDir}.`, {
        kept: "Nothing was changed.",
        next: `Make ${Math.ceil((plan.bytes + SPARE_BYTES) / MIB)} MiB of room there and try again.`,
      });
    }
    const fd = openSync(this.#unfinished, "wx", 0o600);
    try {
      ftruncateSync(fd, IMAGE_BYTES);
    } finally {
      closeSync(fd);
    }
    await this.#run("mkfs.btrfs", ["-q", "-L", DEMO_LABEL, this.#unfinished]);
    await this.#mount(await this.#attach(this.#unfinished));
    const owner = this.#person();
    const btrfs = (...words: readonly string[]): Promise<unknown> => this.#run("btrfs", ["-q", ...words]);
    run.progress(0, plan.bytes);
    for await (const done of fillDemo(this.mountPath, plan, { btrfs, owner })) {
      run.progress(done, plan.bytes);
      if (run.signal.aborted) {
        throw new RefoldError("cancelled", "cancelled", { kept: "Nothing is left of the demo volume." });
      }
    }
    renameSync(this.#unfinished, this.#image);
  }

  async #attach(image: string): Promise<string> {
    const attached = loopDevices().find(({ file }) => file === image);
    if (attached !== undefined) return attached.device;
    return (await this.#run("losetup", ["--find", "--show", image])).trim();
  }

  async #mount(device: string): Promise<void> {
    const runtimeDir = dirname(this.mountPath);
    for (const directory of [runtimeDir, this.mountPath]) {
      if (existsSync(directory)) continue;
      mkdirSync(directory, { recursive: true });
      chmodSync(directory, 0o755); // whatever the umask: the person is to look into it
    }
    await this.#run("mount", ["-t", "btrfs", "-o", "noatime,nodev,nosuid", device, this.mountPath]);
  }

  /** Unmounts, detaches and deletes whatever there is of it, whole or not. */
  async #clear(): Promise<void> {
    while (this.#ownMount() !== null) await this.#unmount();
    for (const { device, file } of loopDevices()) {
      if (this.#isOwn(file)) await this.#run("losetup", ["--detach", device]);
    }
    for (const image of [this.#unfinished, this.#image]) rmSync(image, { force: true });
    try {
      rmdirSync(this.mountPath);
    } catch {
      // not there, or not empty and so not ours
    }
  }

  async #unmount(): Promise<void> {
    try {
      await this.#run("umount", [this.mountPath]);
    } catch (error) {
      if (!(error instanceof RefoldError) || !/busy/.test(error.message)) throw error;
      throw new RefoldError("busy", `Something uses the demo volume at ${this.mountPath}.`, {
        kept: "It was left as it is.",
        next: "Close the programs and terminals that are in it, and try again.",
      });
    }
  }

  #refuseForeignMount(): void {
    if (this.#topMount() === null || this.#ownMount() !== null) return;
    throw new RefoldError("failed", `Something else is mounted at ${this.mountPath}.`, {
      kept: "It was left as it is.",
      next: "Unmount it and try again.",
    });
  }

  /** The mount at the demo's place, where it is of an image of ours. */
  #ownMount(): Mount | null {
    const mount = this.#topMount();
    if (mount === null) return null;
    const own = loopDevices().some(({ device, file }) => device === mount.source && this.#isOwn(file));
    return own ? mount : null;
  }

  #topMount(): Mount | null {
    const path = Buffer.from(this.mountPath);
    return readMounts().findLast((mount) => mount.path.equals(path)) ?? null;
  }

  #isOwn(file: string): boolean {
    return file === this.#image || file === this.#unfinished;
  }

  #uuid(): string {
    const fd = openDirectory(Buffer.from(this.mountPath));
    if (fd < 0) throw new RefoldError("failed", `${this.mountPath} cannot be opened.`);
    try {
      return readFsInfo(fd).uuid;
    } finally {
      tryCall("rf_close", fd);
    }
  }
}
