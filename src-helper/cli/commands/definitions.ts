import { type Argument, Command } from "commander";
import { PATHS_HELP } from "../help-text.ts";
import { addOptions, COMMON_GROUPS } from "../options.ts";
import { dedupCommand } from "./dedup.ts";
import { dedupFilesCommand } from "./dedup-files.ts";
import { findNewCommand } from "./find-new.ts";
import { forgetCommand } from "./forget.ts";
import { generationCommand } from "./generation.ts";
import { groupsCommand } from "./groups.ts";
import { historyCommand } from "./history.ts";
import type { Launch } from "./launch.ts";
import { repairCommand } from "./repair.ts";
import { resetCommand } from "./reset.ts";
import { rpcCommand } from "./rpc.ts";
import { rulesCommand } from "./rules.ts";
import { scanCommand } from "./scan.ts";
import { showCommand } from "./show.ts";
import { sizeLookupCommand } from "./size-lookup.ts";
import { stuckCommand } from "./stuck.ts";

export type { Launch } from "./launch.ts";

const AFTER_HELP = `
VOLUME is a mount path, any directory of a subvolume (then that subvolume and
those below it), a uuid, a label or a /dev path. Without one: all mounted
writable btrfs filesystems. The options above stand before or after the command.

Exit codes: 0 done; 1 done, but some files were skipped or failed; 2 wrong
usage; 3 not permitted; 4 not btrfs or no such volume; 130 cancelled (143 and
129 when ended by SIGTERM and SIGHUP).
${PATHS_HELP}

Examples:
  sudo refold scan                      how much is there to get back?
  sudo refold groups --limit 20 /home   the twenty largest savings
  sudo refold dedup /home               fold them, after a question
  sudo refold dedup --deep /home        parts of files that occur twice, too
  sudo refold stuck                     files an interrupted run left locked`;

const COMMANDS = [
  showCommand,
  scanCommand,
  groupsCommand,
  dedupCommand,
  dedupFilesCommand,
  findNewCommand,
  stuckCommand,
  repairCommand,
  historyCommand,
  rulesCommand,
  resetCommand,
  forgetCommand,
  generationCommand,
  sizeLookupCommand,
] as const;

function humanReadable(argument: Argument): string {
  const name = argument.name() + (argument.variadic ? "..." : "");
  return argument.required ? `<${name}>` : `[${name}]`;
}

/**
 * The whole command line as commander has it: for running, and for a man page
 * or completions to be made from.
 *
 * @param launch runs a command's body
 * @param version of Refold
 */
export function buildProgram(launch: Launch, version: string): Command {
  const program = new Command("refold")
    .description("Gives back the disk space that duplicate data takes on btrfs.")
    .version(`refold ${version}`, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help for a command")
    .addHelpText("after", AFTER_HELP)
    .showSuggestionAfterError(true)
    .configureHelp({
      // The options of each stand in its own help: a short column leaves room to tell what it does.
      subcommandTerm: (command) =>
        [command.name(), ...command.registeredArguments.map((argument) => humanReadable(argument))].join(" "),
    });
  addOptions(program, ...COMMON_GROUPS);
  for (const make of COMMANDS) program.addCommand(make(launch).helpOption("-h, --help", "print help"));
  program.addCommand(rpcCommand(launch).helpOption("-h, --help", "print help"), { hidden: true });
  return program;
}
