import { execFile } from "node:child_process";
import { RefoldError } from "../engine/errors.ts";

/** Programs that the demo volume is made with, and the packages that Debian and Fedora both have them in. */
const PACKAGES = {
  "mkfs.btrfs": "btrfs-progs",
  btrfs: "btrfs-progs",
  losetup: "util-linux",
  mount: "util-linux",
  umount: "util-linux",
} as const;
export type Program = keyof typeof PACKAGES;

/** Root's own: what the caller's PATH says does not matter. */
const ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

/**
 * Runs a program to its end.
 * @param path where programs are looked for, for tests
 * @returns its standard output
 * @throws RefoldError "failed" with its own words, or with the package that it is missing from
 */
export function runProgram(
  program: Program,
  words: readonly string[],
  path: string = ENVIRONMENT.PATH,
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, words, { env: { ...ENVIRONMENT, PATH: path } }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (error.code === "ENOENT") reject(missing(program));
      else reject(failed(program, stderr.trim() || error.message));
    });
  });
}

function missing(program: Program): RefoldError {
  return new RefoldError("failed", `The program ${program} is not installed.`, {
    kept: "Nothing was changed.",
    next: `Install the package ${PACKAGES[program]} and try again.`,
  });
}

function failed(program: Program, words: string): RefoldError {
  return new RefoldError("failed", `${program} failed: ${words}`, {
    kept: "No filesystem but the demo volume's own was touched.",
    next: "Where this is a container, loop devices and mounts must be permitted in it.",
  });
}
