import { readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path/posix";
import { Argument, Command } from "commander";
import type { FolderRule } from "../../engine/contract.ts";
import { RefoldError } from "../../engine/errors.ts";
import { bytesToJsonString, jsonStringToBytes } from "../../text/path-text.ts";
import { EXIT } from "../exit-codes.ts";
import { PATHS_HELP } from "../help-text.ts";
import { addOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { displayPath } from "../terminal-text.ts";
import type { Launch } from "./launch.ts";

const AFTER_HELP = `
always: the timer folds what is in the folder with nobody watching, and so does
'refold dedup --always'; once a rule says always, the timer folds nothing else.
never: nothing in the folder is changed, shared with or locked, by any command.
A rule holds for everything below its folder; the nearest one decides. What is
said of a folder holds for the same folder in snapshots of its subvolume too.

The owner of a file or folder can keep Refold away without any rule:
  setfattr -n user.refold.dedupe -v never PATH      that, and all below it
Such an attribute wins over every rule; another value says nothing.

Examples:
  sudo refold rules                            the rules, and where they hold
  sudo refold rules set /home/anna/vm never
  sudo refold rules set /srv/mirror always
  sudo refold rules remove /srv/mirror
${PATHS_HELP}`;

/** `refold rules`: which folders are folded without asking, and which are never touched. */
export function rulesCommand(launch: Launch): Command {
  const command = new Command("rules")
    .summary("folders that are always folded, or never touched")
    .description(
      "Lists the rules of folders, or with 'set' and 'remove' changes one. They hold for every command, for the timer " +
        "and for the app.",
    )
    .addArgument(new Argument("[ACTION]", "none: list").choices(["set", "remove"]))
    .argument("[FOLDER]", "the folder")
    .addArgument(new Argument("[FOLD]", "set: what is to become of it").choices(["always", "never"]))
    .addHelpText("after", AFTER_HELP);
  addOptions(command, "basic");
  return command.action((action?: "set" | "remove", folder?: string, fold?: FolderRule["fold"]) =>
    launch(command, { root: true }, async (session) => {
      if (action === undefined) await list(session);
      else if (action === "set") await set(session, folder, fold);
      else await remove(session, folder, fold);
    }),
  );
}

async function list(session: Session): Promise<void> {
  const engine = await session.engine();
  const rules = engine.rules();
  if (session.options.json) {
    session.printJson({ file: session.options.rulesFile, folders: rules.map(ruleJson) });
    return;
  }
  for (const rule of rules) session.print(describe(rule));
  if (rules.length === 0) session.say("No rules: 'refold rules set FOLDER always|never' makes one.");
}

async function set(session: Session, folder?: string, fold?: FolderRule["fold"]): Promise<void> {
  if (folder === undefined || fold === undefined) {
    throw new RefoldError("usage", "'refold rules set' takes a folder, and always or never");
  }
  const engine = await session.engine();
  const rule = engine.setRule(realPath(folder), fold);
  if (session.options.json) session.printJson(ruleJson(rule));
  else session.say(describe(rule));
}

async function remove(session: Session, folder?: string, more?: string): Promise<void> {
  if (folder === undefined || more !== undefined) {
    throw new RefoldError("usage", "'refold rules remove' takes a folder");
  }
  const engine = await session.engine();
  // as it stands in the list, or as it is reached now
  const removed = engine.removeRule(absolutePath(folder)) || engine.removeRule(realPath(folder, false));
  if (session.options.json) session.printJson({ path: folder, removed });
  else if (removed) session.say(`${displayPath(folder)} has no rule any more.`);
  if (removed) return;
  session.raise(EXIT.incomplete);
  session.tell(`${displayPath(folder)} has no rule ('refold rules' lists them)`);
}

function describe({ path, fold, volumes }: FolderRule): string {
  const nowhere = volumes.length > 0 ? "" : "  (no such folder on a mounted btrfs now)";
  return `${fold.padEnd(6)}  ${displayPath(path)}${nowhere}`;
}

function ruleJson({ path, fold, volumes }: FolderRule): Record<string, unknown> {
  return { path: bytesToJsonString(path), fold, volumes };
}

/** A path of the command line from the root, without //, . and .. */
function absolutePath(word: string): Buffer {
  const bytes = jsonStringToBytes(word);
  const here = word.startsWith("/")
    ? Buffer.alloc(0)
    : readlinkSync("/proc/self/cwd", { encoding: "buffer" });
  // latin1: a byte a character, whatever it is
  const whole = join("/", here.toString("latin1"), bytes.toString("latin1"));
  return Buffer.from(whole.length > 1 ? whole.replace(/\/$/, "") : whole, "latin1");
}

/** The same with no link in it. @param mustExist false: where there is no such path, it is taken as it is */
function realPath(word: string, mustExist = true): Buffer {
  const path = absolutePath(word);
  try {
    return realpathSync(path, { encoding: "buffer" });
  } catch (error) {
    if (!mustExist) return path;
    const { code } = error as NodeJS.ErrnoException;
    throw new RefoldError("failed", `${path.toString()} is not to be found (${code ?? "unknown error"})`, {
      kept: "The rules are as they were.",
      cause: error,
    });
  }
}
