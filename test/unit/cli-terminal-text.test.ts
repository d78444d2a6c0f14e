import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesToJsonString } from "../../src-helper/text/path-text.ts";
import { makeStyle } from "../../src-helper/cli/style.ts";
import { fields, table } from "../../src-helper/cli/table.ts";
import {
  displayMessage,
  displayPath,
  displayWidth,
  shellQuote,
  truncate,
} from "../../src-helper/cli/terminal-text.ts";

describe("names on a terminal", () => {
  it.each([
    ["plain", Buffer.from("a b/ü/日本"), "a b/ü/日本"],
    ["escape codes", Buffer.from("\u001b[2Jx"), "\\x1b[2Jx"],
    ["newlines and tabs", Buffer.from("a\nb\tc"), "a\\x0ab\\x09c"],
    ["C1 controls", Buffer.from("\u009b31m"), "\\xc2\\x9b31m"],
    ["bidi overrides", Buffer.from("gpj.\u202eexe"), "gpj.\\xe2\\x80\\xaeexe"],
    ["bytes that are not UTF-8", Buffer.from([0x61, 0xff, 0xc3, 0xa9]), "a\\xffé"],
    ["a backslash", Buffer.from("a\\x41"), "a\\\\x41"],
  ])("shows %s safely", (_what, path, shown) => {
    expect(displayPath(path)).toBe(shown);
  });

  it("lets no control character through, and can be told back exactly", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (array) => {
        const path = Buffer.from(array);
        const shown = displayPath(path);
        expect(/\p{Cc}|\p{Bidi_Control}/u.test(shown)).toBe(false);
        const back = Buffer.from(shown, "utf8").toString("latin1");
        const bytes = back.replace(
          /\\(\\|x([0-9a-f]{2}))/g,
          (_all, which: string, hex: string | undefined) =>
            which === "\\" ? "\\" : String.fromCharCode(parseInt(hex ?? "", 16)),
        );
        expect(Buffer.from(bytes, "latin1")).toEqual(path);
      }),
      { numRuns: 2000 },
    );
  });

  it("keeps a message on one line and leaves its backslashes", () => {
    expect(displayMessage("bad\n  thing\u001b[0m \\x41")).toBe("bad thing\\x1b[0m \\x41");
  });
});

describe("shell quoting", () => {
  it("gives back exactly the word in bash, whatever bytes it has", () => {
    const word = fc.uint8Array({ min: 1, minLength: 1, maxLength: 30 }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(
        fc.oneof(
          word,
          fc.constantFrom("it's", "a b", "$(rm -rf)", "\\", "-x", "é").map((w) => Buffer.from(w)),
        ),
        (bytes) => {
          const quoted = shellQuote(bytesToJsonString(bytes));
          const shell = spawnSync("bash", ["-c", `printf %s ${quoted}`.replace("%s", "'%s'")]);
          expect(shell.stdout).toEqual(bytes);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("leaves plain words alone and keeps an empty one", () => {
    expect(shellQuote("/mnt/data-1")).toBe("/mnt/data-1");
    expect(shellQuote("")).toBe("''");
  });
});

describe("widths and tables", () => {
  it("counts columns, not characters", () => {
    expect(displayWidth("日本")).toBe(4);
    expect(displayWidth("e\u0301")).toBe(1);
  });

  it("cuts to the columns there are", () => {
    expect(truncate("abcdef", 4)).toBe("abc…");
    expect(truncate("日本語", 4)).toBe("日…");
    expect(truncate("abc", 3)).toBe("abc");
    expect(truncate("abc", 0)).toBe("");
  });

  it("aligns numbers right and names left", () => {
    const columns = [
      { title: "n", align: "right" },
      { title: "name", align: "left" },
      { title: "x", align: "left" },
    ] as const;
    expect(
      table(columns, [
        ["1", "日", "a"],
        ["1,000", "b", "c"],
      ]),
    ).toEqual(["    n  name  x", "    1  日    a", "1,000  b     c"]);
  });

  it("puts values under one another", () => {
    expect(
      fields([
        ["a", "1"],
        ["long", "2"],
      ]),
    ).toEqual(["  a     1", "  long  2"]);
  });
});

describe("colour", () => {
  it("is there on a terminal only, and not against NO_COLOR", () => {
    expect(makeStyle(true, { TERM: "xterm" }).red("x")).toBe("\u001b[31mx\u001b[0m");
    expect(makeStyle(false, { TERM: "xterm" }).red("x")).toBe("x");
    expect(makeStyle(true, { TERM: "xterm", NO_COLOR: "1" }).red("x")).toBe("x");
    expect(makeStyle(true, { TERM: "xterm", NO_COLOR: "" }).red("x")).not.toBe("x");
    expect(makeStyle(true, { TERM: "dumb" }).red("x")).toBe("x");
  });
});
