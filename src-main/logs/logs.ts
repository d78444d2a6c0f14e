/**
 * Log files in $XDG_STATE_HOME/refold/log: refold.log, and two older ones. The
 * paths of a person's files belong at debug level, which is off unless
 * REFOLD_LOG=debug asks for it: a log is a thing that people send to strangers.
 */
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import electronLog from "electron-log/node";
import type { Log } from "../app/log.ts";

const LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LEVELS)[number];

/** Bytes of one file, and how many files there are, the newest included. */
const MAX_BYTES = 1024 * 1024;
const FILES = 3;
/** One message; what is longer is cut. */
const MAX_MESSAGE = 4096;

export interface Logs {
  readonly log: Log;
  /** To be shown by "Show logs". */
  readonly directory: string;
  /** The newest file. */
  readonly file: string;
}

/** "debug", "info" ... from REFOLD_LOG; info where it says nothing known. */
export function logLevel(env: NodeJS.ProcessEnv): LogLevel {
  return LEVELS.find((level) => level === env["REFOLD_LOG"]) ?? "info";
}

/** $XDG_STATE_HOME/refold/log. A relative XDG_STATE_HOME is not valid and is ignored, as the specification says. */
export function logDirectory(env: NodeJS.ProcessEnv, home: string): string {
  const state = env["XDG_STATE_HOME"];
  return join(state?.startsWith("/") === true ? state : join(home, ".local", "state"), "refold", "log");
}

/** One line, whatever the message holds: a newline in a file's name must not look like an entry of its own. */
export function logLine(message: string): string {
  const cut = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)} [cut]` : message;
  return cut.replaceAll(/[\p{Cc}\p{Bidi_Control}\p{Cs}\u2028\u2029]/gu, (character) => {
    const code = character.charCodeAt(0);
    if (character === "\n") return "\\n";
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/**
 * Opens the log. It never throws and never stops the app: where the directory
 * cannot be written, messages are dropped (and shown on stderr where `stderr` is set).
 *
 * @param directory see logDirectory; made with mode 0700
 * @param stderr also write there, for who starts the app in a terminal
 */
export function createLogs({
  directory,
  level,
  stderr = null,
  maxBytes = MAX_BYTES,
}: {
  readonly directory: string;
  readonly level: LogLevel;
  readonly stderr?: ((line: string) => void) | null;
  readonly maxBytes?: number;
}): Logs {
  const file = join(directory, "refold.log");
  const older = (age: number): string => (age === 0 ? file : join(directory, `refold.${String(age)}.log`));
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    stderr?.(`the log directory cannot be made: ${String(error)}`);
  }

  const logger = electronLog.create({ logId: file });
  logger.transports.console.level = false;
  // what the library says of itself, e.g. that the file cannot be written, also of its own default logger
  for (const { transports } of [electronLog, logger]) {
    transports.console.writeFn = ({ message }) => stderr?.(logLine(message.data.map(String).join(" ")));
  }
  Object.assign(logger.transports.file, {
    level,
    maxSize: maxBytes,
    format: "{y}-{m}-{d}T{h}:{i}:{s}.{ms}{z} {level} {text}",
    writeOptions: { flag: "a", mode: 0o600, encoding: "utf8" },
    resolvePathFn: () => file,
    archiveLogFn: () => {
      for (let age = FILES - 1; age > 0; age--) {
        try {
          renameSync(older(age - 1), older(age));
        } catch (error) {
          // the older ones are not there at first
          if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
            stderr?.(`the log cannot be rotated: ${String(error)}`);
          }
        }
      }
    },
  });

  const write = (at: LogLevel, message: string): void => {
    if (LEVELS.indexOf(at) > LEVELS.indexOf(level)) return;
    const line = logLine(message);
    // an array, so that a % in the message is not taken for a format
    logger[at]("%s", line);
    stderr?.(`${at}: ${line}`);
  };
  return {
    directory,
    file,
    log: {
      error: (message) => {
        write("error", message);
      },
      warn: (message) => {
        write("warn", message);
      },
      info: (message) => {
        write("info", message);
      },
      debug: (message) => {
        write("debug", message);
      },
    },
  };
}
