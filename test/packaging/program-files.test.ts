/** An installed helper does not run from files that somebody else could have changed. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkProgramFiles, isInstalled } from "../../src-helper/hardening/program-files.ts";
import { RefoldError } from "../../src-helper/engine/errors.ts";
import { exec } from "../support/exec.ts";

let base = "";
let program = "";
const file = (): string => join(program, "helper/node_modules/koffi.node");

beforeEach(() => {
  // below /tmp nothing can be trusted
  base = mkdtempSync("/var/lib/refold-test-files-");
  chmodSync(base, 0o755);
  program = join(base, "refold");
  mkdirSync(dirname(file()), { recursive: true });
  writeFileSync(file(), "");
  for (const path of [program, dirname(file()), file()]) chmodSync(path, 0o755);
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

function refusal(): string {
  try {
    checkProgramFiles(program);
  } catch (error) {
    if (error instanceof RefoldError && error.code === "permission") return error.message;
    throw error;
  }
  return "accepted";
}

test("files that are root's alone are accepted", () => {
  expect(refusal()).toBe("accepted");
});

describe("is refused, and named:", () => {
  test.each([
    ["a file that its group can write to", () => (chmodSync(file(), 0o775), file())],
    ["a file that everybody can write to", () => (chmodSync(file(), 0o757), file())],
    ["a file of another user", () => (chownSync(file(), 65534, 0), file())],
    ["a directory of another user", () => (chownSync(dirname(file()), 65534, 0), dirname(file()))],
    ["a directory that others can write to", () => (chmodSync(dirname(file()), 0o777), dirname(file()))],
    ["the program's directory itself", () => (chmodSync(program, 0o777), program)],
    ["a directory above it, sticky or not", () => (chmodSync(base, 0o1777), base)],
    ["a directory above it of another user", () => (chownSync(base, 65534, 0), base)],
    ["a file with an ACL for somebody", () => (exec("setfacl", ["-m", "u:65534:rw", file()]), file())],
  ])("%s", (_, spoil) => {
    const spoilt = spoil();
    expect(refusal()).toContain(`${spoilt} `);
    expect(refusal()).toContain("Refold does not run as root from there");
  });

  test("a symbolic link, even to a file of root's", () => {
    const link = join(program, "link.mjs");
    symlinkSync("/usr/bin/true", link);
    expect(refusal()).toContain(`${link} is neither a file nor a directory`);
  });

  test("a named pipe", () => {
    exec("mkfifo", [join(program, "pipe")]);
    expect(refusal()).toContain("is neither a file nor a directory");
  });

  test("anything below the directory for temporary files", () => {
    const temporary = mkdtempSync(join(tmpdir(), "refold-test-files-"));
    try {
      expect(() => {
        checkProgramFiles(temporary);
      }).toThrow("/tmp can be written to by others than root");
    } finally {
      rmSync(temporary, { recursive: true });
    }
  });
});

test("only what lies below /usr/lib/refold counts as installed", () => {
  expect(["/usr/lib/refold", "/usr/lib/refold/helper"].map(isInstalled)).toEqual([true, true]);
  expect(["/usr/lib/refold2", "/usr/lib", "/home/x/usr/lib/refold"].map(isInstalled)).toEqual([
    false,
    false,
    false,
  ]);
});
