/** The ways to a helper: which there are, and the two that ask nobody. */
import { access, constants } from "node:fs/promises";
import { appError } from "../app/app-error.ts";
import { helperArguments, spawnHelper, type Elevator, type HelperCommand } from "./elevator.ts";
import { findInstalled, pkexecRoad, type InstalledPrograms } from "./pkexec.ts";
import { sudoRoad } from "./sudo-road.ts";

async function startHere(command: HelperCommand, env: NodeJS.ProcessEnv) {
  try {
    await access(command.program, constants.X_OK);
  } catch (cause) {
    throw appError("failed", `The helper cannot be started: ${command.program} is not there.`, {
      kept: "Nothing was changed.",
      next: "Install Refold again.",
      cause,
    });
  }
  return spawnHelper(command.program, helperArguments(command), env);
}

/** The app runs as root: so does its child. */
export function directRoad(command: HelperCommand, env: NodeJS.ProcessEnv = process.env): Elevator {
  return { road: "direct", asks: false, start: () => startHere(command, env), explain: () => null };
}

/** Without more rights than the person's: lists volumes, and nothing else. */
export function userRoad(command: HelperCommand, env: NodeJS.ProcessEnv = process.env): Elevator {
  return { road: "user", asks: false, start: () => startHere(command, env), explain: () => null };
}

/** What leads to which helper. */
export interface Roads {
  /** To everything. */
  readonly manage: Elevator;
  /** To totals without a password; null where there is no such way. */
  readonly observe: Elevator | null;
  /** Without rights; null where `manage` asks nobody. */
  readonly user: Elevator | null;
}

/**
 * The roads for a process of this user: as root directly; by pkexec where the
 * helper is installed as root's own; else by sudo-prompt and a socket.
 *
 * @param installed null: the command's own program, although another one may be installed
 */
export function findRoads(
  uid: number,
  command: HelperCommand,
  installed: InstalledPrograms | null = findInstalled(),
): Roads {
  if (uid === 0) return { manage: directRoad(command), observe: null, user: null };
  const user = userRoad(command);
  if (installed === null) return { manage: sudoRoad(command), observe: null, user };
  return { manage: pkexecRoad(installed, "manage"), observe: pkexecRoad(installed, "observe"), user };
}
