/** The file of rules: what is refused, what a change leaves as it was, and what the command says. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { readRulesFile } from "../../src-helper/rules/file.ts";
import { RulesBench } from "./support.ts";

const MIB = 2 ** 20;
const bench = new RulesBench();
afterAll(() => {
  bench[Symbol.dispose]();
});

const TIMER = { volume: "/srv", minSize: "64K", enabled: false };

function write(value: unknown): void {
  writeFileSync(bench.file, typeof value === "string" ? value : JSON.stringify(value), { mode: 0o600 });
}

beforeEach(() => {
  rmSync(bench.file, { recursive: true, force: true });
  chmodSync(bench.directory, 0o755);
});

describe("refold rules", () => {
  test("sets, changes, lists and removes, and leaves what else is in the file", async () => {
    for (const folder of ["a/b", "ünï cödé"]) mkdirSync(bench.path(folder), { recursive: true });
    write({ version: 1, rules: [TIMER] });
    await bench.set("a", "never");
    await bench.set("a/b", "never");
    await bench.set("a/b", "always");
    await bench.set("ünï cödé", "never");
    const { uuid } = bench.volume;
    const listed = (await bench.run("rules", "--json")).expectCode(0).json();
    expect(listed).toEqual({
      file: bench.file,
      folders: [
        { path: bench.path("a"), fold: "never", volumes: [uuid] },
        { path: bench.path("a/b"), fold: "always", volumes: [uuid] },
        { path: bench.path("ünï cödé"), fold: "never", volumes: [uuid] },
      ],
    });
    const text = (await bench.run("rules")).expectCode(0).stdout;
    expect(text).toBe(
      `never   ${bench.path("a")}\nalways  ${bench.path("a/b")}\nnever   ${bench.path("ünï cödé")}\n`,
    );
    await bench.remove("a");
    expect(readRulesFile(bench.file)).toMatchObject({
      rules: [TIMER],
      folders: [{ path: bench.path("a/b"), on: { volume: uuid, folder: "a/b" } }, { fold: "never" }],
    });
    expect(statSync(bench.file).mode & 0o777).toBe(0o600);
    const again = await bench.run("rules", "remove", bench.path("a"));
    expect(again.expectCode(1).stderr).toContain("has no rule");
  });

  test("a folder that is gone is listed as such, and its rule can be removed", async () => {
    mkdirSync(bench.path("gone"));
    await bench.set("gone", "never");
    rmSync(bench.path("gone"), { recursive: true });
    expect((await bench.run("rules")).expectCode(0).stdout).toContain(
      "no such folder on a mounted btrfs now",
    );
    await bench.remove("gone");
    expect((await bench.run("rules")).expectCode(0).stdout).toContain("No rules");
  });

  test("a new file and its directory can be read by root alone, and made where there were none", async () => {
    mkdirSync(bench.path("new"), { recursive: true });
    rmSync(bench.directory, { recursive: true });
    await bench.set("new", "never");
    expect(statSync(bench.file)).toMatchObject({ uid: 0 });
    expect(statSync(bench.file).mode & 0o777).toBe(0o600);
  });

  test("a link in the way is resolved when the rule is made, and not followed afterwards", async () => {
    bench.copies(MIB, "real/1", "real/2", "other/1");
    symlinkSync("real", bench.path("link"));
    await bench.set("link", "never");
    expect(readRulesFile(bench.file)?.folders).toMatchObject([{ path: bench.path("real") }]);
    write({ version: 1, folders: [{ path: bench.path("link"), fold: "never" }] });
    expect(await bench.scan()).toMatchObject({ duplicateFiles: 3 });
    rmSync(bench.path("link"));
  });

  test.each([
    [["set"], 2, "takes a folder, and always or never"],
    [["set", "/"], 2, "takes a folder, and always or never"],
    [["set", "/", "sometimes"], 2, "always"],
    [["remove"], 2, "takes a folder"],
    [["add", "/"], 2, "set"],
    [["set", "/no/such/folder", "never"], 1, "is not to be found"],
    [["set", "/proc", "never"], 4, "no folder of a mounted btrfs"],
  ])("refuses %j", async (words, code, says) => {
    const run = await bench.run("rules", ...words);
    expect(run.expectCode(code).stderr).toContain(says);
    expect(readRulesFile(bench.file)).toBeNull();
  });

  test("a file is no folder", async () => {
    bench.copies(4096, "file");
    (await bench.run("rules", "set", bench.path("file"), "never")).expectCode(4);
  });
});

describe("a file that is refused folds nothing and counts nothing", () => {
  const never = { path: "/a", fold: "never" };
  test.each<[string, () => void, string]>([
    [
      "is somebody else's",
      () => {
        write({ version: 1 });
        chownSync(bench.file, 1000, 0);
      },
      "belongs to user 1000",
    ],
    [
      "can be written to by a group",
      () => {
        write({ version: 1 });
        chmodSync(bench.file, 0o660);
      },
      "can be written to by others",
    ],
    [
      "is in a directory of everybody's",
      () => {
        write({ version: 1 });
        chmodSync(bench.directory, 0o1777);
      },
      "can be written to by others",
    ],
    [
      "is a link",
      () => {
        symlinkSync("/etc/hostname", bench.file);
      },
      "is a symbolic link",
    ],
    [
      "is a directory",
      () => {
        mkdirSync(bench.file);
      },
      "is not a file",
    ],
    [
      "is no JSON",
      () => {
        write("{");
      },
      "is not JSON",
    ],
    [
      "is too large",
      () => {
        write(" ".repeat(2 ** 20 + 1));
      },
      "is larger than a megabyte",
    ],
    [
      "is of a later version",
      () => {
        write({ version: 2 });
      },
      "at version",
    ],
    [
      "has a field that is not known",
      () => {
        write({ version: 1, folder: [] });
      },
      "is not understood",
    ],
    [
      "has another word",
      () => {
        write({ version: 1, folders: [{ path: "/a", fold: "maybe" }] });
      },
      "folders.0.fold",
    ],
    [
      "has a relative path",
      () => {
        write({ version: 1, folders: [{ path: "a", fold: "never" }] });
      },
      "does not begin with /",
    ],
    [
      "has a path with ..",
      () => {
        write({ version: 1, folders: [{ path: "/a/../b", fold: "never" }] });
      },
      "is not written out",
    ],
    [
      "has half a surrogate",
      () => {
        write({ version: 1, folders: [{ path: "/\ud800", fold: "never" }] });
      },
      "half a surrogate",
    ],
    [
      "names a folder twice",
      () => {
        write({ version: 1, folders: [never, never] });
      },
      "names a folder twice",
    ],
  ])("where it %s", (_, spoil, says) => {
    spoil();
    expect(() => readRulesFile(bench.file)).toThrow(says);
  });

  test("in each command; what does not hang on rules is told still", async () => {
    bench.copies(MIB, "pair/1", "pair/2");
    await bench.scan();
    write("{");
    for (const command of ["dedup", "scan", "groups"]) {
      const run = await bench.run(command, ...(command === "dedup" ? ["--yes"] : []), bench.volume.path);
      expect(run.expectCode(1).stderr).toContain("is not JSON");
      expect(run.stderr).toContain("Nothing was folded.");
    }
    (await bench.run("rules", "set", bench.path("pair"), "never")).expectCode(1);
    expect(readFileSync(bench.file, "utf8")).toBe("{");
    expect((await bench.run("show", bench.volume.path)).expectCode(0).stderr).toContain("is not JSON");
  });
});
