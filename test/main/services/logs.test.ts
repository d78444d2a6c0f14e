import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createLogs, logDirectory, logLevel } from "../../../src-main/logs/logs.ts";
import { temporaryDirectory } from "./support.ts";

test("the directory follows XDG_STATE_HOME where it is absolute", () => {
  expect(logDirectory({ XDG_STATE_HOME: "/state" }, "/home/me")).toBe("/state/refold/log");
  expect(logDirectory({ XDG_STATE_HOME: "state" }, "/home/me")).toBe("/home/me/.local/state/refold/log");
  expect(logDirectory({}, "/home/me")).toBe("/home/me/.local/state/refold/log");
});

test("a line has its moment and level; the file and its directory are their owner's alone", () => {
  const directory = join(temporaryDirectory(), "a", "log");
  const { log, file } = createLogs({ directory, level: "info" });
  log.info("started");
  log.error("50% of 100%s %d, 'quoted'");
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\S* info started$/u);
  expect(lines[1]).toMatch(/ error 50% of 100%s %d, 'quoted'$/u);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
});

test("only what is as important as the level, which the environment sets", () => {
  expect(logLevel({})).toBe("info");
  expect(logLevel({ REFOLD_LOG: "debug" })).toBe("debug");
  expect(logLevel({ REFOLD_LOG: "everything" })).toBe("info");
  for (const [level, expected] of [
    ["warn", ["error", "warn"]],
    ["info", ["error", "warn", "info"]],
    ["debug", ["error", "warn", "info", "debug"]],
  ] as const) {
    const { log, file } = createLogs({ directory: temporaryDirectory(), level });
    for (const at of ["error", "warn", "info", "debug"] as const) log[at](`this is ${at}`);
    const found = [...readFileSync(file, "utf8").matchAll(/this is (\w+)/gu)].map((match) => match[1]);
    expect(found).toEqual(expected);
  }
});

test("a message cannot look like an entry of its own, colour the terminal or turn the text round", () => {
  const { log, file } = createLogs({ directory: temporaryDirectory(), level: "info" });
  log.warn("a\nb\r\u001b[31mc\u0000\u202ed\udc80\u2028e");
  log.info("x".repeat(10_000));
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/ warn a\\nb\\x0d\\x1b\[31mc\\x00\\u202ed\\udc80\\u2028e$/u);
  expect(lines[1]?.length).toBeLessThan(4200);
  expect(lines[1]).toMatch(/\[cut\]$/u);
});

test("three files are kept, the oldest entries go", () => {
  const directory = temporaryDirectory();
  const { log } = createLogs({ directory, level: "info", maxBytes: 2000 });
  for (let entry = 0; entry < 200; entry++) log.info(`entry ${String(entry)} ${"x".repeat(80)}`);
  expect(readdirSync(directory).sort()).toEqual(["refold.1.log", "refold.2.log", "refold.log"]);
  const read = (name: string): number[] =>
    [...readFileSync(join(directory, name), "utf8").matchAll(/entry (\d+)/gu)].map((match) =>
      Number(match[1]),
    );
  const kept = [...read("refold.2.log"), ...read("refold.1.log"), ...read("refold.log")];
  // without a gap, up to the last
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => 200 - kept.length + index));
  for (const name of readdirSync(directory)) {
    expect(statSync(join(directory, name)).size).toBeLessThan(2000 + 200);
  }
});

test("a second start goes on in the same file", () => {
  const directory = temporaryDirectory();
  createLogs({ directory, level: "info" }).log.info("first");
  createLogs({ directory, level: "info" }).log.info("second");
  expect(readFileSync(join(directory, "refold.log"), "utf8").match(/first|second/gu)).toEqual([
    "first",
    "second",
  ]);
});

test("where nothing can be written the app goes on, and a terminal is told", () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "file"), "");
  const said: string[] = [];
  const blocked = createLogs({
    directory: join(directory, "file", "log"),
    level: "info",
    stderr: (line) => said.push(line),
  });
  blocked.log.warn("hello");
  expect(said[0]).toContain("cannot be made");
  expect(said.at(-1)).toBe("warn: hello");
  mkdirSync(join(directory, "refold.log"));
  const second = createLogs({ directory, level: "info", stderr: (line) => said.push(line) });
  second.log.warn("into a directory");
  expect(said.filter((line) => line.includes("Can't write to"))).toHaveLength(2);
});
