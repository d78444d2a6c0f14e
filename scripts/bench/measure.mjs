/** One measured run of one command, and the figures of many. */
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {object} Run
 * @property {number} seconds wall time
 * @property {number} cpu seconds, user and system
 * @property {number} memory bytes, the largest sum over the process and those it started
 * @property {number} read bytes read from the device
 * @property {number} written bytes written to the device, with the sync that follows a fold
 * @property {number} foreign cores' worth of user CPU that other programs took meanwhile: it spoils a figure
 */

/** More than this of a core, and a run does not count as undisturbed. */
const DISTURBED = 0.1;
const WINDOW_MS = 500;
const WAIT_MS = 2000;

/** CPU seconds since the boot: of all programs' own code, and of everything that is not idle. */
function cpuSeconds() {
  const line = readFileSync("/proc/stat", "utf8").split("\n", 1)[0];
  const [user, nice, system, , , irq, softirq] = line.trim().split(/\s+/).slice(1).map(Number);
  return { user: (user + nice) / 100, busy: (user + nice + system + irq + softirq) / 100 };
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves when the machine has nothing else to do, or after `patience` seconds. */
async function untilIdle(patience) {
  const end = performance.now() + patience * 1000;
  for (;;) {
    const before = cpuSeconds();
    await sleep(WINDOW_MS);
    const busy = (cpuSeconds().busy - before.busy) / (WINDOW_MS / 1000);
    if (busy < DISTURBED || performance.now() > end) return;
    await sleep(WAIT_MS);
  }
}

/**
 * Measures again where another program took part of the CPU, and keeps the run least disturbed.
 * @template {Run} R
 * @param {() => Promise<R>} attempt
 * @param {number} tries
 * @returns {Promise<R>}
 */
export async function undisturbed(attempt, tries) {
  let best = await attempt();
  for (let k = 1; k < tries && best.foreign > DISTURBED; k++) {
    const again = await attempt();
    if (again.foreign < best.foreign) best = again;
  }
  return best;
}

/**
 * @param {string} wrapper native/build/bench/measure
 * @param {import("./volume.mjs").LoopVolume} volume
 * @param {string[]} command
 * @param {string} work where its output goes
 * @param {number} patience seconds to wait for an idle machine
 * @returns {Promise<Run & { output: string }>}
 * @throws where the command fails; its last words are in the message
 */
export async function measure(wrapper, volume, command, work, patience) {
  const report = join(work, "report.json");
  const output = join(work, "stdout");
  const errors = join(work, "stderr");
  await untilIdle(patience);
  const before = volume.io();
  const cpuBefore = cpuSeconds();
  const exit = await spawnTo(wrapper, [report, ...command], output, errors);
  const cpuAfter = cpuSeconds();
  const after = volume.io();
  if (exit !== 0) {
    const words = readFileSync(errors, "utf8").trim().split("\n").slice(-3).join("\n");
    throw new Error(`${command.join(" ")}: exit ${exit}\n${words}`);
  }
  const cost = JSON.parse(readFileSync(report, "utf8"));
  return {
    seconds: cost.seconds,
    cpu: cost.user + cost.system,
    memory: cost.treeRss,
    read: after.read - before.read,
    written: after.written - before.written,
    // The kernel's own threads work for the command: only what ran as a program is foreign for certain.
    foreign: Math.max(0, cpuAfter.user - cpuBefore.user - cost.user) / cost.seconds,
    output,
  };
}

/** Asynchronous, so that a signal to the bench is seen while the command runs. */
function spawnTo(program, args, output, errors) {
  const out = openSync(output, "w");
  const err = openSync(errors, "w");
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", out, err] });
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? signal));
  }).finally(() => {
    closeSync(out);
    closeSync(err);
  });
}

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median, least and most of one figure of several runs. */
export function spread(runs, field) {
  const values = runs.map((run) => run[field]);
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}
