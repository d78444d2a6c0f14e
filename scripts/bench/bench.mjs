/**
 * npm run bench: what Refold and other programs cost on one generated volume.
 *
 * A corpus is made from a seed on a loop btrfs volume. Each tool then scans it
 * in turn, A B C A B C ..., each time with the volume mounted anew and the
 * page cache dropped; programs are called with --version first, so that data
 * is cold and binaries are not. Folds run on a fresh copy of the volume each.
 * Prints tables and, for the full corpus, writes docs/benchmarks.md and the
 * table of the README.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { planCorpus, truthOf, writeCorpus } from "./corpus.mjs";
import { describeMachine, readRate } from "./machine.mjs";
import { measure, undisturbed } from "./measure.mjs";
import { renderMarkdown, renderReadme, renderText } from "./report.mjs";
import { findTools, MIN_SIZE } from "./tools.mjs";
import { copyImage, dropCaches, LoopVolume, makeImage } from "./volume.mjs";
import { inWorkFolder } from "./work-folder.mjs";

const USAGE = `Usage: npm run bench -- [options]   (as root)
  --quick            a small corpus (400 MiB, 3,000 files), one round; docs/benchmarks.md is left alone
  --rounds N         runs of each tool (default 3, --quick 1)
  --seed N           what the corpus is made from (default 1)
  --tool NAME=PATH   one more program, e.g. jdupes-1.31=/opt/jdupes/jdupes; repeatable
  --only NAMES       of the tools, these: refold,jdupes
  --phase PHASE      scan or fold alone; docs/benchmarks.md is left alone
  --patience SECONDS waits so long before each run for the machine to be idle (default 20)
  --tries N          of a run that other programs disturbed all the same (default 3); the least disturbed counts
  --work DIR         where the images go (default: a new directory in ${tmpdir()})
  --render FILE      no runs: writes the documentation from the results of an earlier one`;

/** Files of up to this many bytes lie in the metadata, where they take no block of data. */
const INLINE = 2048;

const home = resolve(import.meta.dirname, "../..");
const native = join(home, "native/build/bench");
const refold = join(home, "bin/refold");

function readOptions() {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      seed: { type: "string", default: "1" },
      tool: { type: "string", multiple: true, default: [] },
      only: { type: "string" },
      phase: { type: "string" },
      work: { type: "string" },
      patience: { type: "string", default: "20" },
      tries: { type: "string", default: "3" },
      render: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds}: want 1 or more`);
  if (values.phase !== undefined && values.phase !== "scan" && values.phase !== "fold") {
    throw new Error(`--phase ${values.phase}: want scan or fold`);
  }
  return {
    ...values,
    rounds,
    seed: Number(values.seed),
    patience: Number(values.patience),
    tries: Number(values.tries),
    only: values.only?.split(",") ?? null,
  };
}

const say = (text) => process.stderr.write(`${text}\n`);

/** An empty directory for one run: nothing of the run before may help. */
function freshWork(base) {
  const work = join(base, "run");
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work);
  return work;
}

/** Adds one run to the results of a name. */
function note(results, name, run) {
  (results[name] ??= []).push(run);
  const mebibytes = Math.round(run.read / 2 ** 20);
  say(
    `  ${name}: ${run.seconds.toFixed(2)} s, ${mebibytes} MiB read${run.foreign > 0.1 ? `, disturbed: ${run.foreign.toFixed(2)} cores` : ""}`,
  );
}

/** What all measurements of one call of the bench share. */
class Bench {
  #base;
  #options;

  constructor(base, options) {
    this.#base = base;
    this.#options = options;
  }

  #measure(volume, command, work) {
    return measure(join(native, "measure"), volume, command, work, this.#options.patience);
  }

  #undisturbed = (attempt) => undisturbed(attempt, this.#options.tries);

  async scanRound(volume, tools, results) {
    const walk = join(native, "walk");
    for (const [name, cold] of Object.entries({ walk: true, "walk, warm": false })) {
      const attempt = () => {
        if (cold) coldFor(volume, walk);
        return this.#measure(volume, [walk, volume.mountPath], freshWork(this.#base));
      };
      note(results, name, await this.#undisturbed(attempt));
    }
    for (const tool of tools) {
      if (tool.adapter.scan === undefined) continue;
      const full = () => this.#scan(volume, tool, freshWork(this.#base), true);
      note(results, tool.name, await this.#undisturbed(full));
      if (tool.adapter.program !== "refold") continue;
      for (const [label, cold] of Object.entries({
        "nothing changed": true,
        "nothing changed, warm": false,
      })) {
        // In the directory of the scan before, whose index is there.
        const again = () => this.#scan(volume, tool, join(this.#base, "run"), cold);
        note(results, `${tool.name}, ${label}`, await this.#undisturbed(again));
      }
      const start = () => this.#measure(volume, [tool.path, "--version"], freshWork(this.#base));
      note(results, `${tool.name} --version`, await this.#undisturbed(start));
    }
  }

  async #scan(volume, tool, work, cold) {
    const context = { path: tool.path, root: volume.mountPath, work, output: join(work, "stdout") };
    if (cold) coldFor(volume, tool.path);
    const run = await this.#measure(volume, tool.adapter.scan(context), work);
    return { ...run, ...tool.adapter.answer(context) };
  }

  async foldRound(image, tools, results) {
    for (const tool of tools) {
      if (tool.adapter.fold === undefined) continue;
      const run = await this.#undisturbed(() => this.#fold(image, tool));
      note(results, tool.name, run);
      say(`    freed ${(run.freed / 1e6).toFixed(1)} MB, with sync ${run.withSync.toFixed(2)} s`);
    }
  }

  /** Each on a copy of its own. */
  async #fold(image, tool) {
    const copy = join(this.#base, "fold.img");
    copyImage(image, copy);
    const volume = new LoopVolume(copy, join(this.#base, "mnt"));
    try {
      const work = freshWork(this.#base);
      const context = { path: tool.path, root: volume.mountPath, work, output: join(work, "stdout") };
      const before = volume.dataUsed();
      coldFor(volume, tool.path);
      const run = await this.#measure(volume, tool.adapter.fold(context), work);
      const start = performance.now();
      execFileSync("btrfs", ["filesystem", "sync", volume.mountPath]);
      const sync = (performance.now() - start) / 1000;
      return { ...run, withSync: run.seconds + sync, freed: before - volume.dataUsed() };
    } finally {
      volume.close();
      rmSync(copy, { force: true });
    }
  }
}

/** Cold data, warm binaries. */
function coldFor(volume, program) {
  volume.makeCold();
  spawnSync(program, ["--version"], { stdio: "ignore" });
}

async function runAll(options, base) {
  const size = options.quick ? { bytes: 400 * 2 ** 20, files: 3000 } : { bytes: 6 * 2 ** 30, files: 30000 };
  const free = statfsSync(base);
  const need = size.bytes * 2.5 + 2 ** 30;
  if (free.bavail * free.bsize < need) {
    throw new Error(`${base}: ${Math.ceil(need / 2 ** 30)} GiB are needed; --work DIR names another place`);
  }
  const tools = findTools(refold, options.tool, options.only);
  say(`corpus: ${size.bytes / 2 ** 20} MiB in ${size.files} files, seed ${options.seed}`);
  const plan = planCorpus({ seed: options.seed, ...size });
  const image = join(base, "corpus.img");
  const start = performance.now();
  makeImage(image, Math.ceil((size.bytes * 1.4) / 2 ** 20 + 512) * 2 ** 20);
  const volume = new LoopVolume(image, join(base, "mnt"));
  writeCorpus(volume.mountPath, options.seed, plan);
  say(`  written in ${((performance.now() - start) / 1000).toFixed(0)} s`);

  volume.unmount();
  dropCaches();
  const rate = readRate(image);
  volume.mount();
  const bench = new Bench(base, options);
  const scans = {};
  for (let round = 1; options.phase !== "fold" && round <= options.rounds; round++) {
    say(`scan, round ${round} of ${options.rounds}`);
    await bench.scanRound(volume, tools, scans);
  }
  volume.close();
  const folds = {};
  for (let round = 1; options.phase !== "scan" && round <= options.rounds; round++) {
    say(`fold, round ${round} of ${options.rounds}`);
    await bench.foldRound(image, tools, folds);
  }
  const truth = truthOf(plan, MIN_SIZE);
  const words = { root: "VOLUME", work: "WORK", output: "" };
  return {
    machine: { ...describeMachine(base), readRate: rate },
    seed: options.seed,
    rounds: options.rounds,
    corpus: {
      ...size,
      minSize: MIN_SIZE,
      truth,
      smallRedundantBytes: truthOf(plan, INLINE + 1).redundantBytes - truth.redundantBytes,
    },
    tools: tools.map(({ name, version, adapter }) => ({
      name,
      version,
      program: adapter.program,
      scanNote: adapter.scanNote ?? null,
      foldNote: adapter.foldNote ?? null,
      scanCommand: adapter.scan?.({ ...words, path: adapter.program }).join(" ") ?? null,
      foldCommand: adapter.fold?.({ ...words, path: adapter.program }).join(" ") ?? null,
    })),
    scans,
    folds,
  };
}

/** Shows the results; those of a whole run of the full corpus go into the documentation. */
function publish(results, whole) {
  console.log(renderText(results));
  if (!whole) return;
  writeFileSync(join(home, "docs/benchmarks.md"), renderMarkdown(results));
  const readme = join(home, "README.md");
  const [before, , after] = readFileSync(readme, "utf8").split(/(?<=<!-- bench -->)|(?=<!-- \/bench -->)/);
  if (after === undefined) throw new Error("README.md has lost its bench marks");
  writeFileSync(readme, `${before}\n\n${renderReadme(results)}\n${after}`);
  say("written: docs/benchmarks.md, and the table of README.md");
}

async function main() {
  const options = readOptions();
  if (options.help) {
    console.log(USAGE);
    return;
  }
  if (options.render !== undefined) {
    publish(JSON.parse(readFileSync(options.render, "utf8")), true);
    return;
  }
  if (process.getuid() !== 0) {
    say("bench: needs root, for loop devices and dropping caches: sudo npm run bench");
    process.exit(3);
  }
  if (!existsSync(refold)) throw new Error("bin/refold is not there");
  execFileSync("sh", [join(home, "scripts/setup.sh"), "demo"], { stdio: "inherit" });
  execFileSync("make", ["-s", "-C", join(home, "native"), "bench"], { stdio: "inherit" });

  const where = {
    named: options.work,
    prefix: "refold-bench-",
    parts: ["corpus.img", "fold.img", "run", "mnt"],
  };
  await inWorkFolder(where, async (base) => {
    const results = await runAll(options, base);
    mkdirSync(join(home, "test-results"), { recursive: true });
    const raw = join(home, "test-results", options.quick ? "bench-quick.json" : "bench.json");
    writeFileSync(raw, JSON.stringify(results, null, 1));
    say(`every run: ${raw}`);
    publish(results, !options.quick && options.phase === undefined && options.only === null);
  });
}

await main().catch((error) => {
  say(`bench: ${error.message}`);
  process.exitCode = 1;
});
