import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TRAIT } from "../../src-helper/native/library.ts";
import { contentsOfSize, eachContentOfSize, type Content } from "../../src-helper/scan/groups.ts";
import { IndexStore } from "../../src-helper/store/index-store.ts";

const NONE: ReadonlySet<number> = new Set();
let directory = "";
let store: IndexStore;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "refold-contents-"));
  store = new IndexStore(directory, "11111111-2222-3333-4444-555555555555", () => undefined);
  store.run("INSERT INTO holder VALUES (1, 256, '[256,300]', 0, 0, 0)");
});

afterAll(() => {
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Places of a size, with how many contents among them; content and layout in no common order. */
function write(size: number, places: number, contents: number): void {
  const file = store.statement(
    `INSERT INTO inode VALUES (256, ?, 1, 7, 7, 256, 1, ?, 0, 0, 0, ?, ${TRAIT.disk}, x'00')`,
  );
  for (let k = 0; k < places; k++) {
    const layout = size * 1e6 + ((k * 7919) % 10007);
    const content = Buffer.from(`content ${(k * 31) % contents}`);
    store.run(
      "INSERT INTO print VALUES (?, ?, 1, NULL, NULL, NULL, NULL, NULL, ?)",
      size,
      layout,
      k % 50 === 49 ? null : content,
    );
    for (let copy = 0; copy <= k % 2; copy++) file.run(size * 10_000 + 2 * k + copy, size, layout);
  }
}

const told = (contents: Iterable<Content>): string[] =>
  [...contents]
    .map(({ content, members }) =>
      [content.toString(), ...members.map(({ subvolume, inode, layout }) => [subvolume, inode, layout])].join(
        " ",
      ),
    )
    .sort();

test.each([
  ["few places", 40, 11],
  ["as many as are looked at together, and one more", 257, 3],
  ["many contents", 1500, 700],
  ["one content alone has more than are looked at together", 1200, 2],
])("contents of a size, some at a time, are those of all of it: %s", (name, places, contents) => {
  const size = 4096 + places;
  write(size, places, contents);
  const each = told(eachContentOfSize(store, size, NONE));
  expect(each, name).toEqual(told(contentsOfSize(store, size, NONE)));
  expect(each.length, name).toBeGreaterThan(1);
});
