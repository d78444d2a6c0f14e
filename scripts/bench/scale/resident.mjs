/**
 * Rescans in a process that runs already, as the app's helper does: no start of a program, and code that was run
 * before. Run by the scale bench in a process of its own:
 *
 *     node scripts/bench/scale/resident.mjs UUID DATABASE-DIRECTORY ROUNDS FILES-PROGRAM HOME COUNT CHANGES FIRST-ROUND
 *
 * Prints one JSON object: milliseconds of each rescan, from opening the volume to closing it, by where was changed.
 */
import { execFileSync } from "node:child_process";
import { createEngine } from "../../../src-helper/engine/engine.ts";

const [uuid, databaseDir, rounds, program, home, count, changes, first] = process.argv.slice(2);
const engine = createEngine({ databaseDir });
const run = { signal: new AbortController().signal, progress: () => undefined, log: () => undefined };
const selection = { minSize: 4096, exclude: [], pathGlob: null, crossVolume: true, snapshots: false };

async function rescan() {
  const start = performance.now();
  const [volume] = engine.open([uuid]);
  try {
    await volume.scan({ minSize: 4096, flush: false, selection }, run);
  } finally {
    volume.close();
  }
  return performance.now() - start;
}

await rescan();
let round = Number(first);
const times = {};
for (const where of ["together", "scattered"]) {
  times[where] = [];
  // the first is what makes the others run warm
  for (let k = 0; k <= Number(rounds); k++) {
    execFileSync(program, ["change", home, count, changes, String(round++), where], { stdio: "ignore" });
    execFileSync("btrfs", ["filesystem", "sync", home], { stdio: "ignore" });
    const ms = await rescan();
    if (k > 0) times[where].push(ms);
  }
}
console.log(JSON.stringify(times));
