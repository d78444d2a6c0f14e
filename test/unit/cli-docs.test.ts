import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { SKIP_REASONS } from "../../src-helper/engine/contract.ts";
import { buildProgram } from "../../src-helper/cli/commands/definitions.ts";
import { SKIP_SENTENCES } from "../../src-helper/cli/skip-sentences.ts";

const read = (name: string): string =>
  readFileSync(path.resolve(import.meta.dirname, "../../docs", name), "utf8");

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
});
