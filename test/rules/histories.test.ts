/**
 * Random histories with rules and attributes that come and go, on folders that
 * are renamed, moved and made anew: what is listed and folded is what the paths
 * say, found by walking everything.
 */
import { lstatSync } from "node:fs";
import { expect, test } from "vitest";
import { exec } from "../support/exec.ts";
import { compareGroups } from "../support/compare.ts";
import { getXattrs, setXattr } from "../support/libc.ts";
import { Mutator } from "../support/mutations/mutator.ts";
import { readLiveTree } from "../support/mutations/tree.ts";
import { consultOracle, oracleOf, type Oracle, type OracleFile } from "../support/oracle.ts";
import { Random } from "../support/random.ts";
import type { GroupLine } from "../support/refold-json.ts";
import { OPT_OUT, RulesBench, type Fate, type Totals } from "./support.ts";

const STEPS = 8;
/** REFOLD_HISTORIES=3-62 runs these instead. */
const [first = 1, last = first] = (process.env["REFOLD_HISTORIES"] ?? "1").split("-").map(Number);
const SEEDS = Array.from({ length: last - first + 1 }, (_, k) => first + k);

/** What snapshots make of a rule is a matter of its own, see folders.test.ts. */
const WITHOUT = [
  "take a snapshot",
  "send a snapshot and receive it, then what changed",
  "make a snapshot writable and write to it",
  "make a subvolume read-only",
];

/** Rules of folders (from the top, without a slash at either end; "" is the top), and what they come to. */
class Truth {
  readonly rules = new Map<string, Fate>();
  readonly #bench: RulesBench;
  readonly #optedOut = new Map<string, boolean>();

  constructor(bench: RulesBench) {
    this.#bench = bench;
  }

  forgetAttributes(): void {
    this.#optedOut.clear();
  }

  #isOptedOut(path: string): boolean {
    let known = this.#optedOut.get(path);
    if (known === undefined) {
      known =
        getXattrs(Buffer.from(this.#bench.path(path)))
          .get(OPT_OUT)
          ?.toString() === "never";
      this.#optedOut.set(path, known);
    }
    return known;
  }

  #ofPath(path: string): Fate | null {
    let fate: Fate | null = null;
    let isNearest = true;
    for (let at = path; ; at = at.includes("/") ? at.slice(0, at.lastIndexOf("/")) : "") {
      if (this.#isOptedOut(at)) return "never";
      const rule = at === path ? undefined : this.rules.get(at);
      if (rule !== undefined && isNearest) {
        fate = rule;
        isNearest = false;
      }
      if (at === "") return fate;
    }
  }

  of({ paths }: OracleFile): Fate | null {
    const fates = paths.map((path) => this.#ofPath(path.toString()));
    if (fates.includes("never")) return "never";
    return fates.every((fate) => fate === "always") ? "always" : null;
  }
}

/** One rule or attribute more, or less, or another one. */
async function say(bench: RulesBench, truth: Truth, random: Random): Promise<string> {
  const { directories, files } = readLiveTree(bench.volume.path);
  const relative = (path: string): string => path.slice(bench.volume.path.length + 1);
  const there = [...truth.rules.keys()].filter((path) => path !== "" || random.chance(0.5));
  if (there.length > 4 || (there.length > 0 && random.chance(0.2))) {
    const path = random.pick(there);
    await bench.remove(path);
    truth.rules.delete(path);
    return `no rule for ${path}`;
  }
  if (random.chance(0.5)) {
    const path = relative(random.pick(directories));
    const fate = random.pick(["always", "never"] as const);
    await bench.set(path, fate);
    truth.rules.set(path, fate);
    return `${fate}: ${path}`;
  }
  const path = random.chance(0.5)
    ? random.pick(files).path
    : random.pick(directories.filter((one) => one !== bench.volume.path));
  if (getXattrs(Buffer.from(path)).has(OPT_OUT)) {
    exec("setfattr", ["-x", OPT_OUT, path]);
    return `attribute removed from ${relative(path)}`;
  }
  const value = random.chance(0.8) ? "never" : "Never";
  setXattr(path, OPT_OUT, value);
  return `attribute ${value} of ${relative(path)}`;
}

async function listed(bench: RulesBench, ...words: readonly string[]): Promise<GroupLine[]> {
  const run = await bench.run("groups", "--json", "--min-size", "1", ...words, bench.volume.path);
  return run.expectCode(0).jsonLines() as GroupLine[];
}

function counts({ groups, duplicateFiles, reclaimableBytes }: Totals): Totals {
  return { groups, duplicateFiles, reclaimableBytes };
}

/** The groups that those files make for which something holds. */
function only(oracle: Oracle, fits: (file: OracleFile) => boolean): Oracle {
  const some = oracleOf(oracle.files.filter(fits), oracle.subvolumes);
  return { ...oracle, groups: (minSize) => some.groups(minSize) };
}

test.each(SEEDS)("history of seed %i", { timeout: 240_000 }, async (seed) => {
  using bench = new RulesBench();
  using mutator = new Mutator(bench.volume, seed, WITHOUT);
  const random = new Random(seed + 9_000_000);
  mutator.populate(120);
  const truth = new Truth(bench);
  const history: string[] = [];
  let left = 0;
  for (let step = 0; step < STEPS; step++) {
    for (let k = random.between(0, 5); k > 0; k--) history.push(`${step}. ${mutator.change()}`);
    for (let k = random.between(1, 2); k > 0; k--)
      history.push(`${step}. ${await say(bench, truth, random)}`);
    // a rule is of the path that was said, and of where the folder was when it was said: not of what has its name now
    for (const path of [...truth.rules.keys()]) {
      if (lstatSync(bench.path(path), { throwIfNoEntry: false })?.isDirectory() === true) continue;
      await bench.remove(path);
      truth.rules.delete(path);
      history.push(`${step}. no rule for ${path}, which is gone`);
    }
    bench.volume.settle();
    truth.forgetAttributes();
    const message = history.slice(-30).join("\n");
    const totals = await bench.scan("--min-size", "1");
    const oracle = consultOracle(bench.volume.path);
    const allowed = only(oracle, (file) => truth.of(file) !== "never");
    left += oracle.files.filter((file) => truth.of(file) === "never").length;
    expect(compareGroups(allowed, 1, await listed(bench)), message).toEqual([]);
    const always = only(oracle, (file) => truth.of(file) === "always");
    expect(compareGroups(always, 1, await listed(bench, "--always")), message).toEqual([]);
    expect(counts(totals), message).toEqual(counts(await bench.scanFresh("--min-size", "1")));
    expect(totals.groups, message).toBe(allowed.groups(1).length);
    if (!random.chance(0.4)) continue;
    const words = [...(random.chance(0.3) ? ["--always"] : []), ...(random.chance(0.4) ? ["--deep"] : [])];
    history.push(`${step}. fold ${words.join(" ")}`);
    const fold = await bench.foldMost("--min-size", "1", ...words);
    expect(fold.predictedBytes, message).toBe(fold.gained);
    const wanted = words.includes("--always") ? "always" : null;
    const places = new Map(oracle.files.map((file) => [`${file.subvolume.id}:${file.inode}`, file.layout]));
    const moved = consultOracle(bench.volume.path).files.filter(
      (file) => file.layout !== places.get(`${file.subvolume.id}:${file.inode}`),
    );
    const wrongly = moved.filter((file) => {
      const fate = truth.of(file);
      return fate === "never" || (wanted !== null && fate !== wanted);
    });
    expect(
      wrongly.map(({ paths }) => paths.join()),
      message,
    ).toEqual([]);
  }
  expect(left).toBeGreaterThan(STEPS);
});
