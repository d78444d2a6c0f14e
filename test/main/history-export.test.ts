import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HistoryFileInfo, HistoryRunInfo } from "../../src-helper/rpc/protocol.ts";
import { csvCell, exportHistory, type HistorySource } from "../../src-main/app/history-export.ts";

const UUID = "01234567-89ab-cdef-0123-456789abcdef";
let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "refold-export-"));
  path = join(directory, "history");
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const run = (id: number, rest: Partial<HistoryRunInfo> = {}): HistoryRunInfo => ({
  ...{ id, volume: UUID, startedAt: 1_700_000_000_000, finishedAt: 1_700_000_060_000, state: "done" },
  ...{ groups: 2, files: 3, predictedBytes: 4096, freedBytes: 4096, skipped: 1, ...rest },
});
const file = (name: string): HistoryFileInfo => ({ path: name, outcome: "folded", detail: "" });

/** A history that gives its files in pages of `page`. */
function source(runs: Map<HistoryRunInfo, readonly HistoryFileInfo[]>, page = 500) {
  const asked: number[] = [];
  const history: HistorySource = {
    runs: () => Promise.resolve([...runs.keys()]),
    files: (_volume, id, offset, limit) => {
      asked.push(limit);
      const files = [...runs].find(([one]) => one.id === id)?.[1] ?? [];
      return Promise.resolve({
        total: files.length,
        files: files.slice(offset, offset + Math.min(limit, page)),
      });
    },
  };
  return { history, asked };
}

/** Reads RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  let row: string[] = [];
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    if (match === null) throw new Error("not RFC 4180");
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === "\r\n") {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

describe("cells", () => {
  it.each([
    ["plain", "plain"],
    ["a,b", '"a,b"'],
    ['say "x"', '"say ""x"""'],
    ["two\nlines", '"two\nlines"'],
    ["=1+1", "'=1+1"],
    ["+1", "'+1"],
    ["-1", "'-1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\tx", "'\tx"],
    ["\rx", '"\'\rx"'],
    ["=a,b", '"\'=a,b"'],
    ["a=b", "a=b"],
  ])("%j is written as %j", (value, text) => {
    expect(csvCell(value)).toBe(text);
  });

  it("keep numbers as numbers, negative ones too", () => {
    expect([csvCell(-5), csvCell(0), csvCell(null)]).toEqual(["-5", "0", ""]);
  });

  it("come back as they were, with the guard before what would be a formula", () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (texts) => {
        const [cells = []] = parseCsv(`${texts.map(csvCell).join(",")}\r\n`);
        expect(cells).toEqual(texts.map((text) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text)));
      }),
      { seed: 6 },
    );
  });
});

describe("an export", () => {
  const hostile = ["/home/a,b", '/home/"q"', "/home/line\nbreak", "=cmd|' /C calc'!A0", "/home/\udcff"];

  it("has every run and every file as CSV", async () => {
    const { history } = source(
      new Map([
        [run(2), hostile.map(file)],
        [run(1, { state: "interrupted", finishedAt: null, freedBytes: null }), []],
      ]),
    );
    await exportHistory(history, UUID, "csv", path);
    const rows = parseCsv(await readFile(path, "utf8"));
    expect(rows[0]?.slice(0, 4)).toEqual(["run", "started", "finished", "state"]);
    expect(rows).toHaveLength(1 + hostile.length + 1);
    expect(rows.slice(1, 6).map((row) => row[9])).toEqual([
      "/home/a,b",
      '/home/"q"',
      "/home/line\nbreak",
      "'=cmd|' /C calc'!A0",
      "/home/\ufffd",
    ]);
    expect(rows[6]).toEqual([
      "1",
      "2023-11-14T22:13:20.000Z",
      "",
      "interrupted",
      "2",
      "3",
      "4096",
      "",
      "1",
      "",
      "",
      "",
    ]);
    expect(new Set(rows.map((row) => row.length))).toEqual(new Set([12]));
  });

  it("has every run and every file as JSON, and no byte of a path is lost", async () => {
    const { history } = source(
      new Map([
        [run(2), hostile.map(file)],
        [run(1), []],
      ]),
    );
    await exportHistory(history, UUID, "json", path);
    const parsed = JSON.parse(await readFile(path, "utf8")) as {
      volume: string;
      runs: { run: number; folded: number; files: { path: string }[] }[];
    };
    expect(parsed.volume).toBe(UUID);
    expect(parsed.runs.map(({ run: id, folded }) => [id, folded])).toEqual([
      [2, 3],
      [1, 3],
    ]);
    expect(parsed.runs[0]?.files.map((one) => one.path)).toEqual(hostile);
  });

  it("reads long runs page by page, to the end", async () => {
    const files = Array.from({ length: 1203 }, (_, k) => file(`/f${String(k)}`));
    const { history, asked } = source(new Map([[run(1), files]]), 100);
    await exportHistory(history, UUID, "csv", path);
    expect(parseCsv(await readFile(path, "utf8"))).toHaveLength(1204);
    expect([asked.length, Math.max(...asked)]).toEqual([13, 500]);
  });

  it("ends where the helper says there is more and gives nothing", async () => {
    const history: HistorySource = {
      runs: () => Promise.resolve([run(1)]),
      files: () => Promise.resolve({ total: 1_000_000, files: [] }),
    };
    await exportHistory(history, UUID, "json", path);
    expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ runs: [{ files: [] }] });
  });

  it("is for the person alone, and takes the place of what was there", async () => {
    await writeFile(path, "old", { mode: 0o644 });
    await exportHistory(source(new Map()).history, UUID, "json", path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, "utf8")).not.toContain("old");
    expect(await readdir(directory)).toEqual(["history"]);
  });

  it("that fails keeps what was there, and leaves nothing behind", async () => {
    await writeFile(path, "old");
    const history: HistorySource = {
      runs: () => Promise.resolve([run(1), run(2)]),
      files: (_volume, id) =>
        id === 1 ? Promise.resolve({ total: 1, files: [file("/a")] }) : Promise.reject(new Error("gone")),
    };
    await expect(exportHistory(history, UUID, "csv", path)).rejects.toThrow("gone");
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(directory)).toEqual(["history"]);
  });

  it("into a folder that is not there says so", async () => {
    const nowhere = join(directory, "none", "history");
    await expect(exportHistory(source(new Map()).history, UUID, "csv", nowhere)).rejects.toMatchObject({
      data: { code: "failed", message: expect.stringContaining("ENOENT") as string },
    });
  });
});
