/** A fold of ranges that is killed at any of its steps: nothing is lost, nothing stays, nothing takes more room. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { exec } from "../support/exec.ts";
import { Random } from "../support/random.ts";
import { refold, ROOT } from "../support/run.ts";
import { diffStates, snapshotState, type TreeState } from "../support/state.ts";
import { LoopVolume } from "../support/volume.ts";
import { foldDeep, KIB, noise, writeParts } from "./support.ts";

/** REFOLD_DEEP_KILLS=50 for more. */
const KILLS = Number(process.env["REFOLD_DEEP_KILLS"] ?? 10);

const volume = LoopVolume.create();
afterAll(() => {
  volume.dispose();
});
const shim = volume.beside("kill-at.so");
exec("gcc", ["-shared", "-fPIC", "-O1", "-o", shim, join(ROOT, "test/deep/kill-at.c")]);

/** Overlaps of which a part is to be written anew, in more ranges than one, some of them in reflinks. */
function plant(random: Random, directory: string): void {
  mkdirSync(directory);
  for (let k = 0; k < 4; k++) {
    const [first, second] = [noise(random, 400 * KIB), noise(random, 300 * KIB)];
    const own = (): Buffer => noise(random, 4 * KIB * random.between(5, 20));
    writeParts(join(directory, `${k}-a`), [first, own(), second, own()]);
    writeParts(join(directory, `${k}-b`), [own(), second, own(), first, noise(random, 3001)]);
    if (k % 2 === 0) exec("cp", ["--reflink=always", join(directory, `${k}-b`), join(directory, `${k}-c`)]);
  }
}

function withoutFlags(state: TreeState): TreeState {
  return new Map(
    [...state].map(([path, one]) => [path, new Map([...one].filter(([name]) => name !== "flags"))]),
  );
}

/** refold, killed at its n-th FIDEDUPERANGE. */
async function killedAt(n: number, before: boolean): Promise<NodeJS.Signals | null> {
  const words = ["dedup", "--yes", "--deep", "--json", "--db", volume.beside("db"), volume.path];
  const env = { LD_PRELOAD: shim, KILL_AT: String(n), ...(before ? { KILL_BEFORE: "1" } : {}) };
  const result = await refold(words, { env });
  return result.signal;
}

test(`killed at ${KILLS} steps: contents are whole, and after a repair no more room is taken`, async () => {
  const random = new Random(20_260_701);
  let doubled = 0;
  for (let k = 0; k < KILLS; k++) {
    const directory = join(volume.path, `round-${k}`);
    plant(random, directory);
    volume.settle();
    const state = snapshotState(volume.path);
    const used = volume.usage().dataUsed;
    expect(await killedAt(random.between(1, 14), random.chance(0.5))).toBe("SIGKILL");
    volume.settle();
    expect(diffStates(withoutFlags(state), withoutFlags(snapshotState(volume.path)))).toEqual([]);
    if (volume.usage().dataUsed > used) doubled++;
    const repair = await refold(["repair", "--json", "--db", volume.beside("db"), volume.path]);
    expect(repair.expectCode(0).json()).toMatchObject({ failed: [] });
    volume.settle();
    expect(diffStates(state, snapshotState(volume.path))).toEqual([]);
    expect(volume.usage().dataUsed).toBeLessThanOrEqual(used);
    // and the next run ends the job: eight overlaps of it are still there to be found, or gone by then
    const rest = await foldDeep(volume);
    expect(rest.skipped).toEqual([]);
    expect(used - volume.usage().dataUsed).toBeGreaterThan(4 * 600 * KIB);
    rmSync(directory, { recursive: true });
  }
  // kills that never came between the ranges of one extent would show little
  expect(doubled).toBeGreaterThan(0);
});
