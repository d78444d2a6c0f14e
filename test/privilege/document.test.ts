/** docs/security.md names, for each attack, tests that exist. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/run.ts";

const document = readFileSync(join(ROOT, "docs/security.md"), "utf8");
const [, table = ""] = document.split("\n## Attacks considered\n");
const rows = table.split("\n## ")[0]?.match(/^\| (?!attack|-).*$/gm) ?? [];

test("it has the attacks", () => {
  expect(rows.length).toBeGreaterThan(30);
});

test.each(rows.map((row) => [row.split("|")[1]?.trim() ?? "", row]))("%s", (_, row) => {
  const named = [...row.matchAll(/`(test\/[\w./-]+\.test\.ts)`: "([^"]+)"/g)];
  expect(named.length).toBeGreaterThan(0);
  for (const [, file = "", name = ""] of named)
    expect(readFileSync(join(ROOT, file), "utf8")).toContain(name);
});
