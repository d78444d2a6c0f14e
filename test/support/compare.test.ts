/** The comparison must fail where it should. */
import { expect, test } from "vitest";
import { compareGroups } from "./compare.ts";
import type { Oracle, OracleFile } from "./oracle.ts";
import { decodePath, type GroupLine } from "./refold-json.ts";

const home = { id: 5, path: Buffer.alloc(0), readOnly: false };
const snapshot = { id: 256, path: Buffer.from("snap"), readOnly: true };

function oracleFile(inode: number, layout: string, subvolume = home): OracleFile {
  const paths = [Buffer.from(`f${inode}`)];
  return {
    subvolume,
    inode,
    paths,
    size: 5000,
    sha256: "x",
    layout,
    pieces: [],
    flags: 0,
    inline: false,
    noChecksums: false,
  };
}
const files = [oracleFile(257, "A"), oracleFile(258, "B"), oracleFile(257, "A", snapshot)];
const oracle: Oracle = {
  files,
  subvolumes: [home, snapshot],
  groups: () => [{ size: 5000, sha256: "x", files }],
};
const member = (inode: number, shared: number, subvolume = ""): GroupLine["files"][number] => ({
  subvolume,
  path: `/mnt/${subvolume}/f${inode}`,
  inode,
  readOnly: subvolume === "snap",
  shared,
});
const right: GroupLine = {
  volume: "u",
  id: "g",
  size: 5000,
  reclaimableBytes: 0,
  files: [member(257, 2), member(258, 1), member(257, 2, "snap")],
};
const withFiles = (...list: GroupLine["files"]): GroupLine => ({ ...right, files: list });

test("right groups pass", () => {
  expect(compareGroups(oracle, 1, [right])).toEqual([]);
});

test.each<[string, GroupLine[], RegExp]>([
  ["nothing", [], /^missing group/],
  ["a member too few", [withFiles(member(257, 2), member(258, 1))], /not a group.*missing group/s],
  ["a member too many", [withFiles(...right.files, member(300, 1))], /not a group.*no such file/s],
  ["the same twice", [right, right], /^listed twice/],
  [
    "another subvolume",
    [withFiles(member(257, 2), member(258, 1, "snap"), member(257, 2, "snap"))],
    /not a group/,
  ],
  ["a wrong size", [{ ...right, size: 1 }], /^size 1, is 5000/],
  ["a wrong count", [withFiles(member(257, 3), member(258, 1), member(257, 2, "snap"))], /^shared 3, is 2/],
  [
    "a wrong mark",
    [withFiles(member(257, 2), { ...member(258, 1), readOnly: true }, member(257, 2, "snap"))],
    /^readOnly/,
  ],
])("%s is told", (_name, lines, message) => {
  expect(compareGroups(oracle, 1, lines).join("\n")).toMatch(message);
});

test("escaped bytes of a path come back", () => {
  expect(decodePath("a\u00e9\udcff\udc80\u{1f5c4}\n")).toEqual(
    Buffer.concat([Buffer.from("a\u00e9"), Buffer.from([0xff, 0x80]), Buffer.from("\u{1f5c4}\n")]),
  );
});
