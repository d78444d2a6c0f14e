import { readFileSync } from "node:fs";
import { RefoldError } from "../engine/errors.ts";
import { call, errnoName, tryCall } from "../native/library.ts";
import { capabilityMask, type HelperMode, neededCapabilities } from "./capabilities.ts";
import { cleanEnvironment, MARK } from "./environment.ts";
import { checkProgramFiles, INSTALLED_DIRECTORY, isInstalled } from "./program-files.ts";
import { findExcess, readThreads } from "./process-state.ts";

export interface HardenOptions {
  readonly mode: HelperMode;
  /** Where the running bundle lies: import.meta.dirname. */
  readonly programDirectory: string;
}

/**
 * Makes this process the helper that `mode` needs and nothing more. To be
 * called once, before anything is read from standard input or opened.
 *
 * As root it happens in two processes of one id. The first checks the program's
 * files (where it is an installed one), gives up capabilities and the right to
 * get new ones, and executes the same command again, with a clean environment
 * and fds 0 to 2 only: capabilities are kept per thread, and Node has threads
 * already that could not be reached. The second looks whether all its threads
 * are as they should be, forbids dumps, and installs the seccomp filter.
 *
 * Without root there is nothing to give up; the environment is cleaned all the
 * same.
 *
 * @throws RefoldError "permission" where the program's files are not root's
 *   alone, or rights remain that should have gone: the helper must not start
 */
export function hardenHelper(options: HardenOptions): void {
  process.umask(0o077);
  if (process.geteuid?.() !== 0) {
    setEnvironment(cleanEnvironment(process.env));
    return;
  }
  if (isInstalled(options.programDirectory)) checkProgramFiles(INSTALLED_DIRECTORY);
  const mask = capabilityMask(neededCapabilities(options.mode));
  const isSecond = process.env[MARK] === "1";
  const environment = cleanEnvironment(process.env);
  if (!isSecond) startAgain(mask, environment);

  const excess = findExcess(readThreads(), BigInt(mask));
  if (excess.length > 0) refuse(`it kept ${excess.join(", ")} that it must not have`);
  setEnvironment(environment);
  call("rf_no_dump");
  const filtered = tryCall("rf_seccomp", options.mode === "observe" ? 1 : 0);
  // -ENOSYS: no filter is written for this machine, or its kernel has none
  if (filtered < 0 && errnoName(-filtered) !== "ENOSYS") refuse(`seccomp: ${errnoName(-filtered)}`);
}

function refuse(what: string): never {
  throw new RefoldError(
    "permission",
    `the helper could not give up its rights (${what}), so it does not start`,
    {
      kept: "Nothing was done.",
      next: "Please report this, with your kernel's version.",
    },
  );
}

/** Does not return: the process goes on as its second self. */
function startAgain(mask: number, environment: Readonly<Record<string, string>>): never {
  // before the rights go: whoever they are left to must be able to read these
  const words = readFileSync("/proc/self/cmdline");
  const settings = Object.entries({ ...environment, [MARK]: "1" }).map(
    ([name, value]) => `${name}=${value}\0`,
  );
  const block = Buffer.from(settings.join(""));
  call("rf_restrict", mask);
  const failed = tryCall("rf_exec", process.execPath, words, words.length, block, block.length);
  refuse(`execve: ${errnoName(-failed)}`);
}

function setEnvironment(environment: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(process.env)) {
    if (!(name in environment)) Reflect.deleteProperty(process.env, name);
  }
  Object.assign(process.env, environment);
}
