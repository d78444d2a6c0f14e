/**
 * A fold of ranges that is killed at any of its steps: nothing is lost, nothing
 * stays, and after the next start nothing takes more room than before the run.
 */
import { closeSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Random } from "../support/random.ts";
import { refold } from "../support/run.ts";
import { diffStates, snapshotState, type TreeState } from "../support/state.ts";
import { LoopVolume } from "../support/volume.ts";
import { plantPair, scenarios, type Scenario } from "./kill-scenarios.ts";
import { Killer, orphansOnDisk, withoutFlags, type KillPoint } from "./killer.ts";
import { foldDeep, KIB, MIB, noise, writeParts } from "./support.ts";

/** Over all scenarios; REFOLD_DEEP_KILLS=500 for more. */
const KILLS = Number(process.env["REFOLD_DEEP_KILLS"] ?? 50);

/** What comes first after the kill. */
const STARTS = ["repair", "deep", "whole"] as const;

/** Kills of one scenario, and what they came to. */
class Kills {
  readonly #scenario: Scenario;
  readonly #volume: LoopVolume;
  readonly #killer: Killer;
  readonly #random: Random;
  /** Those between the begin and the end of the run in the journal. */
  inside = 0;
  /** Those that left ranges in the journal. */
  withRewrites = 0;
  /** Those that came while ranges were moved onto a copy. */
  onCopy = 0;
  /** Those of which the repair was killed in turn. */
  mending = 0;
  /** Those after which more room was taken than before the run. */
  larger = 0;
  /** Those that left a file immutable. */
  stuck = 0;

  constructor(scenario: Scenario, volume: LoopVolume, seed: number) {
    this.#scenario = scenario;
    this.#volume = volume;
    this.#killer = new Killer(volume);
    this.#random = new Random(seed);
  }

  #dedup(point: KillPoint | null): Promise<{ signal: NodeJS.Signals | null; operations: string }> {
    return this.#killer.run(["dedup", "--yes", "--deep", ...this.#scenario.extra], point);
  }

  /** A run that is not killed. @returns its operations up to the last write to the journal */
  async count(): Promise<string> {
    (await this.#refold("repair")).expectCode(0); // makes the journal
    const { operations } = await this.#inRound("reference", () => this.#dedup(null));
    for (const letter of "xtcwdSl") expect(operations).toContain(letter);
    return operations.slice(0, operations.lastIndexOf("j") + 1);
  }

  async #inRound<T>(name: string, use: () => Promise<T>): Promise<T> {
    this.#scenario.plant(this.#volume, this.#random, name);
    this.#volume.settle();
    const result = await use();
    this.#scenario.remove(this.#volume, name);
    return result;
  }

  async kill(k: number, operation: number): Promise<void> {
    await this.#inRound(`round-${k}`, () => this.#killed(k, { operation, before: this.#random.chance(0.5) }));
  }

  async #killed(k: number, point: KillPoint): Promise<void> {
    const [volume, killer] = [this.#volume, this.#killer];
    const state = snapshotState(volume.path);
    const used = volume.usage().dataUsed;
    const { signal, operations } = await this.#dedup(point);
    volume.settle();
    const after = snapshotState(volume.path);
    expect(diffStates(withoutFlags(state), withoutFlags(after))).toEqual([]);
    if (signal !== null) {
      const left = killer.left();
      if (left.open) this.inside++;
      if (left.rewrites > 0) this.withRewrites++;
      if (/wS[dx]+$/.test(operations)) this.onCopy++;
    }
    if (volume.usage().dataUsed > used) this.larger++;
    if (diffStates(state, after).length > 0) this.stuck++;

    const start = STARTS[k % STARTS.length] ?? "repair";
    if (k % 6 === 5) {
      // the mending can be killed, too
      const mending = await killer.run(["repair"], { operation: this.#random.between(1, 20), before: true });
      if (mending.signal !== null) this.mending++;
    }
    if (start !== "repair") {
      if (start === "whole") this.#remount();
      const words = start === "deep" ? ["--deep", ...this.#scenario.extra] : [];
      (await this.#refold("dedup", "--yes", ...words)).expectCode(0, 1);
      this.#expectMended(withoutFlags(state), used, withoutFlags);
    }
    const repair = (await this.#refold("repair")).expectCode(0);
    expect(repair.json()).toMatchObject({ failed: [] });
    this.#expectMended(state, used);
    expect(killer.left().rewrites).toBe(0);
    // and the next run ends the job
    const rest = await foldDeep(volume, this.#scenario.extra);
    expect(rest.skipped).toEqual([]);
    expect(used - volume.usage().dataUsed).toBeGreaterThan(this.#scenario.frees);
    this.#expectNoLitter();
  }

  #refold(...words: string[]): ReturnType<typeof refold> {
    return refold([...words, "--json", "--db", this.#volume.beside("db"), this.#volume.path]);
  }

  #expectMended(state: TreeState, used: number, of = (now: TreeState): TreeState => now): void {
    this.#volume.settle();
    expect(diffStates(state, of(snapshotState(this.#volume.path)))).toEqual([]);
    expect(this.#volume.usage().dataUsed).toBeLessThanOrEqual(used);
  }

  #remount(): void {
    this.#volume.unmount();
    this.#volume.mount();
  }

  /** Nothing waits on the disk to be removed, and nothing but the databases lies beside it. */
  #expectNoLitter(): void {
    const [volume] = [this.#volume];
    const { dataUsed } = volume.usage();
    volume.unmount();
    expect(orphansOnDisk(volume.device)).toEqual([]);
    volume.mount();
    expect(volume.usage().dataUsed).toBe(dataUsed);
    expect(readdirSync(volume.beside("db")).filter((name) => !/^[0-9a-f-]+(\.\w+)?\.db$/.test(name))).toEqual(
      [],
    );
  }
}

describe(`killed at ${KILLS} steps: contents are whole, nothing stays, and no more room is taken`, () => {
  test.each(scenarios.map((scenario, k) => ({ ...scenario, seed: 20_260_701 + k })))(
    "$name",
    async ({ seed, ...scenario }) => {
      using volume = LoopVolume.create({ mountOptions: scenario.mountOptions });
      const kills = new Kills(scenario, volume, seed);
      const operations = await kills.count();
      const random = new Random(seed);
      const count = Math.max(3, Math.round(KILLS * scenario.share));
      // half of the kills where ranges are moved onto a copy: there two extents hold what one did
      const copying = { first: operations.indexOf("wS"), end: operations.lastIndexOf("d") + 1 };
      for (let k = 0; k < count; k++) {
        const { first, end } = k % 2 === 0 ? copying : { first: 0, end: operations.length };
        // one in each stretch, so that all of it is tried
        const share = (k + random.below(1000) / 1000) / count;
        await kills.kill(k, 1 + first + Math.floor(share * (end - first)));
      }
      // kills outside of the run, or never between the ranges of one extent, would show little
      expect(kills.inside).toBeGreaterThanOrEqual(0.9 * count);
      expect(kills.withRewrites).toBeGreaterThanOrEqual(0.5 * count);
      if (count < 10) return; // too few to say what they came to
      expect(kills.onCopy).toBeGreaterThanOrEqual(1);
      if (scenario.grows) {
        expect(kills.stuck).toBeGreaterThanOrEqual(1);
        expect(kills.larger).toBeGreaterThanOrEqual(1);
      }
    },
    KILLS * 20_000,
  );
});

test("what was written to after the kill stays as it was written, and the rest is mended", async () => {
  using volume = LoopVolume.create();
  const killer = new Killer(volume);
  const random = new Random(42);
  const words = ["--db", volume.beside("db"), volume.path];
  const dedup = ["dedup", "--yes", "--deep"];
  (await refold(["repair", ...words])).expectCode(0); // makes the journal
  plantPair(random, volume.path, 0);
  volume.settle();
  const used = volume.usage().dataUsed;
  // two ranges are on the copy then
  expect(await killer.run(dedup, { after: "wSdd" })).toMatchObject({ signal: "SIGKILL" });
  expect(killer.left().rewrites).toBeGreaterThan(0);
  // in the middle of every range that is to be moved: some were, some were not
  const writes = [
    ["0-b", 8 * KIB],
    ["0-b", 228 * KIB],
    ["0-c", 8 * KIB],
    ["0-c", 224 * KIB],
  ] as const;
  for (const [name, at] of writes) {
    const fd = openSync(join(volume.path, name), "r+");
    writeSync(fd, "written since", at);
    closeSync(fd);
  }
  volume.settle();
  const state = withoutFlags(snapshotState(volume.path));
  const repair = (await refold(["repair", ...words])).expectCode(0);
  expect(repair.stderr).not.toContain("could not end");
  expect(killer.left().rewrites).toBe(0);
  volume.settle();
  expect(diffStates(state, withoutFlags(snapshotState(volume.path)))).toEqual([]);
  expect(volume.usage().dataUsed).toBeLessThanOrEqual(used + writes.length * 4 * KIB);
  expect((await foldDeep(volume)).skipped).toEqual([]);
});

test("a range that is moved in more than one piece is mended where it was moved in part", async () => {
  using volume = LoopVolume.create();
  const killer = new Killer(volume);
  const random = new Random(43);
  const [run, own] = [noise(random, 8 * MIB), noise(random, 17 * MIB)];
  writeParts(join(volume.path, "a"), [run, noise(random, 20 * MIB)]);
  writeParts(join(volume.path, "b"), [own, run]);
  volume.settle();
  const state = snapshotState(volume.path);
  const used = volume.usage().dataUsed;
  const dedup = ["dedup", "--yes", "--deep", "--max-rewrite", "100"];
  const words = ["--db", volume.beside("db"), volume.path];
  (await refold(["repair", ...words])).expectCode(0); // makes the journal
  // the first piece is on the copy: 16 MiB of 17
  expect(await killer.run(dedup, { after: "wSd" })).toMatchObject({ signal: "SIGKILL" });
  volume.settle();
  expect(volume.usage().dataUsed).toBeGreaterThan(used);
  (await refold(["repair", ...words])).expectCode(0);
  volume.settle();
  expect(diffStates(state, snapshotState(volume.path))).toEqual([]);
  expect(volume.usage().dataUsed).toBeLessThanOrEqual(used);
});

test("orphans on the disk are seen", () => {
  using volume = LoopVolume.create();
  const path = join(volume.path, "open");
  const fd = openSync(path, "w");
  writeSync(fd, "content");
  rmSync(path);
  volume.sync();
  expect(orphansOnDisk(volume.device)).toHaveLength(1);
  closeSync(fd);
  volume.sync();
  expect(orphansOnDisk(volume.device)).toEqual([]);
});
