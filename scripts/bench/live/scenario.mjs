/** One volume, one app beside it, and what somebody does to the volume meanwhile. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { makeWorld, PAIR, Writer } from "./world.mjs";

const SECOND = 1000;
/**
 * Pairs of duplicates, again and again, each so long after the one before; no multiples of what the app counts in. One
 * that is left to the kernel has time to be written: to sync another would do that too.
 */
const PAIRS = [
  { after: 11 * SECOND, synced: false },
  { after: 79 * SECOND, synced: true },
  { after: 23 * SECOND, synced: true },
];
/** What is written later may not be in the figure before the end. */
const last = (synced) => (synced ? 62 : 110) * SECOND;
const GROW_EVERY = 6 * SECOND;
/** The one that the app is made for: it takes TypeScript as it is. */
const NODE = join(import.meta.dirname, "../../../node_modules/.bin/node");
const TICK = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

const uuidOf = (device) =>
  execFileSync("blkid", ["-o", "value", "-s", "UUID", device], { encoding: "utf8" }).trim();

/** Processor seconds that a process has had, with the children that it waited for. */
function cpuOf(pid) {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14])) / TICK;
}
const writtenBy = (pid) =>
  Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${String(pid)}/io`, "latin1"))[1]);
const childrenOf = (pid) =>
  readdirSync(`/proc/${String(pid)}/task`).flatMap((thread) =>
    readFileSync(`/proc/${String(pid)}/task/${thread}/children`, "latin1")
      .split(" ")
      .filter(Boolean),
  );

export class Scenario {
  /** What the app said, in order. */
  #said = [];
  #figureAt0 = 0;
  #app;
  #volume;
  #writer;

  /**
   * @param {string} directory
   * @param {{ name: string, files: number, grow: number, pairs: boolean }} what grow: files a minute that get a line more
   */
  constructor(directory, what) {
    this.what = what;
    this.#volume = makeWorld(directory, what);
    this.#writer = new Writer(this.#volume.mountPath, what.files);
    // on the volume itself, as where / is a btrfs
    this.#database = join(this.#volume.mountPath, "refold");
    mkdirSync(this.#database, { mode: 0o700 });
    execFileSync("sync");
  }
  #database;

  /** Starts the app, and scans for the first time. */
  async start() {
    const script = join(import.meta.dirname, "app-process.mjs");
    this.#app = spawn(NODE, [script, this.#database, uuidOf(this.#volume.device)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    createInterface({ input: this.#app.stdout }).on("line", (line) => this.#said.push(JSON.parse(line)));
    await this.#until(({ started }) => started);
    ({ figure: this.#figureAt0 } = await this.#until(({ figure }) => figure !== undefined));
  }

  async #until(fits) {
    for (;;) {
      const found = this.#said.find(fits);
      if (found !== undefined) return found;
      if (this.#app.exitCode !== null) throw new Error(`the app of "${this.what.name}" ended`);
      await sleep(20);
    }
  }

  async #counters() {
    const asked = this.#said.length;
    this.#app.stdin.write("cpu\n");
    const { cpu } = await this.#until((one) => this.#said.indexOf(one) >= asked && one.cpu !== undefined);
    const [helper] = childrenOf(this.#app.pid);
    return { main: cpu, helper: cpuOf(helper), written: writtenBy(helper) + writtenBy(this.#app.pid) };
  }

  /** @param {number} minutes @returns what it cost and how soon the figure followed */
  async run(minutes) {
    const before = await this.#counters();
    const [start, from] = [Date.now(), this.#said.length];
    const end = start + minutes * 60 * SECOND;
    const pairs = [];
    let grown = 0;
    let next = start;
    for (let now = start; now < end; now = Date.now()) {
      const due = ((now - start) / (60 * SECOND)) * this.what.grow;
      if (due >= grown + 1) {
        this.#writer.grow(Math.floor(due) - grown);
        grown = Math.floor(due);
      }
      const { synced } = PAIRS[pairs.length % PAIRS.length];
      if (this.what.pairs && now >= next && (end - now > last(synced) || pairs.length === 0)) {
        this.#writer.pair();
        if (synced) execFileSync("btrfs", ["filesystem", "sync", this.#volume.mountPath]);
        pairs.push({ at: Date.now(), synced });
        next += PAIRS[pairs.length % PAIRS.length].after;
      }
      await sleep(Math.min(this.what.grow > 0 ? GROW_EVERY : SECOND, end - now));
    }
    const after = await this.#counters();
    const told = this.#said.slice(from);
    const delays = pairs.map(({ at, synced }, k) => {
      const shown = told.find(({ figure }) => figure >= this.#figureAt0 + (k + 1) * PAIR);
      return { synced, seconds: shown === undefined ? null : (shown.at - at) / SECOND };
    });
    const scans = told.filter(({ scan }) => scan !== undefined);
    const hours = (Date.now() - start) / (3600 * SECOND);
    return {
      ...this.what,
      minutes: hours * 60,
      cpuMain: (after.main - before.main) / hours,
      cpuHelper: (after.helper - before.helper) / hours,
      written: (after.written - before.written) / hours,
      scans: scans.length / hours,
      found: scans.filter(({ found }) => found).length / hours,
      scanMs: scans.map(({ scan }) => scan),
      delays,
    };
  }

  async close() {
    if (this.#app !== undefined && this.#app.exitCode === null) {
      this.#app.stdin.end();
      await once(this.#app, "exit");
    }
    this.#volume.close();
  }
}
