/** The package for machines without a desktop: built, installed, used, removed and purged. */
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { capabilityMask, neededCapabilities } from "../../src-helper/hardening/capabilities.ts";
import { exec } from "../support/exec.ts";
import { ROOT } from "../support/run.ts";
import type { DedupVolume, ScanVolume } from "../support/refold-json.ts";
import { LoopVolume } from "../support/volume.ts";
import { PackageRoot } from "./package-root.ts";

const SIZE = 200_000;
const MOUNT = "/mnt/refold-test";
const RULES = "/etc/refold/rules.json";
const LIBRARY = "/usr/lib/refold";

const scratch = mkdtempSync(join(tmpdir(), "refold-package-test-"));
const volume = LoopVolume.create({ size: "1G" });
let deb = "";
let root: PackageRoot;

function build(output: string, env: NodeJS.ProcessEnv = {}, cwd = ROOT): string {
  const run = spawnSync(
    process.execPath,
    [join(ROOT, "scripts/package/cli.mjs"), "--output", output, "--level", "0"],
    {
      encoding: "utf8",
      cwd,
      env: { ...process.env, SOURCE_DATE_EPOCH: "1700000000", ...env },
    },
  );
  if (run.status !== 0) throw new Error(`no package: ${run.stderr}${run.stdout}`);
  return run.stdout.trim();
}

beforeAll(async () => {
  deb = build(join(scratch, "one"));
  root = await PackageRoot.create();
  await root.mount(volume.device, MOUNT);
  writeFileSync(root.path(`/tmp/${basename(deb)}`), readFileSync(deb));
  (await root.run(["dpkg", "--install", `/tmp/${basename(deb)}`])).expectCode(0);
});
afterAll(async () => {
  await root.dispose();
  volume.dispose();
  rmSync(scratch, { recursive: true });
});

/** Two copies in a new folder of the volume. */
function makePair(name: string, size = SIZE): [string, string] {
  mkdirSync(join(volume.path, name));
  const content = randomBytes(size);
  const pair: [string, string] = [`${name}/one`, `${name}/other`];
  for (const path of pair) writeFileSync(join(volume.path, path), content);
  volume.sync();
  return pair;
}
/** Changed files of Refold's; man keeps what it showed, and the volume is no part of the machine. */
const traces = (): string[] =>
  root.changes().filter((path) => path.includes("refold") && !/^\/(mnt|var\/cache\/man)\//.test(path));
const isShared = (path: string): boolean =>
  exec("filefrag", ["-v", join(volume.path, path)]).includes("shared");
const installed = async (): Promise<string[]> =>
  (await root.run(["dpkg", "--listfiles", "refold-cli"])).expectCode(0).stdout.trim().split("\n");

describe("the file", () => {
  test("is the same, byte for byte, however and whenever it is built", () => {
    const again = build(join(scratch, "two"), { TZ: "Asia/Tokyo", LC_ALL: "C", HOME: "/nonexistent" }, "/");
    const hash = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");
    expect(hash(again)).toBe(hash(deb));
  });

  test("has no error for lintian", () => {
    const run = spawnSync("lintian", ["--fail-on", "error", "--tag-display-limit", "0", deb], {
      encoding: "utf8",
    });
    expect(run.stdout.split("\n").filter((line) => line.startsWith("E:"))).toEqual([]);
    expect(run.status).toBe(0);
  });
});

describe("installed", () => {
  test("everything is root's, and nobody else can write to it", async () => {
    const files = await installed();
    expect(files).toContain(`${LIBRARY}/node`);
    for (const path of files) {
      const stat = lstatSync(root.path(path));
      expect([path, stat.uid, stat.gid, stat.mode & 0o7022]).toEqual([path, 0, 0, 0]);
      expect([path, stat.isFile() || stat.isDirectory()]).toEqual([path, true]);
    }
  });

  test("dpkg finds nothing changed", async () => {
    expect((await root.run(["dpkg", "--verify", "refold-cli"])).expectCode(0).stdout).toBe("");
  });

  test("it scans and folds a real filesystem, with its databases where only root can read them", async () => {
    const pair = makePair("plain");
    const scanned = (await root.run(["refold", "scan", "--flush", "--json", MOUNT])).expectCode(0);
    const [totals] = (scanned.json() as { volumes: ScanVolume[] }).volumes;
    expect(totals).toMatchObject({ groups: 1, duplicateFiles: 2, bytesRead: 0, mountPath: MOUNT });
    const folded = (await root.run(["refold", "dedup", "--yes", "--json", MOUNT])).expectCode(0);
    const [result] = (folded.json() as { volumes: DedupVolume[] }).volumes;
    expect(result?.files).toBeGreaterThan(0);
    expect(result?.freedBytes).toBe(result?.predictedBytes);
    expect(pair.map(isShared)).toEqual([true, true]);
    expect(lstatSync(root.path("/var/lib/refold")).mode & 0o777).toBe(0o700);
    const open = await root.run(["find", "/var/lib/refold", "-type", "f", "-perm", "/077"]);
    expect(open.expectCode(0).stdout).toBe("");
    expect((await root.run(["refold", "stuck", MOUNT])).expectCode(0).stdout).not.toContain(pair[0]);
  });

  test("a hostile environment does not bring code into it", async () => {
    const evil = "/tmp/evil.cjs";
    writeFileSync(root.path(evil), `require("fs").writeFileSync("/tmp/ran", "")`);
    writeFileSync(root.path("/tmp/evil.sh"), "touch /tmp/ran");
    const env = {
      NODE_OPTIONS: `--require=${evil}`,
      NODE_PATH: "/tmp",
      NODE_REPL_EXTERNAL_MODULE: evil,
      NODE_V8_COVERAGE: "/tmp/coverage",
      NODE_COMPILE_CACHE: "/tmp/cache",
      BASH_ENV: "/tmp/evil.sh",
      ENV: "/tmp/evil.sh",
      OPENSSL_CONF: "/tmp/evil.cnf",
      PATH: "/tmp",
      IFS: "/",
    };
    const run = await root.run(["/usr/bin/refold", "--version"], { env });
    expect(run.expectCode(0).stdout).toMatch(/^refold \d+\.\d+\.\d+\n$/);
    for (const trace of ["ran", "coverage", "cache"]) {
      expect(lstatSync(root.path(`/tmp/${trace}`), { throwIfNoEntry: false })).toBeUndefined();
    }
  });

  test.each(["refold-observe", "refold-manage", "refold-unattended"])("%s takes no words", async (name) => {
    const run = await root.run([`${LIBRARY}/${name}`, "--db=/tmp"]);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(new RegExp(`^${name}: .*arguments.*\\n$`));
  });

  test("polkit's actions start programs that are there, and are as careful as they say", () => {
    const policy = readFileSync(root.path("/usr/share/polkit-1/actions/org.refold.Refold.policy"), "utf8");
    const actions = policy.split("<action ").slice(1);
    const facts = actions.map((action) => ({
      id: /^id="([^"]+)"/.exec(action)?.[1],
      defaults: [...action.matchAll(/<allow_(\w+)>(\w+)</g)].map(
        ([, who, what]) => `${who ?? ""}=${what ?? ""}`,
      ),
      path: /exec\.path">([^<]+)</.exec(action)?.[1] ?? "",
    }));
    expect(facts).toEqual([
      {
        id: "org.refold.Refold.observe",
        defaults: ["any=no", "inactive=no", "active=yes"],
        path: `${LIBRARY}/refold-observe`,
      },
      {
        id: "org.refold.Refold.manage",
        defaults: ["any=no", "inactive=no", "active=auth_admin_keep"],
        path: `${LIBRARY}/refold-manage`,
      },
    ]);
    for (const { path } of facts) expect(lstatSync(root.path(path)).mode & 0o111).toBe(0o111);
    expect(policy.match(/<!-- SECURITY:/g)).toHaveLength(actions.length);
  });
});

describe("unattended", () => {
  const unattended = () => root.run([`${LIBRARY}/refold-unattended`]);
  const setRules = (rules: unknown): void => {
    mkdirSync(root.path("/etc/refold"), { recursive: true, mode: 0o755 });
    rmSync(root.path(RULES), { force: true });
    writeFileSync(root.path(RULES), typeof rules === "string" ? rules : JSON.stringify(rules), {
      mode: 0o644,
    });
  };

  test("folds nothing without rules, and nothing where none is enabled", async () => {
    const pair = makePair("no rules");
    const without = (await unattended()).expectCode(0);
    expect(without.stderr).toBe("refold: there is no /etc/refold/rules.json: nothing is folded\n");
    setRules({ version: 1, rules: [{ volume: MOUNT, enabled: false }] });
    expect((await unattended()).expectCode(0).stderr).toContain("no rule is enabled");
    expect(pair.map(isShared)).toEqual([false, false]);
  });

  test("folds what a rule allows, and no more", async () => {
    const small = makePair("small", 50_000);
    const kept = makePair("kept");
    const folded = makePair("folded");
    setRules({ version: 1, rules: [{ volume: MOUNT, minSize: "64K", exclude: ["**/kept"] }] });
    (await unattended()).expectCode(0);
    expect(folded.map(isShared)).toEqual([true, true]);
    expect([...small, ...kept].map(isShared)).toEqual([false, false, false, false]);
  });

  test("folds folders of 'always' and nothing else, once there is one, and none of 'never'", async () => {
    const always = makePair("always");
    const plain = makePair("plain too");
    mkdirSync(join(volume.path, "always/never"));
    const content = readFileSync(join(volume.path, "always/one"));
    writeFileSync(join(volume.path, "always/never/third"), content);
    const folders = [
      { path: `${MOUNT}/always`, fold: "always" },
      { path: `${MOUNT}/always/never`, fold: "never" },
    ];
    setRules({ version: 1, rules: [{ volume: MOUNT, enabled: false }], folders });
    expect((await unattended()).expectCode(0).stderr).toContain("no rule is enabled");
    setRules({ version: 1, rules: [{ volume: MOUNT }], folders });
    (await unattended()).expectCode(0);
    expect([...always, "always/never/third"].map(isShared)).toEqual([true, true, false]);
    expect(plain.map(isShared)).toEqual([false, false]);
    const next = makePair("next");
    setRules({ version: 1, folders: [{ path: `${MOUNT}/next`, fold: "always" }] });
    (await unattended()).expectCode(0);
    expect([...next, ...plain].map(isShared)).toEqual([true, true, false, false]);
  });

  test.each([
    [
      "that others can write to",
      () => {
        chmodSync(root.path(RULES), 0o664);
      },
      "can be written to by others",
    ],
    [
      "in a directory that others can write to",
      () => {
        chmodSync(root.path("/etc/refold"), 0o777);
      },
      "can be written to by others",
    ],
    [
      "that is no JSON",
      () => {
        writeFileSync(root.path(RULES), "{");
      },
      "is not JSON",
    ],
    [
      "with a field that is not known",
      () => {
        setRules({ version: 1, rules: [{ volume: MOUNT, minsize: "1M" }] });
      },
      "is not understood at rules.0",
    ],
    [
      "with a size that is none",
      () => {
        setRules({ version: 1, rules: [{ volume: MOUNT, minSize: "many" }] });
      },
      "rules.0.minSize",
    ],
    [
      "of a later version",
      () => {
        setRules({ version: 2, rules: [] });
      },
      "is not understood at version",
    ],
  ])("refuses rules %s, and folds nothing", async (_, spoil, words) => {
    const name = `refused ${words}`;
    const pair = makePair(`${name} ${randomBytes(4).toString("hex")}`);
    setRules({ version: 1, rules: [{ volume: MOUNT }] });
    spoil();
    const run = await unattended();
    chmodSync(root.path("/etc/refold"), 0o755);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(words);
    expect(run.stderr).toContain("Nothing was folded.");
    expect(pair.map(isShared)).toEqual([false, false]);
  });

  test("an option in the place of a volume is no option", async () => {
    setRules({ version: 1, rules: [{ volume: "--snapshots" }] });
    const run = await unattended();
    expect(run.code).toBe(4);
    expect(run.stderr).toContain("--snapshots");
  });

  test("does not start where one of the program's files could have been changed", async () => {
    const pair = makePair("changed program");
    setRules({ version: 1, rules: [{ volume: MOUNT }] });
    const spoilt = `${LIBRARY}/helper/node_modules/koffi/index.js`;
    chmodSync(root.path(spoilt), 0o666);
    const run = await unattended();
    chmodSync(root.path(spoilt), 0o644);
    expect(run.code).not.toBe(0);
    expect(run.stderr).toContain(`${spoilt} can be written to by others than root`);
    expect(pair.map(isShared)).toEqual([false, false]);
    (await unattended()).expectCode(0);
    expect(pair.map(isShared)).toEqual([true, true]);
  });

  test("makes no call of the kernel that its unit forbids", async () => {
    makePair("traced");
    setRules({ version: 1, rules: [{ volume: MOUNT }] });
    const trace = [
      "strace",
      "-f",
      "-qq",
      "-e",
      "trace=all",
      "-o",
      "/tmp/trace",
      `${LIBRARY}/refold-unattended`,
    ];
    (await root.run(trace)).expectCode(0);
    const calls = new Set(
      [...readFileSync(root.path("/tmp/trace"), "latin1").matchAll(/^\d+ +(\w+)\(/gm)].map(
        ([, name]) => name ?? "",
      ),
    );
    expect(calls).toContain("open_by_handle_at");
    expect(calls).toContain("fsmount");
    const members = (name: string): string[] =>
      name.startsWith("@")
        ? exec("systemd-analyze", ["syscall-filter", name])
            .split("\n")
            .slice(1)
            .map((line) => line.trim())
            .filter((line) => /^@?\w/.test(line))
            .flatMap(members)
        : [name];
    const unit = readFileSync(root.path("/usr/lib/systemd/system/refold-dedup.service"), "utf8");
    const filter = /^SystemCallFilter=(.*)$/m.exec(unit)?.[1]?.split(" ") ?? [];
    const allowed = new Set(["@default", ...filter].flatMap(members));
    expect([...calls].filter((name) => !allowed.has(name))).toEqual([]);
  });

  test("its unit has the capabilities of the helper, all but the demo's", () => {
    const unit = readFileSync(root.path("/usr/lib/systemd/system/refold-dedup.service"), "utf8");
    const names = /^CapabilityBoundingSet=(.*)$/m.exec(unit)?.[1]?.split(" ");
    expect(names).toEqual(
      neededCapabilities("manage")
        .filter((name) => name !== "CAP_CHOWN")
        .toSorted((a, b) => (names ?? []).indexOf(a) - (names ?? []).indexOf(b)),
    );
    expect(capabilityMask(neededCapabilities("observe"))).toBeLessThan(
      capabilityMask(neededCapabilities("manage")),
    );
  });

  test("systemd takes the units, and nothing starts them unasked", async () => {
    const units = ["refold-dedup.service", "refold-dedup.timer"].map(
      (name) => `/usr/lib/systemd/system/${name}`,
    );
    const run = (await root.run(["systemd-analyze", "verify", ...units])).expectCode(0);
    expect(run.stderr).toBe("");
    const links = await root.run(["find", "/etc/systemd", "/var/lib/systemd", "-name", "*refold*"]);
    expect(links.stdout).toBe("");
  });
});

describe("for the shell and the reader", () => {
  const bash = (...words: string[]): Promise<string[]> =>
    root
      .run([
        "bash",
        "-c",
        `source /usr/share/bash-completion/completions/refold
         COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _refold; printf '%s\\n' "\${COMPREPLY[@]}"`,
        "bash",
        ...words,
      ])
      .then((run) => run.expectCode(0).stdout.trim().split("\n"));

  test("bash completes commands, options, their values and volumes", async () => {
    expect(await bash("refold", "dedup")).toEqual(["dedup", "dedup-files"]);
    expect(await bash("refold", "dedup", "--lo")).toEqual(["--lock"]);
    expect(await bash("refold", "dedup", "--lock", "")).toEqual(["immutable", "lease"]);
    expect(await bash("refold", "--json", "rep")).toEqual(["repair"]);
    expect(await bash("refold", "scan", "/mnt/refo")).toEqual([MOUNT]);
    expect(await bash("refold", "help", "sc")).toEqual(["scan"]);
    expect(await bash("refold", "r")).not.toContain("rpc");
  });

  test("fish completes commands, options and their values", async () => {
    const fish = async (line: string): Promise<string[]> =>
      (await root.run(["fish", "--command", `complete --do-complete '${line}'`], { env: { HOME: "/tmp" } }))
        .expectCode(0)
        .stdout.trim()
        .split("\n")
        .map((entry) => entry.split("\t")[0] ?? "");
    expect(await fish("refold dedup")).toEqual(["dedup", "dedup-files"]);
    expect(await fish("refold dedup --lo")).toEqual(["--lock"]);
    expect(await fish("refold dedup --lock ")).toEqual(["immutable", "lease"]);
  });

  test("zsh takes the completion, and knows every command in it", async () => {
    // loaded as compinit would, in a shell without a terminal: _arguments and _describe only tell what they were given
    const script = `
      fpath=(/usr/share/zsh/vendor-completions $fpath)
      autoload -Uz compinit; compinit -D -u; print -r -- "$_comps[refold]"
      _arguments() { state=command; }
      _describe() { print -rl -- \${(P)4%%:*}; }
      _refold() { builtin . /usr/share/zsh/vendor-completions/_refold; }
      _refold`;
    const run = (await root.run(["zsh", "-f", "-c", script], { env: { HOME: "/tmp" } })).expectCode(0);
    const [registered, ...commands] = run.stdout.trim().split("\n");
    expect(registered).toBe("_refold");
    expect(commands).toContain("dedup-files");
    expect(commands).not.toContain("rpc");
    expect(run.stderr).toBe("");
  });

  test.each(["1/refold.1", "5/refold-rules.5"])("the man page man%s has no fault and shows", async (page) => {
    const path = `/usr/share/man/man${page}.gz`;
    const lint = await root.run(["sh", "-c", `zcat ${path} | mandoc -T lint -W warning`]);
    expect(lint.expectCode(0).stdout).toBe("");
    const shown = (
      await root.run(["man", "--warnings", "--local-file", path], { env: { MANWIDTH: "80" } })
    ).expectCode(0);
    expect(shown.stderr).toBe("");
    expect(shown.stdout).toContain("/etc/refold/rules.json");
  });

  test("the man page has every command and option of the help", async () => {
    const shown = (await root.run(["man", "--local-file", "/usr/share/man/man1/refold.1.gz"])).stdout;
    const help = (await root.run(["refold", "dedup", "--help"])).expectCode(0).stdout;
    const options = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => name ?? "");
    expect(options.length).toBeGreaterThan(10);
    for (const option of options) expect(shown).toContain(option);
  });

  test("shellcheck finds nothing in any shell script", () => {
    const scripts = [
      ...["refold", "refold-observe", "refold-manage", "refold-unattended"].map(
        (name) => `packaging/launchers/${name}`,
      ),
      ...["postinst", "prerm", "postrm"].map((name) => `packaging/debian/${name}`),
    ].map((path) => join(ROOT, path));
    expect(exec("shellcheck", [...scripts, root.path("/usr/share/bash-completion/completions/refold")])).toBe(
      "",
    );
  });
});

describe("taken off", () => {
  test("removal leaves the databases and nothing else; purge takes these too", async () => {
    const before = await installed();
    (await root.run(["systemctl", "enable", "refold-dedup.timer"])).expectCode(0);
    expect((await root.run(["systemctl", "is-enabled", "refold-dedup.timer"])).stdout).toBe("enabled\n");
    (await root.run(["dpkg", "--remove", "refold-cli"])).expectCode(0);
    const left = traces().filter((path) => !path.startsWith("/var/lib/dpkg/"));
    const kept = /^\/var\/lib\/refold(\/[0-9a-f-]{36}\S*)?$|^\/etc\/refold(\/rules\.json)?$/;
    expect(left.filter((path) => !kept.test(path))).toEqual([]);
    expect(left.some((path) => path.startsWith("/var/lib/refold/"))).toBe(true);
    expect(before.filter((path) => left.includes(path))).toEqual([]);
    (await root.run(["dpkg", "--purge", "refold-cli"])).expectCode(0);
    // the rules are a person's own work, and no file of the package
    expect(traces()).toEqual(["/etc/refold", RULES]);
    expect((await root.run(["dpkg-query", "--show", "refold-cli"])).code).toBe(1);
  });
});
