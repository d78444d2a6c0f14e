/**
 * npm test: looks whether the tests can run here, runs them, and ends with one
 * line that says how many passed and failed. Two runners: vitest, and Playwright
 * for the app end to end (test/e2e). Words after `--` choose:
 *
 *     npm test -- test/ground-truth/oracle.test.ts
 *     npm test -- -t "hard link"                     vitest's, by name
 *     npm test -- test/e2e/fold.spec.ts              Playwright's
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
  Xvfb: "xvfb or xorg-x11-server-Xvfb",
  "dbus-daemon": "dbus or dbus-daemon",
  "desktop-file-validate": "desktop-file-utils",
};
/** A browser for the end-to-end tests; the first that is there is taken. */
const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];

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
  if (!BROWSERS.some(isOnPath)) refuse("there is no Chromium on PATH; scripts/setup.sh installs it");
  const knowsBtrfs = () => readFileSync("/proc/filesystems", "latin1").includes("\tbtrfs\n");
  if (!knowsBtrfs()) spawnSync("modprobe", ["btrfs"]);
  if (!knowsBtrfs()) refuse("this kernel has no btrfs (/proc/filesystems does not list it)");
  if (!existsSync("/dev/loop-control")) spawnSync("modprobe", ["loop"]);
  if (!existsSync("/dev/loop-control")) refuse("there are no loop devices (/dev/loop-control is missing)");
}

/** What a runner left in its report; ends the run where it left none. */
function readReport(path, runner) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    refuse(`${runner} left no report; what it said is above`);
  }
}

/** Tests that cannot be run on this distribution, as vitest's words; said in one line. */
function leftOut() {
  if (isOnPath("dpkg-deb")) return [];
  console.log("test/packaging is left out: the package is Debian's, and there is no dpkg-deb here");
  return ["--exclude", "test/packaging/**"];
}

function runVitest(node, scratch, words) {
  const report = join(scratch, "vitest.json");
  const run = spawnSync(
    node,
    [
      join(root, "node_modules", "vitest", "vitest.mjs"),
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
      ...leftOut(),
      ...words,
    ],
    { cwd: root, stdio: "inherit" },
  );
  const result = readReport(report, "vitest");
  // A file that could not be loaded, or whose set-up failed, has no failed test to show for it.
  const broken = result.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  ).length;
  // A name filter leaves tests out by intent; without one a skipped test is a hole in the suite.
  const isFiltered = words.some((word) => word === "-t" || word.startsWith("--testNamePattern"));
  const skipped = isFiltered ? 0 : result.numPendingTests + result.numTodoTests;
  return {
    passed: result.numPassedTests,
    failed: result.numFailedTests + broken + skipped,
    skipped,
    ended: run.status,
  };
}

function runPlaywright(node, scratch, words) {
  const report = join(scratch, "playwright.json");
  const run = spawnSync(
    node,
    [
      join(root, "node_modules", "@playwright", "test", "cli.js"),
      "test",
      "--config",
      join(root, "playwright.config.ts"),
      "--reporter=list,json",
      ...words,
    ],
    { cwd: root, stdio: "inherit", env: { ...process.env, PLAYWRIGHT_JSON_OUTPUT_NAME: report } },
  );
  const { stats, errors } = readReport(report, "Playwright");
  // "flaky" passed only when tried again, which is not passing
  const failed = stats.unexpected + stats.flaky + stats.skipped + errors.length;
  return { passed: stats.expected, failed, skipped: stats.skipped, ended: run.status };
}

// sudo and su may leave these out.
process.env.PATH = `${process.env.PATH ?? ""}${delimiter}/usr/sbin${delimiter}/sbin`;
check();
const scratch = mkdtempSync(join(tmpdir(), "refold-test-report-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const words = process.argv.slice(2);
const endToEnd = words.filter((word) => word.includes("test/e2e"));
const others = words.filter((word) => !word.includes("test/e2e"));

// The project's own Node, also where this is started without npm by an older one.
const ownNode = join(root, "node_modules", "node", "bin", "node");
const node = existsSync(ownNode) ? ownNode : process.execPath;
const results = [];
if (words.length === 0 || others.length > 0) results.push(runVitest(node, scratch, others));
if (words.length === 0 || endToEnd.length > 0) results.push(runPlaywright(node, scratch, endToEnd));

const sum = (field) => results.reduce((total, result) => total + result[field], 0);
if (sum("skipped") > 0) console.log(`${sum("skipped")} tests did not run: counted as failed`);
console.log(`${sum("passed")} passed, ${sum("failed")} failed`);
const clean = results.every(({ ended }) => ended === 0);
process.exit(clean && sum("failed") === 0 && sum("passed") > 0 ? 0 : 1);
