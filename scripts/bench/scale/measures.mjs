/** One measured run of Refold or of the bare walk, in a process of its own. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import BetterSqlite from "better-sqlite3";
import { measure } from "../measure.mjs";

const home = resolve(import.meta.dirname, "../../..");
const native = join(home, "native/build/bench");
const refold = join(home, "bin/refold");
const node = join(home, "node_modules/node/bin/node");

/** Milliseconds that each step of a scan took, by its own account. */
function readSteps(text) {
  const line = /^refold: steps: (.*)$/m.exec(text);
  if (line === null) throw new Error("`refold scan --verbose` does not say what its steps took");
  return Object.fromEntries(
    line[1].split(", ").map((step) => [step.split(" ")[0], Number(step.split(" ")[1])]),
  );
}

export class Measures {
  #work;
  #patience;
  #say;

  /**
   * @param {string} work a folder for what the runs write
   * @param {number} patience seconds to wait for an idle machine before each run
   * @param {(text: string) => void} say
   */
  constructor(work, patience, say) {
    this.#work = work;
    this.#patience = patience;
    this.#say = say;
    mkdirSync(work, { recursive: true });
    // as an installed Refold keeps it in /var/lib/refold/cache
    process.env.NODE_COMPILE_CACHE = join(work, "code");
  }

  get database() {
    return join(this.#work, "db");
  }

  /** The bare walk: what reading the metadata costs whoever takes this road. */
  async walk(name, volume, cold) {
    if (cold) volume.makeCold();
    return this.#one(name, volume, [join(native, "walk"), volume.mountPath]);
  }

  /** A scan from nothing. */
  async fullScan(name, volume, cold) {
    rmSync(this.database, { recursive: true, force: true });
    return this.rescan(name, volume, cold);
  }

  async rescan(name, volume, cold) {
    // the program itself stays warm: it is no part of the volume
    if (cold) {
      volume.makeCold();
      execFileSync(refold, ["--version"], { stdio: "ignore" });
    }
    const words = [refold, "scan", volume.mountPath, "--db", this.database, "--json", "--verbose"];
    const run = await this.#one(name, volume, words);
    const steps = readSteps(readFileSync(join(this.#work, "stderr"), "utf8"));
    const [scanned] = JSON.parse(readFileSync(run.output, "utf8")).volumes;
    const { files, groups, duplicateFiles, reclaimableBytes } = scanned;
    return { ...run, files, groups, duplicateFiles, reclaimableBytes, steps, ...this.#size() };
  }

  /** The first page of the list of groups. */
  async groups(name, volume, limit) {
    const words = ["groups", volume.mountPath, "--db", this.database, "--limit", String(limit), "--json"];
    return this.#one(name, volume, [refold, ...words]);
  }

  /** What the window waits for: see review.mjs. */
  async review(name, volume, groups) {
    return this.#script(name, volume, "review.mjs", [groups]);
  }

  /** Rescans of a program that runs already: see resident.mjs. */
  async resident(name, volume, { rounds, home: folder, count, changes, round }) {
    const words = [rounds, join(native, "files"), folder, count, changes, round];
    return this.#script(name, volume, "resident.mjs", words);
  }

  /** A script beside this one, in a process of its own; what it prints is added to what it cost. */
  async #script(name, volume, script, words) {
    const uuid = execFileSync("blkid", ["-p", "-s", "UUID", "-o", "value", volume.device], {
      encoding: "utf8",
    }).trim();
    const path = join(import.meta.dirname, script);
    const command = [node, "--max-semi-space-size=2", path, uuid, this.database, ...words.map(String)];
    const run = await this.#one(name, volume, command);
    return { ...run, ...JSON.parse(readFileSync(run.output, "utf8")) };
  }

  /** Bytes and rows of the index, by table. */
  #size() {
    const [file] = readdirSync(this.database).filter((name) => /^[\da-f-]{36}\.db$/.test(name));
    const path = join(this.database, file);
    const db = new BetterSqlite(path, { readonly: true });
    try {
      const tables = db
        .prepare("SELECT name, SUM(pgsize) AS bytes FROM dbstat GROUP BY name ORDER BY bytes DESC")
        .all();
      const rows = db.prepare("SELECT COUNT(*) FROM inode").pluck().get();
      return { databaseBytes: statSync(path).size, rows, tables };
    } finally {
      db.close();
    }
  }

  async #one(name, volume, command) {
    const run = await measure(join(native, "measure"), volume, command, this.#work, this.#patience);
    const { seconds, cpu, memory } = run;
    this.#say(
      `  ${name}: ${seconds.toFixed(3)} s, CPU ${cpu.toFixed(3)} s, ${Math.round(memory / 1e6)} MB` +
        (run.foreign > 0.1 ? `, disturbed: ${run.foreign.toFixed(2)} cores` : ""),
    );
    return run;
  }
}
