/**
 * npm test: looks whether the tests can run here, runs them, and ends with one
 * line that says how many passed and failed. Words after `--` go to vitest:
 *
 *     npm test -- test/ground-truth/oracle.test.ts
 *     npm test -- -t "hard link"
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const PROGRAMS = {
  "mkfs.btrfs": "btrfs-progs",
  btrfs: "btrfs-progs",
  losetup: "mount or util-linux",
  mount: "mount or util-linux",
  umount: "mount or util-linux",
  blkid: "util-linux",
  setfacl: "acl",
  filefrag: "e2fsprogs",
  cp: "coreutils",
};

/** One clear line, then the end: a test that cannot get its volume is a failure. */
function refuse(message) {
  console.error(`cannot run the tests: ${message}`);
  console.log("0 passed, 0 failed");
  process.exit(1);
}

function isOnPath(program) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function check() {
  if (process.getuid?.() !== 0) refuse("they make and mount volumes, so they need root: sudo npm test");
  const missing = Object.keys(PROGRAMS).filter((program) => !isOnPath(program));
  if (missing.length > 0) {
    const packages = [...new Set(missing.map((program) => PROGRAMS[program]))].join(", ");
    refuse(`missing programs: ${missing.join(", ")} (packages: ${packages}); scripts/setup.sh installs them`);
  }
  const knowsBtrfs = () => readFileSync("/proc/filesystems", "latin1").includes("\tbtrfs\n");
  if (!knowsBtrfs()) spawnSync("modprobe", ["btrfs"]);
  if (!knowsBtrfs()) refuse("this kernel has no btrfs (/proc/filesystems does not list it)");
  if (!existsSync("/dev/loop-control")) spawnSync("modprobe", ["loop"]);
  if (!existsSync("/dev/loop-control")) refuse("there are no loop devices (/dev/loop-control is missing)");
}

// sudo and su may leave these out.
process.env.PATH = `${process.env.PATH ?? ""}${delimiter}/usr/sbin${delimiter}/sbin`;
check();
const scratch = mkdtempSync(join(tmpdir(), "refold-test-report-"));
const report = join(scratch, "report.json");
const words = process.argv.slice(2);
// A name filter leaves tests out by intent; without one a skipped test is a hole in the suite.
const isFiltered = words.some((word) => word === "-t" || word.startsWith("--testNamePattern"));

// The project's own Node, also where this is started without npm by an older one.
const ownNode = join(root, "node_modules", "node", "bin", "node");
const run = spawnSync(
  existsSync(ownNode) ? ownNode : process.execPath,
  [
    join(root, "node_modules", "vitest", "vitest.mjs"),
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...words,
  ],
  { cwd: root, stdio: "inherit" },
);

let result;
try {
  result = JSON.parse(readFileSync(report, "utf8"));
} catch {
  refuse("vitest left no report; what it said is above");
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

// A file that could not be loaded, or whose set-up failed, has no failed test to show for it.
const brokenFiles = result.testResults.filter(
  (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
).length;
const skipped = isFiltered ? 0 : result.numPendingTests + result.numTodoTests;
if (skipped > 0) console.log(`${skipped} tests did not run: counted as failed`);
const passed = result.numPassedTests;
const failed = result.numFailedTests + brokenFiles + skipped;
console.log(`${passed} passed, ${failed} failed`);
process.exit(run.status === 0 && failed === 0 && passed > 0 ? 0 : 1);
