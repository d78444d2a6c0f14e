import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { DIFFERENCE_CAUSES, SKIP_REASONS } from "../../src-helper/engine/contract.ts";
import { buildProgram } from "../../src-helper/cli/commands/definitions.ts";
import { SKIP_SENTENCES } from "../../src-helper/cli/skip-sentences.ts";

const read = (name: string): string =>
  readFileSync(path.resolve(import.meta.dirname, "../../docs", name), "utf8");

const DOCUMENTS = [
  ...["../README.md", "../CONTRIBUTING.md", "../CHANGELOG.md", "architecture.md", "json.md"],
  ...["kernel-facts.md", "protocol.md", "security.md", "skip-reasons.md"],
];
/** Commander's own, and npm run demo's. */
const OTHER_OPTIONS = ["--help", "--terminal"];

describe("the documents", () => {
  it("explain every skip reason, and no other", () => {
    const explained = [...read("skip-reasons.md").matchAll(/^## `([a-z-]+)`$/gm)].map((match) => match[1]);
    expect(explained.sort()).toEqual([...SKIP_REASONS].sort());
    expect(Object.keys(SKIP_SENTENCES).sort()).toEqual([...SKIP_REASONS].sort());
  });

  it("describe the JSON of every command", () => {
    // rpc is for the app: docs/protocol.md
    const commands = buildProgram(() => Promise.resolve(), "0").commands.filter(
      (command) => command.name() !== "rpc",
    );
    const described = [...read("json.md").matchAll(/^## `refold ([a-z-]+)/gm)].map((match) => match[1]);
    expect(described.sort()).toEqual(commands.map((command) => command.name()).sort());
  });

  it("explain every cause of a difference, and no other", () => {
    const [, list = ""] = /`cause` is one of the skip reasons, or(.*?)\n\n/s.exec(read("json.md")) ?? [];
    const explained = [...list.matchAll(/`([a-z-]+)` \(/g)].map((match) => match[1] ?? "");
    expect([...SKIP_REASONS, ...explained].sort()).toEqual([...DIFFERENCE_CAUSES].sort());
  });

  it("name every command in the README's table", () => {
    const table = read("../README.md").match(/^\| `refold .*$/gm) ?? [];
    const named = table.flatMap((row) =>
      [...(row.split(" | ")[0] ?? "").matchAll(/`refold ([a-z-]+)/g)].map((match) => match[1]),
    );
    const commands = buildProgram(() => Promise.resolve(), "0").commands.map((command) => command.name());
    expect(named.sort()).toEqual(commands.filter((name) => name !== "rpc").sort());
  });

  it.each(DOCUMENTS)("name no option that there is not: %s", (name) => {
    const program = buildProgram(() => Promise.resolve(), "0");
    const options = new Set(
      [program, ...program.commands].flatMap((command) => command.options.map(({ long }) => long)),
    );
    const named = [...read(name).matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([option]) => option);
    expect(named.filter((option) => !options.has(option) && !OTHER_OPTIONS.includes(option))).toEqual([]);
  });
});
