/**
 * Measures the search for parts of files, and the plan of their fold, on a volume of very many files: time, and
 * the most memory that is taken. By hand, as root:
 *
 *     npm run --silent build && make -s -C native bench && node scripts/bench/deep/many.mjs --image FILE
 *       [--sharing 300000] [--work DIR] [--patience 5] [--json]
 *
 * --image: one of the scale bench (`npm run bench:scale -- --keep DIR`); a copy of it is changed, and removed.
 * --sharing: files of 24 KiB that are added to it, each of which has 16 KiB in common with one other.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { measure } from "../measure.mjs";
import { writePairs } from "../review/corpus.mjs";
import { closeAll, copyImage, LoopVolume } from "../volume.mjs";

const { values } = parseArgs({
  options: {
    image: { type: "string" },
    sharing: { type: "string", default: "300000" },
    work: { type: "string" },
    patience: { type: "string", default: "5" },
    json: { type: "boolean", default: false },
  },
});
if (values.image === undefined) throw new Error("--image: want an image of a btrfs volume");

const home = resolve(import.meta.dirname, "../../..");
const [refold, wrapper] = [join(home, "bin/refold"), join(home, "native/build/bench/measure")];
/** Room for a file that is added and what the filesystem keeps of it, bytes; the image is sparse. */
const BYTES_A_FILE = 48 * 1024;

const directory = mkdtempSync(join(values.work ?? tmpdir(), "refold-many-"));
process.on("exit", () => {
  closeAll();
  rmSync(directory, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

const [image, work] = [join(directory, "disk.img"), join(directory, "run")];
mkdirSync(work);
copyImage(values.image, image);
truncateSync(image, statSync(image).size + Number(values.sharing) * BYTES_A_FILE);
const volume = new LoopVolume(image, join(directory, "mnt"));
execFileSync("btrfs", ["filesystem", "resize", "max", volume.mountPath], { stdio: "ignore" });
writePairs(volume.mountPath, Math.floor(Number(values.sharing) / 2));

/** One run with cold caches. The program itself stays warm. */
async function run(name, ...words) {
  volume.makeCold();
  execFileSync(refold, ["--version"], { stdio: "ignore" });
  const command = [refold, ...words, volume.mountPath, "--db", join(directory, "db"), "--json"];
  const { output, ...cost } = await measure(wrapper, volume, command, work, Number(values.patience));
  const [said] = JSON.parse(readFileSync(output, "utf8")).volumes;
  return { name, ...cost, said };
}

const runs = [
  await run("scan, everything", "scan"),
  await run("scan --deep, everything", "scan", "--deep", "--verbose"),
  await run("scan --deep again", "scan", "--deep"),
  await run("dedup --dry-run --deep", "dedup", "-n", "--deep"),
];
if (values.json) console.log(JSON.stringify(runs, null, 2));
else {
  for (const { name, seconds, cpu, memory, read, said } of runs) {
    const words = [`${seconds.toFixed(1)} s`, `CPU ${cpu.toFixed(1)} s`, `${Math.round(memory / 1e6)} MB`];
    console.log(`${name}: ${words.join(", ")}, ${Math.round(read / 2 ** 20)} MiB read`, JSON.stringify(said));
  }
}
