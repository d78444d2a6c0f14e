/**
 * npm run bench:deep: what Refold's search for partial duplicates frees, takes and promises, beside programs
 * that look for parts of files too.
 *
 * A corpus of files that are equal in part is written from a seed to a loop btrfs volume, and everything is
 * read once to know what is there more than once. Then each program folds a fresh copy of the volume, with
 * cold caches. Prints a table and, for a whole run, writes docs/benchmarks-deep.md and its .json.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { redundantBytesOf } from "../../../test/deep/truth.ts";
import { describeMachine, readRate } from "../machine.mjs";
import { measure } from "../measure.mjs";
import { copyImage, dropCaches, LoopVolume, makeImage } from "../volume.mjs";
import { inWorkFolder } from "../work-folder.mjs";
import { planCorpus, writeCorpus } from "./corpus.mjs";
import { adapters, findPrograms } from "./peers.mjs";
import { renderMarkdown, renderText } from "./report.mjs";

const USAGE = `Usage: npm run bench:deep -- [options]   (as root)
  --size MIB         of all files together (default 4096)
  --rounds N         runs of each program (default 1)
  --seed N           what the corpus is made from (default 1)
  --only NAMES       of the rows, these: "refold,bees"; docs/benchmarks-deep.md is left alone
  --limit SECONDS    what each program may take (default 120)
  --budget SECONDS   what all together may take (default 700); what there is no time for is left out, and said so
  --patience SECONDS waits so long before each run for the machine to be idle (default 20)
  --peers DIR        where the other programs are, or are built to (default native/build/peers)
  --sources DIR      git repositories duperemove, oans and bees; without it they are cloned
  --work DIR         where the images go (default: a new directory in ${tmpdir()})
  --render FILE      no runs: writes the documentation from the results of an earlier one`;

/** Runs of at least so many bytes count in the two figures of what is there. */
const RUNS = [4096, 65_536];
const DEFAULT_MIB = 4096;
/** A program that has less time left is not started. */
const LEAST_SECONDS = 5;

const home = resolve(import.meta.dirname, "../../..");
const say = (text) => process.stderr.write(`${text}\n`);

function readOptions() {
  const { values } = parseArgs({
    options: {
      size: { type: "string", default: String(DEFAULT_MIB) },
      rounds: { type: "string", default: "1" },
      seed: { type: "string", default: "1" },
      only: { type: "string" },
      limit: { type: "string", default: "120" },
      budget: { type: "string", default: "700" },
      patience: { type: "string", default: "20" },
      peers: { type: "string", default: join(home, "native/build/peers") },
      sources: { type: "string" },
      work: { type: "string" },
      render: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const options = { ...values, only: values.only?.split(",") ?? null };
  for (const name of ["size", "rounds", "seed", "limit", "budget", "patience"]) {
    options[name] = Number(values[name]);
    const least = name === "patience" ? 0 : 1;
    if (!(options[name] >= least))
      throw new Error(`--${name} ${values[name]}: want a number from ${least} on`);
  }
  return options;
}

/** One program on a copy of its own. */
async function foldOnce(base, image, adapter, program, options) {
  const copy = join(base, "fold.img");
  copyImage(image, copy);
  const volume = new LoopVolume(copy, join(base, "mnt"));
  try {
    const work = join(base, "run");
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work);
    const before = volume.dataUsed();
    volume.makeCold();
    spawnSync(program.path, ["--version"], { stdio: "ignore" });
    const context = { path: program.path, root: volume.mountPath, work, limit: options.limit };
    // bees has a limit of its own, and saves its state in the time that it has behind that
    const limit = adapter.took === undefined ? options.limit : options.limit + 30;
    const code = join(work, "exit");
    const limited = ["sh", join(import.meta.dirname, "limited.sh"), String(limit), code];
    const command = [...limited, ...adapter.command(context)];
    const run = await measure(
      join(home, "native/build/bench/measure"),
      volume,
      command,
      work,
      options.patience,
    );
    const start = performance.now();
    execFileSync("btrfs", ["filesystem", "sync", volume.mountPath]);
    const sync = (performance.now() - start) / 1000;
    const exit = Number(readFileSync(code, "utf8"));
    if (![0, 1, 124].includes(exit)) {
      throw new Error(
        `${adapter.name}: exit ${exit}\n${readFileSync(join(work, "stderr"), "utf8").slice(-500)}`,
      );
    }
    const took = { seconds: run.seconds, limited: exit === 124, ...adapter.took?.(context) };
    const { output, ...figures } = run;
    return {
      ...figures,
      ...took,
      withSync: took.seconds + sync,
      said: took.limited ? null : adapter.said(context, readFileSync(output, "utf8")),
      freed: before - volume.dataUsed(),
    };
  } finally {
    volume.close();
    rmSync(copy, { force: true });
  }
}

/** Writes the corpus to an image, and reads it all. */
function makeCorpus(base, options) {
  const bytes = options.size * 2 ** 20;
  const plan = planCorpus({ seed: options.seed, bytes });
  const image = join(base, "corpus.img");
  makeImage(image, Math.ceil((bytes * 1.5) / 2 ** 20 + 512) * 2 ** 20);
  const volume = new LoopVolume(image, join(base, "mnt"));
  let start = performance.now();
  const lap = () => ((performance.now() - start) / 1000).toFixed(0);
  writeCorpus(volume.mountPath, options.seed, plan);
  const used = volume.dataUsed();
  say(`corpus: ${plan.files.length} files, ${(used / 1e6).toFixed(0)} MB on disk, written in ${lap()} s`);
  start = performance.now();
  const redundant = redundantBytesOf(volume.mountPath, RUNS);
  say(
    `  ${redundant.map((all) => (all / 1e6).toFixed(1)).join(" and ")} MB are there more than once; read in ${lap()} s`,
  );
  volume.unmount();
  dropCaches();
  const rate = readRate(image);
  volume.close();
  const logical = plan.files.reduce((sum, { size }) => sum + size, 0);
  return { image, rate, corpus: { files: plan.files.length, bytes: logical, used, runs: RUNS, redundant } };
}

async function runAll(options, base) {
  const free = statfsSync(base);
  const need = options.size * 2 ** 20 * 2.5 + 2 ** 30;
  if (free.bavail * free.bsize < need) {
    throw new Error(`${base}: ${Math.ceil(need / 2 ** 30)} GiB are needed; --work DIR names another place`);
  }
  const end = performance.now() + options.budget * 1000;
  const programs = findPrograms(home, options.peers);
  const { image, rate, corpus } = makeCorpus(base, options);
  const wanted = adapters.filter(({ name }) => options.only?.includes(name) ?? true);
  const runs = {};
  for (let round = 1; round <= options.rounds; round++) {
    for (const adapter of wanted) {
      const program = programs[adapter.program];
      const limit = Math.min(options.limit, Math.floor((end - performance.now()) / 1000));
      if (program.path === null || limit < LEAST_SECONDS) continue;
      const run = await foldOnce(base, image, adapter, program, { ...options, limit });
      (runs[adapter.name] ??= []).push(run);
      say(
        `  ${adapter.name}: ${run.seconds.toFixed(1)} s, freed ${(run.freed / 1e6).toFixed(1)} MB` +
          (run.limited ? ", ended at the limit" : "") +
          (run.foreign > 0.1 ? `, disturbed: ${run.foreign.toFixed(2)} cores` : ""),
      );
    }
  }
  const words = { root: "VOLUME", work: "WORK", limit: options.limit };
  return {
    machine: { ...describeMachine(base), readRate: rate },
    seed: options.seed,
    rounds: options.rounds,
    limit: options.limit,
    corpus,
    rows: wanted.map((adapter) => {
      const { version, reason } = programs[adapter.program];
      const { name, program, note } = adapter;
      const command = program === "bees" ? null : adapter.command({ ...words, path: program }).join(" ");
      const why = reason ?? (runs[name] === undefined ? "no time was left for it" : null);
      return { name, program, version, reason: why, note, command, runs: runs[name] ?? [] };
    }),
  };
}

function publish(results, whole) {
  console.log(renderText(results));
  if (!whole) return;
  writeFileSync(join(home, "docs/benchmarks-deep.json"), `${JSON.stringify(results, null, 1)}\n`);
  writeFileSync(join(home, "docs/benchmarks-deep.md"), renderMarkdown(results));
  for (const name of ["docs/benchmarks-deep.json", "docs/benchmarks-deep.md"]) {
    execFileSync(join(home, "node_modules/.bin/prettier"), [
      "--write",
      "--log-level",
      "warn",
      join(home, name),
    ]);
  }
  say("written: docs/benchmarks-deep.md and docs/benchmarks-deep.json");
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
    say("bench: needs root, for loop devices and dropping caches: sudo npm run bench:deep");
    process.exit(3);
  }
  const build = [
    join(import.meta.dirname, "peers.sh"),
    options.peers,
    ...(options.sources ? [options.sources] : []),
  ];
  execFileSync("sh", build, { stdio: "inherit" });

  const where = {
    named: options.work,
    prefix: "refold-bench-deep-",
    parts: ["corpus.img", "fold.img", "run", "mnt"],
  };
  await inWorkFolder(where, async (base) => {
    const results = await runAll(options, base);
    mkdirSync(join(home, "test-results"), { recursive: true });
    const raw = join(home, "test-results/bench-deep.json");
    writeFileSync(raw, JSON.stringify(results, null, 1));
    say(`every run: ${raw}`);
    publish(results, options.only === null && options.size >= DEFAULT_MIB);
  });
}

await main().catch((error) => {
  say(`bench: ${error.message}`);
  process.exitCode = 1;
});
