/**
 * A root directory to install packages into: this machine's own one as it is,
 * with every change kept apart in memory. It lives in a mount namespace of its
 * own, so that nothing is left mounted, or installed, when it goes.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { lstatSync, mkdtempSync, readdirSync, rmSync, type Dirent } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram, type RunOptions, type RunResult } from "../support/run.ts";

const SCRIPT = `set -e
mount -t tmpfs -o mode=0755 refold-test "$1"
mkdir "$1/upper" "$1/work" "$1/root"
chmod 755 "$1/upper"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount --rbind /sys "$1/root/sys"
mount -t tmpfs tmpfs "$1/root/tmp"
mount -t tmpfs -o mode=0755 tmpfs "$1/root/run"
# what an installed or running Refold of this machine left
rm -rf "$1/root/var/lib/refold" "$1/root/usr/lib/refold" "$1/root/etc/refold"
echo ready
read -r line || true`;

export class PackageRoot {
  private readonly holder: ChildProcess;
  private readonly directory: string;

  private constructor(holder: ChildProcess, directory: string) {
    this.holder = holder;
    this.directory = directory;
  }

  static async create(): Promise<PackageRoot> {
    const directory = mkdtempSync(join(tmpdir(), "refold-package-root-"));
    const words = ["--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh", directory];
    const holder = spawn("unshare", words, { stdio: ["pipe", "pipe", "inherit"] });
    const ended = once(holder, "exit").then(() => {
      throw new Error("the root directory could not be made: is there overlayfs?");
    });
    await Promise.race([once(holder.stdio[1], "data"), ended]);
    ended.catch(() => undefined); // it ends in the end
    return new PackageRoot(holder, directory);
  }

  /** A path inside, for this process's own look. */
  path(inside: string): string {
    return join(`/proc/${String(this.holder.pid)}/root`, this.directory, "root", inside);
  }

  /** Runs a program of this machine in the namespace, outside of the root directory. */
  private beside(program: string, words: readonly string[]): Promise<RunResult> {
    return runProgram("nsenter", ["--mount", `--target=${String(this.holder.pid)}`, "--", program, ...words]);
  }

  /** Runs a program inside, with nothing in its environment but PATH and what is given. */
  run(words: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const { env = {}, ...rest } = options;
    const variables = Object.entries({ PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8", ...env });
    const enter = [
      "--mount",
      `--target=${String(this.holder.pid)}`,
      "--",
      "chroot",
      join(this.directory, "root"),
    ];
    const clean = ["env", "-i", ...variables.map(([name, value]) => `${name}=${value}`)];
    return runProgram("nsenter", [...enter, ...clean, ...words], rest);
  }

  /** Mounts a device of a btrfs filesystem inside. */
  async mount(device: string, at: string): Promise<void> {
    (await this.run(["mkdir", "-p", at])).expectCode(0);
    (
      await this.beside("mount", ["-t", "btrfs", "-o", "noatime", device, join(this.directory, "root", at)])
    ).expectCode(0);
  }

  async unmount(at: string): Promise<void> {
    (await this.beside("umount", [join(this.directory, "root", at)])).expectCode(0);
    (await this.run(["rmdir", at])).expectCode(0);
  }

  /** Every file and directory that differs from the machine's own: what was removed is left out. */
  changes(): string[] {
    const upper = join(`/proc/${String(this.holder.pid)}/root`, this.directory, "upper");
    return readdirSync(upper, { withFileTypes: true, recursive: true })
      .map((entry: Dirent) => join(entry.parentPath, entry.name))
      .filter((path) => !lstatSync(path).isCharacterDevice())
      .map((path) => path.slice(upper.length))
      .sort();
  }

  async dispose(): Promise<void> {
    const exited = once(this.holder, "exit");
    this.holder.kill("SIGKILL");
    await exited;
    // its namespace went with it: an empty directory is left
    rmSync(this.directory, { recursive: true, force: true });
  }
}
