import { describe, expect, it } from "vitest";
import type { FileRow, GroupRow } from "../../src-helper/rpc/protocol.ts";
import type { Format } from "../lib/use-format.ts";
import { canTick, createRowTexts } from "./row-texts.ts";

const plain = (value: number): string => `<${value}>`;
const format: Format = {
  bytes: plain,
  byteParts: (bytes) => ({ value: `${bytes}`, unit: "B" }),
  exactBytes: plain,
  count: plain,
  percent: plain,
  moment: plain,
  shortMoment: plain,
  day: plain,
  relative: plain,
  duration: plain,
  rate: plain,
};
let made = 0;
const texts = createRowTexts(
  {
    t: (key, values = {}) => {
      made++;
      return [key, ...Object.values(values)].join(" ");
    },
    n: (key, count) => `${key} ${count}`,
  },
  format,
);
const group: GroupRow = {
  id: "1",
  name: "two\nlines \udcff",
  folder: "/home/me",
  size: 10,
  copies: 3,
  toFold: 2,
  frees: 20,
  tick: "all",
  modified: 5,
  snapshotCopies: 2,
};
const file: FileRow = {
  id: "256:1:1",
  path: "/home/me/a\u202eb",
  reachable: true,
  subvolume: "",
  subvolumeId: 5,
  role: "fold",
  ticked: true,
  modified: 5,
  owner: "me",
  place: 0,
  sharing: 1,
};

describe("texts of rows", () => {
  it("never show a control or a byte as it came", () => {
    const { name, label } = texts.group(group);
    expect(name.head + name.tail).toBe("two\\x0alines \\xff");
    expect(label).toContain("two\\x0alines \\xff");
    const path = texts.file(file);
    expect(path.path.head + path.path.tail).toBe("/home/me/a\\xe2\\x80\\xaeb");
    expect(path.label).not.toContain("\u202e");
  });

  it("are made once a row", () => {
    const first = texts.group(group);
    const before = made;
    expect(texts.group(group)).toBe(first);
    expect(made).toBe(before);
    expect(texts.group({ ...group })).not.toBe(first);
  });

  it("keep every letter where a long path is cut", () => {
    const folder = `/${"long/".repeat(20)}end`;
    const { head, tail } = texts.group({ ...group, folder }).folder;
    expect(head + tail).toBe(folder);
    expect(head).not.toBe("");
  });

  it("say what becomes of a file", () => {
    expect(texts.file(file).role.text).toBe("review.role.fold");
    expect(texts.file({ ...file, role: "shared", sharing: 3 }).role.text).toBe("review.role.sharedWith 2");
    const inSnapshot = { ...file, role: "snapshot", subvolume: "snap/1" } as const;
    expect(texts.file(inSnapshot).role.text).toBe("review.role.snapshotOf snap/1");
    expect(canTick(inSnapshot)).toBe(false);
    expect(canTick(file)).toBe(true);
  });

  it("say of parts how many, what is written anew, and where they are", () => {
    const parts = texts.group({ ...group, range: { parts: 3, rewrittenBytes: 0 } });
    expect(parts.parts?.text).toBe("review.table.parts 3");
    expect(parts.parts?.title).toContain("review.table.partsNothingRewritten");
    expect(parts.label).toContain("review.table.rowParts");
    expect(texts.group({ ...group, range: { parts: 3, rewrittenBytes: 4096 } }).parts?.title).toContain(
      "<4096>",
    );
    expect(texts.group(group).parts).toBeNull();
    const list = [
      { offset: 8192, length: 4096 },
      { offset: 65_536, length: 100 },
    ];
    const one = texts.file({ ...file, parts: { count: 1, bytes: 4096, list: list.slice(0, 1) } });
    expect(one.parts?.text).toBe("review.table.fromByte <8192> · <4096>");
    expect(one.role.text).toBe("review.partRole.fold");
    const more = texts.file({ ...file, role: "left", parts: { count: 5, bytes: 9000, list } });
    expect(more.parts?.text).toContain("review.table.partsFrom 5");
    expect(more.parts?.title.split("\n")).toEqual([
      "review.table.partAt <8192> <4096>",
      "review.table.partAt <65536> <100>",
      "review.table.moreParts 3",
    ]);
    expect(more.role.text).toBe("review.partRole.left");
    expect(texts.file(file).parts).toBeNull();
  });

  it("tell of copies in snapshots only where there are any", () => {
    expect(texts.group(group).snapshots?.text).toBe("review.table.snapshots 2");
    expect(texts.group({ ...group, snapshotCopies: 0 }).snapshots).toBeNull();
  });
});
