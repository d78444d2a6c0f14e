/**
 * A machine to install Refold on, with people who log in: this one's own root
 * directory with every change kept apart in memory, a system bus, polkit and
 * pkexec of its own, in namespaces that take everything with them when they go.
 *
 * There is no logind in it. What makes a session is what logind would make: a
 * control group named after it, and files below /run/systemd (sd-login(3)).
 * polkitd reads them with libsystemd, as everywhere, and decides by itself.
 * elogind cannot be installed beside Debian's libsystemd, and systemd-logind
 * needs systemd.
 */
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ROOT, runProgram, type RunResult } from "../support/run.ts";

const SCRIPT = `set -e
mount -t tmpfs -o mode=0755 refold-test "$1"
mkdir "$1/upper" "$1/work" "$1/root"
chmod 755 "$1/upper"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount --rbind /sys "$1/root/sys"
mount -t tmpfs -o mode=1777 tmpfs "$1/root/tmp"
mount -t tmpfs -o mode=0755 tmpfs "$1/root/run"
# this repository, where everybody may read it
mkdir -p "$1/root$3" && mount --rbind "$2" "$1/root$3"
rm -rf "$1/root/var/lib/refold" "$1/root/usr/lib/refold" "$1/root/etc/refold" "$1/root"/etc/polkit-1/rules.d/*
echo ready
sleep infinity &
wait`;

/** The session that a person may have. */
export const SESSION = "refoldtest";
/** Where the hierarchy may be that systemd names sessions in. */
const HIERARCHIES = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"].filter((path) =>
  existsSync(join(path, "cgroup.procs")),
);
const ENTER_GROUPS = 'for group in $0; do echo $$ >"$group/cgroup.procs"; done; exec "$@"';

const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
/** Where this repository is on the machine. */
const REPOSITORY = "/opt/refold-repository";
const onMachine = (path: string): string =>
  path.startsWith(`${ROOT}/`) ? join(REPOSITORY, path.slice(ROOT.length)) : path;

export interface Person {
  readonly name: string;
  readonly uid: number;
  readonly password: string;
}
/** Uses the machine and may not administer it. */
export const ANNA: Person = { name: "refold-anna", uid: 4101, password: "anna's own" };
/** An administrator: polkit's rules on Debian ask one of the group sudo, elsewhere of wheel. */
export const CHIEF: Person = { name: "refold-chief", uid: 4102, password: "chief's own" };

export class Machine {
  readonly #holder: ChildProcessWithoutNullStreams;
  readonly #directory: string;
  /** The first process of the namespaces. */
  readonly #init: string;
  /** Control groups of the people's sessions, by their uid. */
  readonly #groups = new Map<number, readonly string[]>();

  private constructor(holder: ChildProcessWithoutNullStreams, directory: string, init: string) {
    this.#holder = holder;
    this.#directory = directory;
    this.#init = init;
  }

  static async create(): Promise<Machine> {
    const directory = mkdtempSync(join(tmpdir(), "refold-machine-"));
    const unshare = ["--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--propagation", "private"];
    const holder = spawn("unshare", [...unshare, "sh", "-c", SCRIPT, "sh", directory, ROOT, REPOSITORY]);
    holder.stdin.end();
    let said = "";
    holder.stderr.on("data", (text: Buffer) => (said += text.toString()));
    const ended = once(holder, "exit").then((): never => {
      throw new Error(`no machine could be made: ${said}`);
    });
    await Promise.race([once(holder.stdout, "data"), ended]);
    ended.catch(() => undefined); // it ends in the end
    const init = readFileSync(
      `/proc/${String(holder.pid)}/task/${String(holder.pid)}/children`,
      "latin1",
    ).trim();
    const machine = new Machine(holder, directory, init);
    await machine.#addPeople();
    await machine.startServices();
    return machine;
  }

  /** A path inside, for the test's own look. */
  path(inside: string): string {
    return join(`/proc/${this.#init}/root`, this.#directory, "root", inside);
  }

  /** Where a file of this repository is inside. */
  where(path: string): string {
    return onMachine(path);
  }

  /** The words that run a program inside, as root or as a person. */
  #inside(words: readonly string[], person: Person | null): string[] {
    const enter = [
      "--mount",
      "--pid",
      `--target=${this.#init}`,
      "--",
      "chroot",
      join(this.#directory, "root"),
    ];
    if (person === null)
      return [...enter, "env", "-i", `PATH=${PATH}`, "HOME=/root", "LC_ALL=C.UTF-8", ...words];
    const { name, uid } = person;
    const who = ["setpriv", `--reuid=${name}`, `--regid=${name}`, "--init-groups", "--"];
    const environment = [
      ...[`PATH=${PATH}`, `HOME=/home/${name}`, `USER=${name}`, "LC_ALL=C.UTF-8"],
      `XDG_RUNTIME_DIR=/run/user/${String(uid)}`,
    ];
    const groups = this.#groups.get(uid) ?? [];
    return [
      ...enter,
      "sh",
      "-c",
      ENTER_GROUPS,
      groups.join(" "),
      ...who,
      "env",
      "-i",
      ...environment,
      ...words,
    ];
  }

  run(words: readonly string[], person: Person | null = null): Promise<RunResult> {
    return runProgram("nsenter", this.#inside(words, person));
  }

  start(words: readonly string[], person: Person | null = null): ChildProcessWithoutNullStreams {
    return spawn("nsenter", this.#inside(words, person));
  }

  /** Starts a script of this repository with its Node. */
  startScript(script: string, words: readonly string[], person: Person): ChildProcessWithoutNullStreams {
    return this.start([onMachine(process.execPath), onMachine(script), ...words], person);
  }

  async install(deb: string): Promise<void> {
    writeFileSync(this.path("/tmp/refold.deb"), readFileSync(deb));
    (await this.run(["dpkg", "--install", "/tmp/refold.deb"])).expectCode(0);
  }

  /** Mounts a device of a btrfs filesystem inside. */
  async mount(device: string, at: string): Promise<void> {
    (await this.run(["mkdir", "-p", at])).expectCode(0);
    (await this.run(["mount", "-t", "btrfs", "-o", "noatime", device, at])).expectCode(0);
  }

  /** The id that a process of the machine has for the test. @throws Error where there is none */
  pidOutside(inside: string): number {
    const namespace = readlinkSync(`/proc/${this.#init}/ns/pid`);
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        const own = /^NSpid:.*\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
        if (own === inside && readlinkSync(`/proc/${pid}/ns/pid`) === namespace) return Number(pid);
      } catch {
        // it has ended
      }
    }
    throw new Error(`the machine has no process ${inside}`);
  }

  async #addPeople(): Promise<void> {
    for (const { name, uid, password } of [ANNA, CHIEF]) {
      const id = String(uid);
      (await this.run(["useradd", "--uid", id, "--user-group", "--create-home", name])).expectCode(0);
      (
        await this.run(["sh", "-c", 'printf "%s:%s\\n" "$1" "$2" | chpasswd', "sh", name, password])
      ).expectCode(0);
      (await this.run(["install", "-d", "-m", "0700", "-o", id, "-g", id, `/run/user/${id}`])).expectCode(0);
    }
    for (const group of ["sudo", "wheel"]) await this.run(["gpasswd", "--add", CHIEF.name, group]); // one is there
    for (const name of ["sessions", "users", "seats", "machines"]) {
      mkdirSync(this.path(`/run/systemd/${name}`), { recursive: true, mode: 0o755 });
    }
  }

  /**
   * What logind keeps of a person's only session: at the machine with the
   * screen theirs ("active"), or with another one's in front ("online"). null:
   * none. What is started from now on is in it.
   */
  setSession(person: Person, state: "active" | "online" | null): void {
    const id = SESSION;
    const [user, session, seat] = [`users/${String(person.uid)}`, `sessions/${id}`, "seats/seat0"].map(
      (name) => this.path(`/run/systemd/${name}`),
    ) as [string, string, string];
    for (const path of [user, session, seat]) rmSync(path, { force: true });
    this.#groups.delete(person.uid);
    if (state === null) return;
    const slice = `user.slice/user-${String(person.uid)}.slice/session-${id}.scope`;
    const groups = HIERARCHIES.map((path) => join(path, slice));
    for (const group of groups) mkdirSync(group, { recursive: true });
    this.#groups.set(person.uid, groups);
    const active = state === "active";
    writeFileSync(
      user,
      `NAME=${person.name}\nSTATE=${state}\nDISPLAY=${id}\nSESSIONS=${id}\nSEATS=seat0\n` +
        `ACTIVE_SESSIONS=${active ? id : ""}\nONLINE_SESSIONS=${id}\n`,
    );
    writeFileSync(
      session,
      `UID=${String(person.uid)}\nUSER=${person.name}\nACTIVE=${active ? "1" : "0"}\nSTATE=${state}\n` +
        "REMOTE=0\nTYPE=x11\nCLASS=user\nSEAT=seat0\n",
    );
    writeFileSync(seat, active ? `ACTIVE=${id}\nACTIVE_UID=${String(person.uid)}\nSESSIONS=${id}\n` : "");
  }

  /** The system bus, and polkit, which it starts when it is first asked. */
  async startServices(): Promise<void> {
    mkdirSync(this.path("/run/dbus"), { recursive: true, mode: 0o755 });
    (await this.run(["dbus-uuidgen", "--ensure"])).expectCode(0);
    const bus = this.start([
      "dbus-daemon",
      "--system",
      "--nofork",
      "--nopidfile",
      "--nosyslog",
      "--print-address=1",
    ]);
    await once(bus.stdout, "data");
    await this.#startPolkit();
  }

  async #startPolkit(): Promise<void> {
    const service = readFileSync(
      "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service",
      "latin1",
    );
    const program = /^Exec=(.*)$/m.exec(service)?.[1]?.split(" ") ?? [];
    const name = "org.freedesktop.PolicyKit1";
    const start = ["StartServiceByName", `string:${name}`, "uint32:0"].map((word, k) =>
      k === 0 ? `org.freedesktop.DBus.${word}` : word,
    );
    if (program.length === 0) throw new Error("polkit's service names no program");
    (
      await this.run(["dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus", "/", ...start])
    ).expectCode(0);
  }

  /** polkitd is gone, and cannot be started again, until startPolkit(). */
  async stopPolkit(): Promise<void> {
    const service = "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service";
    (await this.run(["mv", service, `${service}.gone`])).expectCode(0);
    (await this.run(["pkill", "--signal", "KILL", "--exact", "polkitd"])).expectCode(0);
    await this.#reloadBus();
  }

  async startPolkit(): Promise<void> {
    const service = "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service";
    if (!existsSync(this.path(`${service}.gone`))) return;
    (await this.run(["mv", `${service}.gone`, service])).expectCode(0);
    await this.#reloadBus();
    await this.#startPolkit();
  }

  async #reloadBus(): Promise<void> {
    const words = [
      "--system",
      "--print-reply",
      "--dest=org.freedesktop.DBus",
      "/",
      "org.freedesktop.DBus.ReloadConfig",
    ];
    (await this.run(["dbus-send", ...words])).expectCode(0);
  }

  async dispose(): Promise<void> {
    const exited = once(this.#holder, "exit");
    this.#holder.kill("SIGKILL"); // and with it the first process, and all others
    await exited;
    for (const group of [...this.#groups.values()].flat()) {
      // another run may use it
      for (const path of [group, dirname(group)]) spawnSync("rmdir", ["--ignore-fail-on-non-empty", path]);
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
