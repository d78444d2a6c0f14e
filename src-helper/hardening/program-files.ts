import { lstatSync, readdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { RefoldError } from "../engine/errors.ts";

/** Where packages put the helper, its Node and its libraries. */
export const INSTALLED_DIRECTORY = "/usr/lib/refold";

/** A program below this is an installed one, which polkit starts for people who are not root. */
export function isInstalled(path: string): boolean {
  return path === INSTALLED_DIRECTORY || path.startsWith(`${INSTALLED_DIRECTORY}/`);
}

const WRITABLE_BY_OTHERS = 0o022;

/** What lstat says of a file, as far as trust depends on it. */
export interface FileFacts {
  readonly uid: number;
  readonly mode: number;
  isFile(): boolean;
  isDirectory(): boolean;
}

/** Why a file or directory cannot be trusted with root's rights; null where it can. */
export function distrust(stat: FileFacts): string | null {
  if (!stat.isFile() && !stat.isDirectory()) return "is neither a file nor a directory";
  if (stat.uid !== 0) return `belongs to user ${stat.uid}, not to root`;
  // a group's ACL shows in these bits too
  if ((stat.mode & WRITABLE_BY_OTHERS) !== 0) return "can be written to by others than root";
  return null;
}

/** "/usr/lib/refold" -> itself, /usr/lib, /usr, / */
function withParents(directory: string): string[] {
  const list = [directory];
  for (let at = directory; at !== "/"; at = dirname(at)) list.push(dirname(at));
  return list;
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? [path, ...filesBelow(path)] : [path];
  });
}

/**
 * Looks whether anybody but root can have changed the program: every file below
 * `directory`, and every directory from there up to the root directory. A
 * symbolic link inside is refused, whatever it points to.
 *
 * @throws RefoldError "permission" which names the first file that is not root's alone
 */
export function checkProgramFiles(directory: string): void {
  const real = realpathSync(directory);
  for (const path of [...withParents(real).reverse(), ...filesBelow(real)]) {
    const reason = distrust(lstatSync(path));
    if (reason !== null) {
      throw new RefoldError("permission", `${path} ${reason}: Refold does not run as root from there`, {
        kept: "Nothing was done.",
        next: "Find out who changed it, then install Refold again.",
      });
    }
  }
}
