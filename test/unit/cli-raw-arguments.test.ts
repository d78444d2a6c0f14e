import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonStringToBytes } from "../../src-helper/text/path-text.ts";
import { exactWords } from "../../src-helper/cli/raw-arguments.ts";

const commandLine = (...words: (string | Buffer)[]): Buffer =>
  Buffer.concat(words.flatMap((word) => [Buffer.from(word as string), Buffer.of(0)]));

describe("the words of the call", () => {
  it("are matched from the end", () => {
    const bad = Buffer.from([0x66, 0xff]);
    const words = ["dedup-files", "/a", "/f\ufffd"];
    const exact = exactWords(
      words,
      commandLine(
        "node",
        "--flag",
        "refold.cjs",
        "dedup-files",
        "/a",
        Buffer.concat([Buffer.from("/"), bad]),
      ),
    );
    expect(exact).toEqual(["dedup-files", "/a", "/f\udcff"]);
  });

  it("keep empty words in their places", () => {
    expect(exactWords(["", "\ufffd", ""], commandLine("node", "x", "", Buffer.of(0xfe), ""))).toEqual([
      "",
      "\udcfe",
      "",
    ]);
  });

  it("stay as Node has them where the kernel's differ", () => {
    expect(exactWords(["a\ufffd"], commandLine("something else"))).toEqual(["a\ufffd"]);
    expect(exactWords(["a\ufffd"], Buffer.alloc(0))).toEqual(["a\ufffd"]);
  });
});

describe("a real process", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "refold-argv-"));
    const module = path.resolve(import.meta.dirname, "../../src-helper/cli/raw-arguments.ts");
    writeFileSync(
      path.join(folder, "words.mjs"),
      `import { readWords } from ${JSON.stringify(module)}; console.log(JSON.stringify(readWords()));`,
    );
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it("gets the bytes of names that are not UTF-8", () => {
    const script = `exec "$0" "$1" dedup-files "$(printf 'a\\377b')" "$(printf '\\303\\251')" "$(printf '\\303')" ''`;
    const run = spawnSync("sh", ["-c", script, process.execPath, path.join(folder, "words.mjs")], {
      encoding: "utf8",
    });
    expect(run.stderr).not.toContain("Error");
    const words = (JSON.parse(run.stdout) as string[]).map(jsonStringToBytes);
    expect(words).toEqual(
      ["dedup-files", "a\xffb", "\xc3\xa9", "\xc3", ""].map((word) => Buffer.from(word, "latin1")),
    );
  });
});
