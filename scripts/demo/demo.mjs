/**
 * The demo itself, on a volume that scripts/demo.sh made and will remove:
 *
 *     demo.mjs REFOLD VOLUME DATABASE
 *
 * Refold speaks for itself; what it says is then held against two witnesses
 * that are not Refold: `btrfs filesystem usage`, and SHA-256 of every file.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { openSync, closeSync, readdirSync, readSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { DemoPlan, fillDemo } from "../../src-helper/demo/data.ts";

const [refold, volume, database] = process.argv.slice(2);
const bold = process.stdout.isTTY ? (text) => `\x1b[1m${text}\x1b[0m` : (text) => text;
const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** Runs Refold with the words a person would type, shown first. Ends the demo where it fails. */
function show(...words) {
  console.log(bold(`\n$ refold ${words.join(" ")}`));
  const { status } = spawnSync(refold, [...words, "--db", database], { stdio: "inherit" });
  if (status !== 0) {
    console.error(`demo: refold ${words[0]} ended with exit code ${status}`);
    process.exit(1);
  }
}

/** What `refold history` kept of the last run. */
function lastRun() {
  const text = execFileSync(refold, ["history", volume, "--json", "--db", database], { encoding: "utf8" });
  const runs = text.trim().startsWith("[") ? JSON.parse(text) : text.trim().split("\n").map(JSON.parse);
  return (runs[0].runs ?? runs).at(-1);
}

/** Bytes of data in use, as `btrfs filesystem usage` has it after a sync. */
function dataUsed() {
  for (let k = 0; k < 2; k++) execFileSync("btrfs", ["filesystem", "sync", volume]);
  const usage = execFileSync("btrfs", ["filesystem", "usage", "-b", volume], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return Number(/^Data,.*Used:(\d+)/m.exec(usage)[1]);
}

/** Path and SHA-256 of every file, in one hash. */
function fingerprint() {
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(1 << 20);
  const entries = readdirSync(volume, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    hash.update(`${file}\0`);
    const fd = openSync(file, "r");
    for (let n = readSync(fd, buffer); n > 0; n = readSync(fd, buffer)) hash.update(buffer.subarray(0, n));
    closeSync(fd);
  }
  return { files: files.length, digest: hash.digest("hex") };
}

async function agreed() {
  if (process.env.DEMO_YES) {
    console.log("\nTold to go on without asking (--yes or DEMO_YES).");
    return true;
  }
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    console.log("\nThere is no terminal to ask on: going on. The volume is the demo's own.");
    return true;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  terminal.once("SIGINT", () => process.exit(130));
  const answer = await terminal.question(bold("\nFold them? [y/N] "));
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

function otherVolumes() {
  const { stdout } = spawnSync("findmnt", ["-rn", "-t", "btrfs", "-o", "TARGET"], { encoding: "utf8" });
  // What lies in the directory of temporary files is somebody's test, as this one is.
  return (stdout ?? "").split("\n").filter((path) => path.startsWith("/") && !path.startsWith(tmpdir()));
}

async function main() {
  const plan = new DemoPlan();
  const btrfs = async (...words) => execFileSync("btrfs", ["-q", ...words]);
  const filling = fillDemo(volume, plan, { btrfs, owner: null });
  while (!(await filling.next()).done);
  console.log(`A btrfs volume of its own, at ${volume}: ${plan.files} files in the subvolumes home, media`);
  console.log("and backup, and a read-only snapshot of home. Photos, a disk image, an .iso and three");
  console.log("node_modules trees are there more than once.");
  const before = fingerprint();
  const usedBefore = dataUsed();

  show("scan", volume);
  show("groups", volume, "--limit", "4");
  if (!(await agreed())) {
    console.log("Nothing was folded.");
    return;
  }
  show("dedup", volume, "--yes");

  const usedAfter = dataUsed();
  const after = fingerprint();
  const run = lastRun();
  console.log(bold("\nPromised and measured, side by side"));
  for (const [label, bytes] of [
    ["Refold promised", run.predictedBytes],
    ["Refold measured", run.freedBytes],
    ["btrfs filesystem usage", usedBefore - usedAfter],
  ]) {
    console.log(`  ${label.padEnd(24)}${mebibytes(bytes).padStart(10)}${String(bytes).padStart(14)} bytes`);
  }
  console.log(`  data in use: ${mebibytes(usedBefore)} before, ${mebibytes(usedAfter)} after`);
  const same = after.digest === before.digest;
  console.log(`  content of all ${after.files} files, by SHA-256: ${same ? "unchanged" : "CHANGED"}`);
  if (!same) process.exitCode = 1;

  const [other] = otherVolumes();
  if (other !== undefined)
    console.log(`\nThere is a btrfs at ${other}. To look at it: sudo npx refold scan ${other}`);
}

await main();
