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
 * @property {number} load the 1-minute load average when it began: above the bench's own it spoils a figure
 */

/**
 * @param {string} wrapper native/build/bench/measure
 * @param {import("./volume.mjs").LoopVolume} volume
 * @param {string[]} command
 * @param {string} work where its output goes
 * @returns {Promise<Run & { output: string }>}
 * @throws where the command fails; its last words are in the message
 */
export async function measure(wrapper, volume, command, work) {
  const report = join(work, "report.json");
  const output = join(work, "stdout");
  const errors = join(work, "stderr");
  const load = Number(readFileSync("/proc/loadavg", "utf8").split(" ")[0]);
  const before = volume.io();
  const exit = await spawnTo(wrapper, [report, ...command], output, errors);
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
    load,
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
