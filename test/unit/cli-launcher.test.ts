import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

/** A clone in a temporary folder whose "node" prints how it was called. */
let root = "";
const launcher = (): string => path.join(root, "bin/refold");

function script(file: string, body: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
}
function start(program: string, words: string[], options: { PATH?: string; cwd?: string } = {}) {
  return spawnSync(program, words, {
    encoding: "utf8",
    cwd: options.cwd ?? "/",
    env: { PATH: options.PATH ?? "/usr/bin:/bin" },
  });
}

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "refold launcher "));
  mkdirSync(path.join(root, "bin"));
  copyFileSync(path.resolve(import.meta.dirname, "../../bin/refold"), launcher());
  chmodSync(launcher(), 0o755);
  mkdirSync(path.join(root, "dist/helper"), { recursive: true });
  writeFileSync(path.join(root, "dist/helper/refold.cjs"), "");
  script(path.join(root, "node_modules/node/bin/node"), `printf '<%s>' own "$@"; exit 7`);
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

describe("bin/refold", () => {
  it("runs the program on its own node, words and exit code untouched", () => {
    const run = start(launcher(), ["a b", "", "$x"]);
    expect(run.stdout).toMatch(/^<own><.*dist\/helper\/refold\.cjs><a b><><\$x>$/);
    expect(run.status).toBe(7);
  });

  it("follows symlinks, and runs from its own folder", () => {
    const link = path.join(root, "link");
    symlinkSync(launcher(), path.join(root, "first"));
    symlinkSync(path.join(root, "first"), link);
    expect(start(link, ["x"]).stdout).toContain("refold.cjs><x>");
    expect(start("sh", ["refold", "x"], { cwd: path.join(root, "bin") }).stdout).toContain("refold.cjs><x>");
  });

  it("says how to build where it is not built", () => {
    rmSync(path.join(root, "dist"), { recursive: true });
    const run = start(launcher(), ["--version"]);
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/^refold: .*npm ci && npm run build.*\n$/);
  });

  it("takes the system's node where it is new enough, and says so where it is not", () => {
    rmSync(path.join(root, "node_modules"), { recursive: true });
    const folder = path.join(root, "path");
    const PATH = `${folder}:/usr/bin:/bin`;
    const fake = (version: string): void => {
      script(
        path.join(folder, "node"),
        `[ "$1" = --version ] && echo ${version} || printf '<%s>' system "$@"`,
      );
    };
    fake("v24.1.0");
    expect(start(launcher(), ["x"], { PATH }).stdout).toMatch(/^<system>.*<x>$/);
    fake("v20.20.2");
    const old = start(launcher(), ["x"], { PATH });
    expect(old.status).toBe(1);
    expect(old.stderr).toMatch(/^refold: .*24.*v20\.20\.2.*\n$/);
  });
});
