import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ZodError } from "zod";
import { DEFAULT_SETTINGS } from "../../../src-main/settings/schema.ts";
import type { Settings, SettingsPatch } from "../../../src-main/settings/schema.ts";
import { createSettings } from "../../../src-main/settings/settings.ts";
import { memoryLog, temporaryDirectory } from "./support.ts";

const FILE = "settings.json";
const on = (directory: string) => {
  const log = memoryLog();
  return { log, settings: createSettings({ directory, log }) };
};
const stored = (directory: string): unknown => JSON.parse(readFileSync(join(directory, FILE), "utf8"));
const keptAside = (directory: string): string[] =>
  readdirSync(directory).filter((name) => name.startsWith(`${FILE}.broken-`));

test("without a file there are the defaults, and no file is made", () => {
  const directory = temporaryDirectory();
  expect(on(directory).settings.get()).toEqual(DEFAULT_SETTINGS);
  expect(readdirSync(directory)).toEqual([]);
});

test("a change is written, for its owner alone, and read by the next start", () => {
  const directory = join(temporaryDirectory(), "not", "there", "yet");
  const { settings } = on(directory);
  expect(settings.set({ minSize: 1_048_576, exclude: ["*.iso"] }).minSize).toBe(1_048_576);
  expect(statSync(join(directory, FILE)).mode & 0o777).toBe(0o600);
  // written to another name and renamed: nothing is left of it
  expect(readdirSync(directory)).toEqual([FILE]);
  expect(on(directory).settings.get()).toEqual({
    ...DEFAULT_SETTINGS,
    minSize: 1_048_576,
    exclude: ["*.iso"],
  });
});

test("listeners are told what it is and what it was, until they end", () => {
  const { settings } = on(temporaryDirectory());
  const heard: [Settings, Settings][] = [];
  const end = settings.onChange((...both) => heard.push(both));
  settings.set({ theme: "dark" });
  end();
  settings.set({ theme: "light" });
  expect(heard.map(([now, before]) => [now.theme, before.theme])).toEqual([["dark", "system"]]);
});

test("a listener that fails is logged, and keeps neither the change nor the others back", () => {
  const { settings, log } = on(temporaryDirectory());
  const heard: string[] = [];
  settings.onChange(() => {
    throw new Error("no autostart directory");
  });
  settings.onChange((now) => heard.push(now.theme));
  expect(settings.set({ theme: "dark" }).theme).toBe("dark");
  expect(heard).toEqual(["dark"]);
  expect(log.lines).toEqual(["error: settings: what follows a change failed: Error: no autostart directory"]);
});

test("a patch that does not fit changes nothing", () => {
  const directory = temporaryDirectory();
  const { settings } = on(directory);
  settings.set({ minSize: 8192 });
  const bad: unknown[] = [{ minSize: -1 }, { theme: "pink" }, { unknown: 1 }, { exclude: [""] }];
  for (const patch of bad) {
    expect(() => settings.set(patch as SettingsPatch)).toThrow(ZodError);
  }
  expect(settings.get().minSize).toBe(8192);
  expect(stored(directory)).toMatchObject({ minSize: 8192 });
});

test("values that do not fit fall back, the others stay, and the file is kept", () => {
  const directory = temporaryDirectory();
  const text = JSON.stringify({ minSize: "large", theme: "dark", constructor: 1, fromTheFuture: true });
  writeFileSync(join(directory, FILE), text);
  const { settings, log } = on(directory);
  expect(settings.get()).toEqual({ ...DEFAULT_SETTINGS, theme: "dark" });
  expect(keptAside(directory).map((name) => readFileSync(join(directory, name), "utf8"))).toEqual([text]);
  expect(log.lines).toHaveLength(1);
  expect(log.lines[0]).toContain("minSize, constructor, fromTheFuture");
  // mended: the next start has nothing to say
  expect(on(directory).log.lines).toEqual([]);
});

test.each([
  ["cut off", '{"minSize": 81'],
  ["empty", ""],
  ["no object", "[1, 2]"],
  ["not JSON", "\u0000\u0001\u0002"],
])("a file that is broken (%s) is kept aside and does not stop the start", (_, text) => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, FILE), text);
  const { settings, log } = on(directory);
  expect(settings.get()).toEqual(DEFAULT_SETTINGS);
  expect(keptAside(directory).map((name) => readFileSync(join(directory, name), "utf8"))).toEqual([text]);
  expect(log.lines[0]).toContain("is kept as");
  settings.set({ language: "de" });
  expect(on(directory).settings.get().language).toBe("de");
});

test("what was edited by hand while the app runs is not written over", () => {
  const directory = temporaryDirectory();
  const { settings } = on(directory);
  settings.set({ minSize: 8192 });
  writeFileSync(join(directory, FILE), JSON.stringify({ ...settings.get(), schedule: "weekly" }));
  expect(settings.set({ theme: "dark" })).toEqual({
    ...DEFAULT_SETTINGS,
    minSize: 8192,
    schedule: "weekly",
    theme: "dark",
  });
});

test("a file that can be neither read nor kept aside is not written over", () => {
  const directory = temporaryDirectory();
  const text = '{"minSize": 8192, "theme": "pink"}';
  writeFileSync(join(directory, FILE), text);
  const log = memoryLog();
  // a directory where the copy would go: also root cannot move a file there
  mkdirSync(join(directory, `${FILE}.broken-1970-01-01T00-00-00-000Z`));
  const settings = createSettings({ directory, log, now: () => 0 });
  expect(settings.get()).toEqual({ ...DEFAULT_SETTINGS, minSize: 8192 });
  expect(() => settings.set({ theme: "dark" })).toThrow("not saved");
  expect(settings.get().theme).toBe("system");
  expect(readFileSync(join(directory, FILE), "utf8")).toBe(text);
});

test("where the file cannot be written, set says so and nothing changes", () => {
  const directory = temporaryDirectory();
  // not by mode bits: root may write anywhere
  mkdirSync(join(directory, FILE));
  const { settings, log } = on(directory);
  expect(settings.get()).toEqual(DEFAULT_SETTINGS);
  expect(log.lines[0]).toContain("cannot be read");
  expect(() => settings.set({ theme: "dark" })).toThrow("not saved");
  expect(settings.get().theme).toBe("system");
});

test("where the directory cannot be made, set says so and nothing changes", () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "file"), "");
  const { settings } = on(join(directory, "file", "refold"));
  expect(settings.get()).toEqual(DEFAULT_SETTINGS);
  expect(() => settings.set({ theme: "dark" })).toThrow();
  expect(settings.get().theme).toBe("system");
});
