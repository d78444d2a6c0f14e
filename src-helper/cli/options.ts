import { type Command, InvalidArgumentError, Option } from "commander";
import { DEEP_DEFAULTS, type DeepOptions, type FoldOptions, type Selection } from "../engine/contract.ts";
import { parseSize } from "./units.ts";

/** As rules/file.ts has it, which a help text must not load. */
const RULES_FILE = "/etc/refold/rules.json";

export const DEFAULT_DATABASE_DIR = "/var/lib/refold";
export const DEFAULT_MIN_SIZE = 4096;

/** @throws InvalidArgumentError where the text is no size */
export function sizeArgument(text: string): number {
  const size = parseSize(text);
  if (size === null) throw new InvalidArgumentError("A size is written like 4096, 4K, 1M or 1.5G.");
  return size;
}

/** @throws InvalidArgumentError where the text is no whole number from `least` on */
export function countArgument(least: number): (text: string) => number {
  return (text) => {
    const count = /^\d+$/u.test(text) ? Number(text) : NaN;
    if (!Number.isSafeInteger(count) || count < least) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} on.`);
    }
    return count;
  };
}

/** @throws InvalidArgumentError where the text is no percentage */
function percentArgument(text: string): number {
  const match = /^(\d+)%?$/u.exec(text);
  const percent = match === null ? NaN : Number(match[1]);
  if (!(percent <= 100)) throw new InvalidArgumentError("It must be a percentage from 0 to 100.");
  return percent;
}

function globArgument(text: string): string {
  if (text === "") throw new InvalidArgumentError("A glob cannot be empty.");
  return text;
}

const collect = (text: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  globArgument(text),
];

/** Makes fresh Option objects at each call: commander keeps state in them. */
const OPTION_GROUPS = {
  basic: () => [
    new Option("--json", "print JSON on standard output and nothing else there (docs/json.md)"),
    new Option("--db <DIR>", `where Refold keeps what it knows (default: ${DEFAULT_DATABASE_DIR})`).argParser(
      (text: string) => {
        if (text === "") throw new InvalidArgumentError("A directory must be named.");
        return text;
      },
    ),
    new Option("--rules <FILE>", `the rules of folders (default: ${RULES_FILE})`).argParser(
      (text: string) => {
        if (text === "") throw new InvalidArgumentError("A file must be named.");
        return text;
      },
    ),
    new Option(
      "-q, --quiet",
      "no progress, totals or notes: results asked for, warnings and errors only",
    ).conflicts("verbose"),
    new Option("-v, --verbose", "notes on what is done, and lists in full"),
  ],
  selection: () => [
    new Option("--min-size <SIZE>", "leave smaller files out: 4096, 4K, 1M, 1.5G (default: 4K)").argParser(
      sizeArgument,
    ),
    new Option("--size-cutoff <SIZE>", "the same, under bedup's name").argParser(sizeArgument),
    new Option(
      "--exclude <GLOB>",
      "leave out files whose path, or one of whose folders, matches (repeatable)",
    ).argParser(collect),
    new Option("--no-crossvol", "only look for copies inside one subvolume"),
  ],
  flush: () => [
    new Option("--flush", "write out unwritten data first (syncfs), so that new files are seen (dedup does)"),
    new Option("--no-flush", "do not wait for unwritten data"),
  ],
  always: () => [
    new Option(
      "--always",
      "only files in folders that a rule says may be folded without asking ('refold rules')",
    ),
  ],
  snapshots: () => [
    new Option(
      "--snapshots",
      "fold copies inside read-only snapshots too. The price: a snapshot shares its metadata with its " +
        "subvolume until a file in it is folded; each leaf so touched is then stored once more, so that " +
        "many snapshots of small files can take more metadata than the folding gives back",
    ),
  ],
  deep: () => [
    new Option(
      "--deep",
      "ranges too: parts of files that occur more than once, at any place. Where only a part of an extent is " +
        "in use or occurs elsewhere, what is left of it is written anew, so that the extent can go",
    ),
    new Option(
      "--deep-read",
      "--deep, and compressed and NOCOW files are read: the same data compressed in other portions, or once " +
        "compressed and once not, is found by that alone",
    ).implies({ deep: true }),
    new Option("--memory <SIZE>", "--deep: memory for the search; with less it finds less (default: 256M)")
      .argParser(sizeArgument)
      .implies({ deep: true }),
    new Option(
      "--max-rewrite <PERCENT>",
      "--deep: how much of the extents that go, all together, may be written anew; " +
        "0 for nothing (default: 50, so that each byte written gives back another one)",
    )
      .argParser(percentArgument)
      .implies({ deep: true }),
  ],
  folding: () => [
    new Option(
      "--lock <KIND>",
      "how a file is held while it is folded: immutable (flag and lease; its ctime moves), or lease alone (its ctime stays)",
    )
      .choices(["immutable", "lease"])
      .default("immutable"),
    new Option("--priority <KIND>", "idle: give way to everything else; normal: as fast as it goes")
      .choices(["idle", "normal"])
      .default("idle"),
  ],
  paths: () => [new Option("-0, --zero-terminated", "end each path with a NUL byte instead of a newline")],
  yes: () => [new Option("-y, --yes", "do not ask")],
} as const;

export type OptionGroup = keyof typeof OPTION_GROUPS;

/** Options that may stand before the command word, too. */
export const COMMON_GROUPS = ["basic", "selection", "flush"] as const;

export function addOptions(command: Command, ...groups: readonly OptionGroup[]): Command {
  for (const group of groups) for (const option of OPTION_GROUPS[group]()) command.addOption(option);
  return command;
}

/**
 * An option's value, wherever on the line it stood: commander gives the ones
 * that the program has as well to the program, not to the command.
 */
function given(command: Command, name: string): unknown {
  for (let at: Command | null = command; at !== null; at = at.parent) {
    if (at.getOptionValueSource(name) === "cli") return at.getOptionValue(name);
  }
  return command.getOptionValue(name);
}

/** Common options that were said but that the command does not have, e.g. ["--exclude"]. */
export function foreignOptions(command: Command): readonly string[] {
  const program = command.parent;
  if (program === null) return [];
  const own = new Set(command.options.map((option) => option.attributeName()));
  return program.options
    .filter((option) => {
      const name = option.attributeName();
      // --flush and --no-flush are one attribute: name the one that was said.
      return !own.has(name) && program.getOptionValueSource(name) === "cli" && said(program, option);
    })
    .map((option) => option.long ?? option.flags);
}

function said(command: Command, option: Option): boolean {
  const value = command.getOptionValue(option.attributeName()) as unknown;
  return option.negate ? value === false : value !== false;
}

/** The options that most commands have, read from a parsed command. */
export interface CommonOptions {
  readonly json: boolean;
  readonly databaseDir: string;
  readonly rulesFile: string;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** null where it was not said. */
  readonly flush: boolean | null;
  readonly selection: Selection;
}

export function readCommonOptions(command: Command): CommonOptions {
  const minSize = (given(command, "minSize") ?? given(command, "sizeCutoff")) as number | undefined;
  return {
    json: given(command, "json") === true,
    databaseDir: (given(command, "db") as string | undefined) ?? DEFAULT_DATABASE_DIR,
    rulesFile: (given(command, "rules") as string | undefined) ?? RULES_FILE,
    quiet: given(command, "quiet") === true,
    verbose: given(command, "verbose") === true,
    flush: (given(command, "flush") as boolean | undefined) ?? null,
    selection: {
      minSize: minSize ?? DEFAULT_MIN_SIZE,
      exclude: (given(command, "exclude") as readonly string[] | undefined) ?? [],
      pathGlob: (given(command, "path") as string | undefined) ?? null,
      crossVolume: given(command, "crossvol") !== false,
      snapshots: given(command, "snapshots") === true,
      ...(given(command, "always") === true ? { always: true } : {}),
    },
  };
}

/** null where ranges are not asked for. */
export function readDeepOptions(command: Command): DeepOptions | null {
  if (given(command, "deep") !== true) return null;
  const percent = given(command, "maxRewrite") as number | undefined;
  return {
    memory: (given(command, "memory") as number | undefined) ?? DEEP_DEFAULTS.memory,
    maxRewrite: percent === undefined ? DEEP_DEFAULTS.maxRewrite : percent / 100,
    minRun: DEEP_DEFAULTS.minRun,
    ...(given(command, "deepRead") === true ? { read: true } : {}),
  };
}

export function readFoldOptions(command: Command): FoldOptions {
  const deep = readDeepOptions(command);
  return {
    ...(deep === null ? {} : { deep }),
    lock: given(command, "lock") as FoldOptions["lock"],
    defrag: given(command, "defrag") === true,
    priority: given(command, "priority") as FoldOptions["priority"],
  };
}

export { globArgument };
