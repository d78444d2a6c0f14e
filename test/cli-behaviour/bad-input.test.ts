/** What cannot be done is said in one clear line, with the right exit code, and nothing is lost. */
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import BetterSqlite from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startChild, until } from "../kernel-facts/support.ts";
import { exec } from "../support/exec.ts";
import { refold, ROOT, runProgram, type RunResult } from "../support/run.ts";
import { diffStates, snapshotState } from "../support/state.ts";
import { LoopVolume } from "../support/volume.ts";
import { Commands } from "./support.ts";

const COPIES = 6;
const SIZE = 100_000;
const NOBODY = 65_534;

const volume = LoopVolume.create({ size: "1G", label: "refold-bad-input" });
const commands = new Commands(volume);

beforeAll(() => {
  const content = randomBytes(SIZE);
  for (let k = 0; k < COPIES; k++) writeFileSync(join(volume.path, `copy ${k}`), content);
  volume.sync();
});
afterAll(() => {
  volume.dispose();
});

/** The exit code, and one line on standard error that fits; warnings may stand before it where said. */
function expectRefusal(
  run: RunResult,
  code: number,
  line: RegExp,
  options: { warnings?: boolean } = {},
): void {
  run.expectCode(code);
  const all = run.stderr.trimEnd().split("\n");
  const lines = options.warnings === true ? all.filter((one) => !one.startsWith("refold: warning:")) : all;
  expect(lines, run.stderr).toHaveLength(1);
  expect(lines[0]).toMatch(/^refold: /);
  expect(lines[0]).toMatch(line);
  expect(run.stderr).not.toMatch(/unexpected error|\bat .*:\d+:\d+|undefined|\[object/);
}

/** With --json, standard output is nothing, or JSON that tells of the error. */
function expectJsonOrNothing(run: RunResult): void {
  if (run.stdout === "") return;
  expect(run.json()).toMatchObject({ errors: [{ message: expect.stringMatching(/\w/) as string }] });
}

async function expectNothingChanged(work: () => Promise<void>): Promise<void> {
  const before = snapshotState(volume.path);
  await work();
  expect(diffStates(before, snapshotState(volume.path))).toEqual([]);
}

describe("wrong usage: exit code 2", () => {
  test.each([
    [["scan", "--nonsense"], /unknown option '--nonsense'/],
    [["dedup", "--yess"], /unknown option '--yess'/],
    [["nonsense"], /nonsense/],
    [["groups", "--limit", "many"], /limit/],
    [["groups", "--limit", "-3"], /limit/],
    [["scan", "--min-size", "12Q"], /min-size/],
    [["scan", "--min-size"], /min-size/],
    [["dedup-files"], /SOURCE|argument/i],
    [["dedup-files", "/only-one"], /DEST|argument/i],
    [["find-new"], /SUBVOLUME|argument/i],
    [["find-new", "/", "tomorrow"], /GENERATION|generation|tomorrow/],
    [["size-lookup", "large"], /SIZE|large/],
    [["generation"], /SUBVOLUME|argument/i],
    [["reset"], /VOLUME|argument/i],
    [["forget"], /UUID|argument/i],
    [["scan", "--db"], /db/],
    [["dedup", "--lock", "strong"], /lock/],
  ] as const)("%j", async (words, line) => {
    expectRefusal(await refold(words), 2, line);
  });

  test("dedup without --yes and without a terminal asks nobody and folds nothing", async () => {
    await expectNothingChanged(async () => {
      expectRefusal(await commands.run("dedup"), 2, /--yes/);
    });
  });
});

describe("no such volume: exit code 4", () => {
  test.each([
    ["/no/such/directory", /no volume|no such/i],
    ["/proc", /btrfs/],
    ["no-such-label", /no volume/],
    ["00000000-1111-2222-3333-444444444444", /not mounted/],
    ["/dev/null", /not a directory|not btrfs|not mounted/],
  ])("%s", async (name, line) => {
    for (const command of ["scan", "groups", "stuck", "repair"]) {
      const words = [command, name, "--db", commands.db, "--json"];
      const run = await refold(words);
      expectRefusal(run, 4, line);
      expectJsonOrNothing(run);
    }
    expectRefusal(await refold(["dedup", name, "--yes", "--db", commands.db]), 4, line);
  });

  test("a file instead of a directory", async () => {
    const file = join(volume.path, "copy 0");
    expectRefusal(await refold(["scan", file, "--db", commands.db]), 4, /not a directory/);
  });

  test("a volume that was unmounted since is not found by uuid or label; by its device it is, with a warning", async () => {
    (await commands.run("scan")).expectCode(0);
    volume.unmount();
    try {
      for (const name of [volume.uuid, "refold-bad-input"]) {
        for (const command of ["scan", "dedup", "stuck", "repair"]) {
          const yes = command === "dedup" ? ["--yes"] : [];
          const run = await refold([command, name, "--db", commands.db, ...yes]);
          expectRefusal(run, 4, /not mounted|no volume/);
        }
      }
      const byDevice = await refold(["scan", volume.device, "--db", commands.db, "--json"]);
      expect(byDevice.expectCode(0).json()).toMatchObject({ volumes: [{ uuid: volume.uuid }] });
      expect(byDevice.stderr).toMatch(/^refold: warning: .*not mounted.*\n$/);
      expect(readFileSync("/proc/self/mountinfo", "latin1")).not.toContain(volume.device);
      // what is kept of it is still there to be shown and forgotten
      expect((await refold(["show", "--json", "--db", commands.db])).expectCode(0).json()).toMatchObject({
        remembered: [volume.uuid],
      });
    } finally {
      volume.mount();
    }
  });

  test("a volume that is unmounted in the middle of a run is folded to the end", async () => {
    using other = LoopVolume.create({ size: "1G" });
    const content = randomBytes(4 << 20);
    for (let k = 0; k < 20; k++) writeFileSync(join(other.path, `copy ${k}`), content);
    other.sync();
    const run = await new Commands(other).dedup(["--json"], {
      onStart: (child) => {
        const lock = new RegExp(`FLOCK +ADVISORY +WRITE +${String(child.pid)} `);
        void until("it holds the volume", () => lock.test(readFileSync("/proc/locks", "latin1"))).then(() => {
          other.unmount();
        });
      },
    });
    run.expectCode(0);
    expect(run.json()).toMatchObject({ volumes: [{ files: 19, skipped: [] }] });
    other.mount();
    for (let k = 0; k < 20; k++)
      expect(readFileSync(join(other.path, `copy ${k}`)).equals(content), `copy ${k}`).toBe(true);
  });
});

describe("not permitted: exit code 3", () => {
  let place: string;
  /** The program at a place that every user can reach, however deep the clone is hidden. */
  let program: string;
  beforeAll(() => {
    place = mkdtempSync(join(tmpdir(), "refold-test-everybody-"));
    chmodSync(place, 0o755);
    const root = join(place, "clone");
    mkdirSync(root);
    exec("mount", ["--bind", ROOT, root]);
    program = join(root, "bin", "refold");
    chmodSync(volume.directory, 0o755);
  });
  afterAll(() => {
    exec("umount", [join(place, "clone")]);
    rmSync(place, { recursive: true });
  });

  test.each(["scan", "groups", "dedup", "stuck", "repair", "history", "reset"])(
    "%s as a user without rights says how to get them",
    async (command) => {
      const yes = command === "dedup" ? ["--yes"] : [];
      const run = await runProgram(program, [command, volume.path, ...yes], {
        uid: NOBODY,
        gid: NOBODY,
        cwd: "/",
      });
      expectRefusal(run, 3, /needs root: sudo refold/);
      expect(run.stderr).toContain(`${command} ${volume.path}`);
      expect(run.stdout).toBe("");
    },
  );

  test("show tells a user without rights what he may know", async () => {
    const run = await runProgram(program, ["show", volume.path, "--json"], {
      uid: NOBODY,
      gid: NOBODY,
      cwd: "/",
    });
    run.expectCode(0);
    expect(run.json()).toMatchObject({ volumes: [{ uuid: volume.uuid, label: "refold-bad-input" }] });
  });

  test("root without capabilities, as in a container, is told so", async () => {
    const words = ["--bounding-set=-all", "--inh-caps=-all", program];
    const run = await runProgram("setpriv", [...words, "scan", volume.path, "--db", commands.db], {
      cwd: "/",
    });
    expectRefusal(run, 3, /root|permi|capabilit/i);
  });
});

describe("a database directory", () => {
  /** A tmpfs of so many bytes while `use` runs. */
  async function withTmpfs<T>(size: string, use: (directory: string) => Promise<T>): Promise<T> {
    const directory = mkdtempSync(join(tmpdir(), "refold-test-full-"));
    exec("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", directory]);
    try {
      return await use(directory);
    } finally {
      exec("umount", [directory]);
      rmSync(directory, { recursive: true });
    }
  }

  test("on a disk that becomes full, however late: it is said, nothing is changed, no file is left locked", async () => {
    using other = LoopVolume.create({ size: "1G" });
    for (let k = 0; k < 3000; k++)
      writeFileSync(join(other.path, `name ${k}`), Buffer.alloc(5000, `${k % 1500} `));
    other.sync();
    const before = snapshotState(other.path);
    const refused: number[] = [];
    // small steps: it is full when the index is made, in the scan, when the journal is made, in the fold
    for (let kilobytes = 4; ; kilobytes = Math.ceil(kilobytes * 1.4)) {
      const words = ["dedup", other.path, "--yes", "--quiet"];
      const run = await withTmpfs(`${kilobytes}k`, (directory) => refold([...words, "--db", directory]));
      expect(diffStates(before, snapshotState(other.path)), `${kilobytes} KiB`).toEqual([]);
      if (run.code === 0) break;
      expectRefusal(run, 1, /no room/, { warnings: true });
      refused.push(kilobytes);
    }
    expect(refused.length).toBeGreaterThan(3);
  });

  test("that is a file", async () => {
    const path = volume.beside("a file");
    writeFileSync(path, "");
    const run = await refold(["scan", volume.path, "--db", path]);
    expect(run.code).not.toBe(0);
    expectRefusal(run, run.code ?? NaN, /a file/);
  });

  test("that cannot be written", async () => {
    const directory = volume.beside("read-only");
    mkdirSync(directory);
    exec("mount", ["-t", "tmpfs", "-o", "ro", "tmpfs", directory]);
    try {
      const run = await refold(["scan", volume.path, "--db", directory]);
      expect([1, 3]).toContain(run.code);
      expectRefusal(run, run.code ?? NaN, /read-only/);
    } finally {
      volume.unmount(directory);
    }
  });

  test("is made for root alone", async () => {
    const directory = volume.beside("fresh/deep");
    (await refold(["scan", volume.path, "--db", directory])).expectCode(0);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(directory))
      expect(statSync(join(directory, name)).mode & 0o777, name).toBe(0o600);
  });
});

describe("a database that cannot be used is moved aside, said, and made anew", () => {
  const databases = (): string[] => readdirSync(commands.db).filter((name) => name.endsWith(".db"));

  beforeAll(async () => {
    // both kinds: the index and the journal
    (await commands.dedup(["--json", "--min-size", "1"])).expectCode(0);
    expect(databases()).toHaveLength(2);
  });

  async function expectMovedAside(name: string, word: string): Promise<void> {
    const before = readdirSync(commands.db);
    const path = join(commands.db, name);
    const old = readFileSync(path);
    const run = await commands.dedup(["--json"]);
    run.expectCode(0);
    expect(run.stderr).toContain(path);
    expect(run.stderr).toMatch(/moved/);
    run.json();
    const added = readdirSync(commands.db).filter((one) => !before.includes(one) && one.startsWith(name));
    const aside = added.filter((one) => !/-(wal|shm)$/.test(one));
    expect(aside).toEqual([expect.stringContaining(word)]);
    expect(readFileSync(join(commands.db, aside[0] ?? "")).equals(old), "kept as it was").toBe(true);
    // and once is enough
    const again = await commands.dedup(["--json"]);
    expect(again.expectCode(0).stderr).toBe("");
  }

  const kinds = [
    ["index", (name: string) => !name.includes("journal")],
    ["journal", (name: string) => name.includes("journal")],
  ] as const;

  test.each(kinds)("%s: no database at all", async (_, isKind) => {
    const name = databases().find(isKind) ?? "";
    for (const suffix of ["-wal", "-shm"]) rmSync(join(commands.db, name + suffix), { force: true });
    writeFileSync(join(commands.db, name), randomBytes(20_000));
    await expectMovedAside(name, "corrupt");
  });

  test.each(kinds)("%s: its pages overwritten", async (_, isKind) => {
    const name = databases().find(isKind) ?? "";
    for (const suffix of ["-wal", "-shm"]) rmSync(join(commands.db, name + suffix), { force: true });
    const path = join(commands.db, name);
    const fd = openSync(path, "r+");
    for (let at = 4096; at < statSync(path).size; at += 4096) writeSync(fd, randomBytes(1000), 0, 1000, at);
    closeSync(fd);
    await expectMovedAside(name, "corrupt");
  });

  test.each(kinds)("%s: of a newer Refold", async (_, isKind) => {
    const name = databases().find(isKind) ?? "";
    const db = new BetterSqlite(join(commands.db, name));
    db.pragma("user_version = 999");
    db.close();
    await expectMovedAside(name, "newer");
  });
});

describe("a read-only mount", () => {
  test("is scanned when named, and not folded", async () => {
    await expectNothingChanged(async () => {
      volume.remount("ro");
      try {
        (await commands.run("scan", ["--json"])).expectCode(0).json();
        const run = await commands.dedup();
        expectRefusal(run, 1, /read-only/);
        const json = await commands.dedup(["--json"]);
        json.expectCode(1);
        expectJsonOrNothing(json);
      } finally {
        volume.remount("rw");
      }
    });
  });
});

describe("a full volume", () => {
  test("is folded as far as it goes, and no file suffers", async () => {
    using other = LoopVolume.create({ size: "256M" });
    const content = randomBytes(1 << 20);
    for (let k = 0; k < 20; k++) writeFileSync(join(other.path, `copy ${k}`), content);
    other.sync();
    const filler = openSync(join(other.path, "filler"), "w");
    const chunk = randomBytes(1 << 20);
    expect(() => {
      for (;;) writeSync(filler, chunk);
    }).toThrow(/ENOSPC/);
    closeSync(filler);
    other.sync();
    const before = snapshotState(other.path);
    const run = await new Commands(other).dedup(["--json"]);
    run.expectCode(0, 1);
    expect(diffStates(before, snapshotState(other.path))).toEqual([]);
    const { volumes } = run.json() as { volumes: { files: number; skipped: { reason: string }[] }[] };
    const [result] = volumes;
    expect((result?.files ?? 0) + (result?.skipped.length ?? 0)).toBe(19);
    for (const { reason } of result?.skipped ?? []) expect(reason).toBe("no-space");
  });
});

describe("two at once on one volume", () => {
  test("the second says who holds it, changes nothing, and the first is not disturbed", async () => {
    using other = LoopVolume.create({ size: "2G" });
    const content = randomBytes(8 << 20);
    for (let k = 0; k < 40; k++) writeFileSync(join(other.path, `copy ${k}`), content);
    other.sync();
    const first = new Commands(other);
    let second: Promise<RunResult> | undefined;
    let pid = 0;
    const done = await first.dedup(["--json"], {
      onStart: (child) => {
        pid = child.pid ?? 0;
        const lock = new RegExp(`FLOCK +ADVISORY +WRITE +${pid} `);
        second = until("the first holds the volume", () =>
          lock.test(readFileSync("/proc/locks", "latin1")),
        ).then(async () => {
          child.kill("SIGSTOP");
          try {
            // another database makes no difference
            return await refold(["dedup", other.path, "--yes", "--db", other.beside("other db")]);
          } finally {
            child.kill("SIGCONT");
          }
        });
      },
    });
    const refused = await second;
    if (refused === undefined) throw new Error("the second was not started");
    expectRefusal(refused, 1, /in use by another Refold/);
    expect(refused.stderr).toContain(`process ${pid}`);
    expect(refused.stderr).toContain("refold dedup");
    done.expectCode(0);
    expect(done.json()).toMatchObject({ volumes: [{ files: 39, skipped: [] }] });
  });

  test("by whatever else takes the same lock", async () => {
    const holder = await startChild(
      `const fd = native.call("rf_mount_top", args[0], new Int32Array(1)); native.call("rf_flock", fd); ready();`,
      volume.device,
    );
    for (const command of ["scan", "stuck", "repair"]) {
      const run = await commands.run(command);
      expectRefusal(run, 1, /in use/);
      expect(run.stderr).toContain(String(holder.process.pid));
    }
    holder.process.stdin?.end();
    await holder.ended;
    (await commands.run("scan")).expectCode(0);
  });
});

describe("--json", () => {
  test.each([
    ["show", []],
    ["scan", []],
    ["groups", []],
    ["dedup", ["--yes"]],
    ["dedup", ["--dry-run"]],
    ["stuck", []],
    ["repair", []],
    ["history", []],
    ["history", ["--files"]],
  ] as const)("%s %j prints JSON on standard output and nothing else", async (command, words) => {
    for (const extra of [[], ["--verbose"], ["--quiet"]]) {
      const run = await commands.run(command, [...words, "--json", ...extra]);
      run.expectCode(0);
      if (command === "groups" || words.includes("--dry-run" as never)) run.jsonLines();
      else run.json();
    }
  });
});
