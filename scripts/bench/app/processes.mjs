/** The app's processes: whose they are, what they hold and what they have used. */
import { readdirSync, readFileSync } from "node:fs";

const read = (path) => {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return null; // ended meanwhile
  }
};

/** @returns {{ pid: number, parent: number, seconds: number } | null} seconds: CPU, user and system */
function stat(pid) {
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  // the name before it may have spaces and brackets
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { pid, parent: Number(fields[1]), seconds: (Number(fields[11]) + Number(fields[12])) / 100 };
}

/** What a process is for, by its command line. */
function roleOf(words, pid, main) {
  const type = words.find((word) => word.startsWith("--type="))?.slice("--type=".length);
  if (type === "utility") {
    const service = words.find((word) => word.startsWith("--utility-sub-type="));
    return `browser: ${service?.split(".")[0].slice("--utility-sub-type=".length) ?? "utility"} service`;
  }
  if (type === "gpu-process") return "browser: GPU process";
  if (type === "renderer") return "renderer";
  if (type !== undefined) return `browser: ${type}`;
  if (words.some((word) => word.endsWith("refold.cjs"))) return "helper";
  if (pid === main) return "main process";
  if (words.some((word) => /chrom(e|ium)/.test(word))) return "browser: its own process";
  return "other";
}

/**
 * The main process and all below it, and what has left the tree but has the run's directory in its environment.
 * @param {number} main
 * @param {string | null} home null: the tree alone
 * @returns {{ pid: number, role: string, seconds: number }[]}
 */
export function processesOf(main, home) {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => stat(Number(name)))
    .filter((each) => each !== null);
  const own = new Set([main]);
  for (const { pid } of all) {
    if (home !== null && read(`/proc/${pid}/environ`)?.includes(home) === true) own.add(pid);
  }
  for (let before = -1; before !== own.size;) {
    before = own.size;
    for (const { pid, parent } of all) if (own.has(parent)) own.add(pid);
  }
  return all
    .filter(({ pid }) => own.has(pid))
    .map(({ pid, seconds }) => {
      const words = (read(`/proc/${pid}/cmdline`) ?? "").split(/[\0 ]/).filter((word) => word !== "");
      return { pid, seconds, role: roleOf(words, pid, main) };
    });
}

/**
 * Bytes of a process in memory, with what it shares counted in proportion to how many share it. Pages of files are
 * shared with other browsers that run, so their part changes with those; the rest (`own`) does not.
 * @returns {{ all: number, own: number }}
 */
export function pss(pid) {
  const rollup = read(`/proc/${pid}/smaps_rollup`) ?? "";
  const bytes = (field) => 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1] ?? 0);
  return { all: bytes("Pss"), own: bytes("Pss_Anon") + bytes("Pss_Shmem") };
}

/** Milliseconds of processor time of all threads that some processes have now (their sum, so it may exceed the clock). */
export function processorTime(processes) {
  let nanoseconds = 0;
  for (const { pid } of processes) {
    let threads = [];
    try {
      threads = readdirSync(`/proc/${pid}/task`);
    } catch {
      // ended meanwhile
    }
    for (const thread of threads) {
      nanoseconds += Number(read(`/proc/${pid}/task/${thread}/schedstat`)?.split(" ")[0] ?? 0);
    }
  }
  return nanoseconds / 1e6;
}

/** Browsers that are not among some processes: what they share with those makes the PSS of those less. */
export function otherBrowsers(processes) {
  const own = new Set(processes.map(({ pid }) => pid));
  return readdirSync("/proc").filter(
    (name) =>
      /^\d+$/.test(name) &&
      !own.has(Number(name)) &&
      read(`/proc/${name}/cmdline`)?.includes("--type=gpu-process") === true,
  ).length;
}

/** @returns {Record<string, number>} sums of a figure by role */
export function byRole(processes, figure) {
  const sums = {};
  for (const each of processes) sums[each.role] = (sums[each.role] ?? 0) + figure(each);
  return sums;
}

/** CPU seconds of this program and all below it: what is left is of others. */
function ownSeconds() {
  return processesOf(process.pid, null).reduce((sum, { seconds }) => sum + seconds, 0);
}

function busySeconds() {
  const line = readFileSync("/proc/stat", "utf8").split("\n", 1)[0];
  const [user, nice, system, , , irq, softirq] = line.trim().split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) / 100;
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Cores' worth of CPU that other programs took while something ran. */
async function othersDuring(work) {
  const before = { busy: busySeconds(), own: ownSeconds(), at: performance.now() };
  const result = await work();
  const busy = busySeconds() - before.busy;
  const seconds = (performance.now() - before.at) / 1000;
  return { result, others: Math.max(0, busy - (ownSeconds() - before.own)) / seconds };
}

/**
 * Waits for a machine with nothing else to do, then runs something.
 * @template T
 * @param {number} patience seconds to wait at most
 * @param {() => Promise<T>} work
 * @returns {Promise<T & { load: number, others: number }>} load: average of the last minute as it began;
 *   others: cores' worth of CPU that other programs took just before
 */
export async function whenIdle(patience, work) {
  const end = performance.now() + patience * 1000;
  let others;
  for (;;) {
    ({ others } = await othersDuring(() => sleep(500)));
    if (others <= 0.1 || performance.now() > end) break;
    await sleep(1000);
  }
  const load = Number(readFileSync("/proc/loadavg", "utf8").split(" ")[0]);
  return { ...(await work()), load, others: Math.round(others * 100) / 100 };
}
