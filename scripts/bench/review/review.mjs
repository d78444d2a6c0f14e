/**
 * Measures the review of very many groups, in the helper: what a page waits for. By hand, as root:
 *
 *     npm run --silent build && npx node --expose-gc scripts/bench/review/review.mjs [--groups 200000] [--copies 100]
 *       [--snapshots 1] [--pairs 10000] [--json]
 *
 * Ticks are told in processor time, so that what else the machine does is not in them.
 * --copies: of each group, else two or three. --snapshots: read-only ones of all, measured left alone and folded too.
 * --pairs: files that have a part in common, two by two; parts of files are measured then.
 *
 * Makes a loop volume in a temporary directory (some 3 GB for 200,000 groups) and removes it afterwards.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { closeAll, LoopVolume, makeImage } from "../volume.mjs";
import { takeSnapshots, writeGroups, writePairs } from "./corpus.mjs";
import { measureReview } from "./measure.mjs";
import { measureRanges } from "./ranges.mjs";

const { values } = parseArgs({
  options: {
    groups: { type: "string", default: "200000" },
    copies: { type: "string", default: "0" },
    snapshots: { type: "string", default: "0" },
    pairs: { type: "string", default: "0" },
    json: { type: "boolean", default: false },
  },
});
const directory = mkdtempSync(join(process.env.REFOLD_BENCH_DIR ?? tmpdir(), "refold-review-"));
process.on("exit", () => {
  closeAll();
  rmSync(directory, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

const image = join(directory, "disk.img");
makeImage(image, 16 * 2 ** 30);
const volume = new LoopVolume(image, join(directory, "mnt"));
const database = join(directory, "db");
const [snapshots, pairs] = [Number(values.snapshots), Number(values.pairs)];
const { files } = writeGroups(volume.mountPath, {
  groups: Number(values.groups),
  copies: Number(values.copies),
});
if (pairs > 0) writePairs(volume.mountPath, pairs);
takeSnapshots(volume.mountPath, snapshots);
const program = new URL("../../../bin/refold", import.meta.url).pathname;
execFileSync(program, ["scan", volume.mountPath, "--db", database, "--flush"], { stdio: "ignore" });
const uuid = execFileSync("blkid", ["-p", "-s", "UUID", "-o", "value", volume.device], {
  encoding: "utf8",
}).trim();

const figures = {};
for (const folded of snapshots > 0 ? [false, true] : [false]) {
  const which = folded ? " (snapshots folded, too)" : "";
  const measured = await measureReview(uuid, database, folded);
  if (pairs > 0) Object.assign(measured, await measureRanges(uuid, database, folded));
  for (const [what, figure] of Object.entries({ files, ...measured })) figures[what + which] = figure;
}
if (values.json) console.log(JSON.stringify(figures, null, 2));
else for (const [what, figure] of Object.entries(figures)) console.log(what.padEnd(76), figure);
