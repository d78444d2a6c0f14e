import { existsSync } from "node:fs";
import path from "node:path";
import type { EventEmitter } from "node:events";
import { type Command, CommanderError } from "commander";
import { version } from "../../package.json";
import { RefoldError } from "../engine/errors.ts";
import { buildProgram, type Launch } from "./commands/definitions.ts";
import { EXIT } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import { foreignOptions, readCommonOptions } from "./options.ts";
import { errorLine, type LoadEngine, Session } from "./session.ts";
import { SIGNAL_EXIT_CODES } from "./signals.ts";
import { displayMessage, shellQuote } from "./terminal-text.ts";

/** What the command line needs from outside. */
export interface Surroundings {
  readonly io: Io;
  readonly loadEngine: LoadEngine;
  /** Emits SIGINT, SIGTERM and SIGHUP: the process. */
  readonly signals: Pick<EventEmitter, "on" | "off">;
  /** The launcher beside this program, for a person who has not installed it; null where unknown. */
  readonly launcher: string | null;
}

/** How to repeat a call as root: `sudo refold ...`, and by its path where sudo would not find it. */
export function rootCall(
  words: readonly string[],
  launcher: string | null,
  installed: (name: string) => boolean = existsSync,
): string {
  const rest = words.map((word) => ` ${shellQuote(word)}`).join("");
  const places = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  const found = places.some((place) => installed(path.join(place, "refold")));
  const otherwise = found || launcher === null ? "" : ` (from here: sudo ${shellQuote(launcher)}${rest})`;
  return `sudo refold${rest}${otherwise}`;
}

/**
 * Runs one call of `refold`.
 *
 * @param words what came after the program's name, written as path-text.ts says
 * @returns the exit code
 */
export async function run(words: readonly string[], surroundings: Surroundings): Promise<number> {
  const { io } = surroundings;
  let exitCode: number = EXIT.done;
  const launch: Launch = async (command, needs, body) => {
    const options = readCommonOptions(command);
    const foreign = foreignOptions(command);
    if (foreign.length > 0) {
      throw new RefoldError("usage", `'refold ${command.name()}' takes no ${foreign.join(", ")}`);
    }
    if (needs.root && !io.isRoot) {
      io.err.write(`refold: '${command.name()}' needs root: ${rootCall(words, surroundings.launcher)}\n`);
      exitCode = EXIT.notPermitted;
      return;
    }
    using session = new Session(io, options, surroundings.loadEngine, surroundings.signals);
    try {
      await body(session);
      io.out.flush();
    } catch (error) {
      session.fail(error);
    }
    exitCode = session.stopSignal === null ? session.exitCode : SIGNAL_EXIT_CODES[session.stopSignal];
  };
  const program = buildProgram(launch, version);
  quieten(program, io);
  try {
    await program.parseAsync([...words], { from: "user" });
    io.out.flush();
  } catch (error) {
    if (error instanceof CommanderError) {
      io.out.flush();
      return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    }
    io.err.write(`refold: ${errorLine(error)}\n`);
    return error instanceof RefoldError ? EXIT.usage : EXIT.incomplete;
  }
  return exitCode;
}

/** Commander throws instead of ending the process, and says what is wrong on one line. */
function quieten(program: Command, io: Io): void {
  const all = [program, ...program.commands];
  for (const command of all) {
    command.exitOverride();
    command.configureOutput({
      writeOut: (text) => {
        io.out.write(text);
      },
      writeErr: (text) => {
        io.err.write(text);
      },
      outputError: (text, write) => {
        const help = command === program ? "refold --help" : `refold ${command.name()} --help`;
        const message = displayMessage(text.trim().replace(/^error: /u, ""));
        write(`refold: ${message.replace(/\.$/u, "")} (see '${help}')\n`);
      },
      getOutHelpWidth: () => Math.min(io.out.columns, 100),
      getErrHelpWidth: () => Math.min(io.err.columns, 100),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  }
}
