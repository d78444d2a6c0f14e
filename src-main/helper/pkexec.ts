/** The installed helper's road: pkexec(1), polkit's two actions, and what polkit's answers mean. */
import { lstatSync } from "node:fs";
import { access, constants } from "node:fs/promises";
import type { ErrorData } from "../../src-helper/rpc/protocol.ts";
import { appError } from "../app/app-error.ts";
import { spawnHelper, type Elevator, type Exit, type Mode } from "./elevator.ts";

const PKEXEC = "/usr/bin/pkexec";
const DISMISSED = 126;
const REFUSED = 127;

/** One program a mode: polkit tells the actions apart by the program's path alone. */
export type InstalledPrograms = Readonly<Record<Mode, string>>;

const PROGRAMS: InstalledPrograms = {
  observe: "/usr/lib/refold/refold-observe",
  manage: "/usr/lib/refold/refold-manage",
};
const POLICY = "/usr/share/polkit-1/actions/org.refold.Refold.policy";
const WRITABLE_BY_OTHERS = 0o022;

/**
 * The installed helper's programs; null where there are none, or where they are
 * not root's alone: asked for a password, nobody could see what gets it.
 */
export function findInstalled(
  programs: InstalledPrograms = PROGRAMS,
  policy: string = POLICY,
): InstalledPrograms | null {
  const trusted = [programs.observe, programs.manage, policy].every((path) => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return stat?.isFile() === true && stat.uid === 0 && (stat.mode & WRITABLE_BY_OTHERS) === 0;
  });
  return trusted ? programs : null;
}

const NOTHING = "Nothing was changed.";
const IN_A_TERMINAL = "or use sudo refold in a terminal";

/**
 * What pkexec's exit code means. 127 stands for several things, which only its
 * untranslated words tell apart; they choose the sentence and nothing else.
 */
export function explainPkexec({ code }: Exit, said: readonly string[]): ErrorData | "dismissed" | null {
  if (code === DISMISSED) return "dismissed";
  if (code !== REFUSED) return null;
  const words = said.join("\n");
  const refusal = (message: string, next: string): ErrorData => ({
    ...{ code: "permission", message, kept: NOTHING, next },
  });
  if (words.includes("No authentication agent found"))
    return refusal(
      "There is nothing in this session that could ask for the password.",
      `Start your desktop's polkit authentication agent, ${IN_A_TERMINAL}.`,
    );
  if (words.includes("Not authorized"))
    return refusal(
      "The system refused Refold root's rights.",
      `Check the password, that your account may administer this machine and that you sit in front of it, ${IN_A_TERMINAL}.`,
    );
  if (/Error (?:getting|checking|enumerating)|PolicyKit1|polkit/.test(words))
    return refusal(
      "The service that grants root's rights, polkit, does not answer.",
      `Start it (systemctl start polkit) and try again, ${IN_A_TERMINAL}.`,
    );
  return refusal(
    "The system did not give Refold root's rights.",
    `Check that your account may use administrator rights and that a polkit agent runs in your desktop, ${IN_A_TERMINAL}.`,
  );
}

/**
 * Through the desktop's polkit agent, which asks for a password where the
 * action needs one. pkexec passes standard input and output on, closes other
 * fds and clears the environment. The programs take no words.
 */
export function pkexecRoad(programs: InstalledPrograms, mode: Mode, pkexec: string = PKEXEC): Elevator {
  return {
    road: `pkexec, ${mode}`,
    asks: mode === "manage",
    start: async () => {
      try {
        await access(pkexec, constants.X_OK);
      } catch (cause) {
        throw appError("permission", "Refold needs root's rights, and pkexec is not installed.", {
          kept: NOTHING,
          next: `Install the package pkexec (on some systems: policykit-1 or polkit), ${IN_A_TERMINAL}.`,
          cause,
        });
      }
      // without a terminal the textual agent has nobody to ask
      return spawnHelper(pkexec, ["--disable-internal-agent", programs[mode]], process.env);
    },
    explain: explainPkexec,
  };
}
