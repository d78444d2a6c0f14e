/**
 * npm run bench:scale: a volume of a million files, and one of 100,000 files with a hundred snapshots.
 *
 * Every figure is of a process of its own, cold (mounted anew, all caches dropped) or warm. Prints tables and, for
 * the full size, writes docs/benchmarks-scale.md and .json.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "../machine.mjs";
import { copyImage, LoopVolume } from "../volume.mjs";
import { inWorkFolder } from "../work-folder.mjs";
import { Measures } from "./measures.mjs";
import { renderMarkdown, renderText } from "./report.mjs";
import { changeFiles, deleteSnapshots, homeOf, imageOf, takeSnapshots } from "./volumes.mjs";

const USAGE = `Usage: npm run bench:scale -- [options]   (as root)
  --files N           files of the large volume (default 1000000)
  --snapshot-files N  files of the one with snapshots (default 100000)
  --snapshots N       how many (default 100)
  --changes N         files changed before a rescan (default 1000)
  --rounds N          of each run (default 3): the one that takes the median time counts
  --only PART         files or snapshots alone; the documentation is left alone
  --keep DIR          where the images are made, and found again the next time (default: a directory in
                      ${tmpdir()} that is removed)
  --patience SECONDS  waits so long before each run for the machine to be idle (default 5)
  --quick             20,000 files, 2,000 with 10 snapshots; the documentation is left alone
  --render FILE       no runs: writes the documentation from the results of an earlier one`;

const home = resolve(import.meta.dirname, "../../..");
const say = (text) => process.stderr.write(`${text}\n`);

function readOptions() {
  const { values } = parseArgs({
    options: {
      files: { type: "string" },
      "snapshot-files": { type: "string" },
      snapshots: { type: "string" },
      changes: { type: "string", default: "1000" },
      rounds: { type: "string" },
      only: { type: "string" },
      keep: { type: "string" },
      patience: { type: "string", default: "5" },
      quick: { type: "boolean", default: false },
      render: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.only !== undefined && values.only !== "files" && values.only !== "snapshots") {
    throw new Error(`--only ${values.only}: want files or snapshots`);
  }
  const number = (name, full, quick) => {
    const value = Number(values[name] ?? (values.quick ? quick : full));
    if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} ${values[name]}: want 1 or more`);
    return value;
  };
  return {
    ...values,
    files: number("files", 1_000_000, 20_000),
    snapshotFiles: number("snapshot-files", 100_000, 2000),
    snapshots: number("snapshots", 100, 10),
    changes: number("changes", 1000, 1000),
    rounds: number("rounds", 3, 1),
    patience: Number(values.patience),
  };
}

/** Makes the image where it is not there, and says how long that took. */
function prepare(folder, count) {
  say(`a volume of ${count.toLocaleString("en")} files`);
  const { image, seconds } = imageOf(folder, count);
  say(seconds === null ? "  found" : `  made in ${seconds.toFixed(0)} s`);
  return image;
}

/**
 * Of several runs the one that takes the median time, with the most memory that any took.
 * @template {import("../measure.mjs").Run} R
 * @param {number} rounds
 * @param {() => Promise<R>} run
 */
async function medianOf(rounds, run) {
  const runs = [];
  for (let k = 0; k < rounds; k++) runs.push(await run());
  const byTime = runs.toSorted((a, b) => a.seconds - b.seconds);
  const [least, most] = [byTime[0].seconds, byTime.at(-1).seconds];
  return { ...byTime[rounds >> 1], least, most, memory: Math.max(...runs.map(({ memory }) => memory)) };
}

async function ofFiles(folder, measures, { files: count, changes, rounds }) {
  const volume = new LoopVolume(prepare(folder, count), join(folder, "mnt"));
  const runs = {};
  let round = Date.now();
  try {
    const take = async (name, work) => {
      runs[name] = await medianOf(rounds, () => work(name));
    };
    await take("walk, cold", (name) => measures.walk(name, volume, true));
    await take("walk, warm", (name) => measures.walk(name, volume, false));
    await take("full scan, cold", (name) => measures.fullScan(name, volume, true));
    await take("full scan, warm", (name) => measures.fullScan(name, volume, false));
    for (const temperature of ["warm", "cold"]) {
      const cold = temperature === "cold";
      await take(`nothing changed, ${temperature}`, (name) => measures.rescan(name, volume, cold));
      for (const where of ["together", "scattered"]) {
        await take(`${changes} changed, ${where}, ${temperature}`, (name) => {
          changeFiles(volume, { count, changes, round: round++, where });
          return measures.rescan(name, volume, cold);
        });
      }
    }
    runs.resident = await measures.resident("rescans of a program that runs", volume, {
      ...{ rounds, home: homeOf(volume), count, changes, round },
    });
    runs["groups --limit 100"] = await measures.groups("groups --limit 100", volume, 100);
    runs.review = await measures.review("review", volume, 10_000);
  } finally {
    volume.close();
  }
  return { count, changes, runs };
}

/** The same steps without and with snapshots, on a copy of the image. */
async function ofSnapshots(folder, measures, { snapshotFiles: count, snapshots, changes, rounds }) {
  const image = prepare(folder, count);
  const copy = join(folder, "snapshots.img");
  copyImage(image, copy);
  const volume = new LoopVolume(copy, join(folder, "mnt"));
  const few = Math.max(1, Math.round(changes / 10));
  const runs = {};
  let round = 1;
  const scans = async (when) => {
    const take = async (what, work) => {
      runs[`${what}, ${when}`] = await medianOf(rounds, () => work(`${what}, ${when}`));
    };
    await take("nothing changed", (name) => measures.rescan(name, volume, false));
    await take("nothing changed, cold", (name) => measures.rescan(name, volume, true));
    await take(`${changes} changed`, (name) => {
      changeFiles(volume, { count, changes, round: round++, where: "scattered" });
      return measures.rescan(name, volume, false);
    });
    await take("full scan", (name) => measures.fullScan(name, volume, false));
    await take("full scan, cold", (name) => measures.fullScan(name, volume, true));
    await take("walk", (name) => measures.walk(name, volume, false));
  };
  try {
    await measures.fullScan("full scan", volume, false);
    await scans("no snapshots");
    const alike = `${snapshots} snapshots`;
    takeSnapshots(volume, snapshots);
    runs[`first rescan, ${alike}`] = await measures.rescan(`first rescan, ${alike}`, volume, false);
    await scans(alike);
    deleteSnapshots(volume, snapshots);
    runs[`rescan, ${alike} deleted`] = await measures.rescan(`rescan, ${alike} deleted`, volume, false);
    const differing = `${snapshots} snapshots, ${few} changes between`;
    takeSnapshots(volume, snapshots, () => {
      changeFiles(volume, { count, changes: few, round: round++, where: "scattered" });
    });
    runs[`first rescan, ${differing}`] = await measures.rescan(`first rescan, ${differing}`, volume, false);
    await scans(differing);
  } finally {
    volume.close();
    rmSync(copy, { force: true });
  }
  return { count, snapshots, changes, few, runs };
}

function publish(results, whole) {
  console.log(renderText(results));
  if (!whole) return;
  writeFileSync(join(home, "docs/benchmarks-scale.md"), renderMarkdown(results));
  writeFileSync(join(home, "docs/benchmarks-scale.json"), `${JSON.stringify(results, null, 2)}\n`);
  execFileSync(join(home, "node_modules/.bin/prettier"), [
    "--log-level=warn",
    "--write",
    join(home, "docs/benchmarks-scale.json"),
    join(home, "docs/benchmarks-scale.md"),
  ]);
  say("written: docs/benchmarks-scale.md and .json");
}

async function runAll(options, folder) {
  const free = statfsSync(folder);
  const need = options.files * 16 * 1024 + 2 ** 30;
  if (free.bavail * free.bsize < need) {
    throw new Error(`${folder}: ${Math.ceil(need / 2 ** 30)} GiB are needed; --keep DIR names another place`);
  }
  const start = performance.now();
  const measures = new Measures(join(folder, "run"), options.patience, say);
  const files = options.only === "snapshots" ? null : await ofFiles(folder, measures, options);
  const snapshots = options.only === "files" ? null : await ofSnapshots(folder, measures, options);
  const seconds = Math.round((performance.now() - start) / 1000);
  return { machine: describeMachine(folder), seconds, files, snapshots };
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
    say("bench: needs root, for loop devices and dropping caches: sudo npm run bench:scale");
    process.exit(3);
  }
  if (!existsSync(join(home, "bin/refold"))) throw new Error("bin/refold is not there");
  execFileSync("make", ["-s", "-C", join(home, "native"), "bench"], { stdio: "inherit" });

  const where = { named: options.keep, prefix: "refold-scale-", parts: ["run", "snapshots.img"] };
  await inWorkFolder(where, async (folder) => {
    const results = await runAll(options, folder);
    mkdirSync(join(home, "test-results"), { recursive: true });
    writeFileSync(join(home, "test-results/bench-scale.json"), JSON.stringify(results, null, 1));
    const whole =
      options.only === undefined &&
      options.files === 1_000_000 &&
      options.snapshots === 100 &&
      options.changes === 1000;
    publish(results, whole);
  });
}

await main().catch((error) => {
  say(`bench: ${error.message}`);
  process.exitCode = 1;
});
