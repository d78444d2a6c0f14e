/** docs/kernel-facts.md names, for each fact, tests that exist. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/run.ts";

const folder = join(ROOT, "test/kernel-facts");
const document = readFileSync(join(ROOT, "docs/kernel-facts.md"), "utf8");
const sections = document.split("\n## ").slice(1);
const fileOf = (section: string): string => /`(\S+\.test\.ts)`/.exec(section)?.[1] ?? "";

test.each(sections.map((section) => [fileOf(section), section]))("%s", (file, section) => {
  const source = readFileSync(join(folder, file), "utf8");
  const facts = [...section.matchAll(/^\| (?!Fact |-)(.*) \| (.*?) *\|$/gm)];
  expect(facts.length).toBeGreaterThan(0);
  for (const [, fact = "", tests = ""] of facts) {
    for (const phrase of tests.split(";")) expect(source, fact.trim()).toContain(phrase.trim());
  }
});

test("every file of tests has its section", () => {
  const files = readdirSync(folder).filter(
    (name) => name.endsWith(".test.ts") && name !== "document.test.ts",
  );
  expect(sections.map(fileOf).toSorted()).toEqual(files.toSorted());
});
