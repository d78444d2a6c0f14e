/** The command line's own definitions, for what is generated from them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "vite";

/**
 * @param {string} root of the repository
 * @param {string} version
 * @returns {Promise<import("commander").Command>} what buildProgram makes
 */
export async function loadProgram(root, version) {
  const directory = mkdtempSync(join(tmpdir(), "refold-program-"));
  try {
    await build({
      root,
      configFile: false,
      logLevel: "warn",
      build: {
        ssr: join(root, "src-helper/cli/commands/definitions.ts"),
        outDir: directory,
        emptyOutDir: false,
        target: "node24",
        rolldownOptions: { external: ["koffi", "better-sqlite3"], output: { entryFileNames: "program.mjs" } },
      },
      ssr: { noExternal: true },
    });
    const { buildProgram } = await import(pathToFileURL(join(directory, "program.mjs")).href);
    return buildProgram(() => Promise.resolve(), version);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * A command as a plain value; hidden commands and options are left out.
 *
 * @param {import("commander").Command} command
 */
export function describe(command) {
  const help = command.createHelp();
  let whole = "";
  command.configureOutput({ writeOut: (text) => (whole += text), getOutHelpWidth: () => 78 });
  command.outputHelp();
  const after = whole.slice(command.helpInformation().length).trim();
  return {
    name: command.name(),
    summary: command.summary() || command.description(),
    description: command.description(),
    /** What stands below the help: exit codes, the JSON, examples. */
    after,
    usage: command.usage(),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      description: argument.description,
      variadic: argument.variadic,
      required: argument.required,
      choices: argument.argChoices ?? null,
    })),
    options: help.visibleOptions(command).map((option) => ({
      flags: option.flags,
      short: option.short ?? null,
      long: option.long ?? null,
      description: option.description,
      takesValue: option.required || option.optional,
      /** "<DIR>" -> "DIR"; null without a value. */
      value: /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1] ?? null,
      choices: option.argChoices ?? null,
    })),
    commands: help
      .visibleCommands(command)
      .filter((child) => child.name() !== "help")
      .map(describe),
  };
}
