import { describe, expect, it } from "vitest";
import { EMPTY_FILTER, isEmpty, needsNames, parts, toggle, toProtocol, type FilterPart } from "./filter.ts";

const AT = Date.UTC(2026, 0, 31);
const ALL: FilterPart[] = [
  { kind: "folder", path: "/home/me" },
  { kind: "larger", bytes: 1024 },
  { kind: "smaller", bytes: 4096 },
  { kind: "type", type: "video" },
  { kind: "type", type: "code" },
  { kind: "subvolume", id: 256 },
  { kind: "owner", uid: 0 },
  { kind: "age", age: { kind: "newer", days: 7, at: AT } },
  { kind: "kind", of: "range" },
  { kind: "ticked", ticked: "unticked" },
];

describe("filter", () => {
  it("is the protocol's empty filter when nothing was chosen", () => {
    expect(toProtocol(EMPTY_FILTER)).toEqual({
      search: "",
      minSize: null,
      maxSize: null,
      subvolumes: [],
      types: [],
      modifiedFrom: null,
      modifiedTo: null,
      owners: [],
      folder: null,
      ticked: "any",
    });
    expect(isEmpty({ ...EMPTY_FILTER, search: "  " })).toBe(true);
  });

  it("puts every part on, shows it as a chip and takes it off again", () => {
    const full = ALL.reduce(toggle, EMPTY_FILTER);
    expect(parts(full)).toEqual(ALL);
    expect(toProtocol(full)).toMatchObject({
      minSize: 1024,
      maxSize: 4096,
      subvolumes: [256],
      types: ["video", "code"],
      owners: [0],
      folder: "/home/me",
      ticked: "unticked",
      kind: "range",
    });
    expect(ALL.reduce(toggle, full)).toEqual(EMPTY_FILTER);
  });

  it("turns an age into moments", () => {
    const newer = toggle(EMPTY_FILTER, { kind: "age", age: { kind: "newer", days: 30, at: AT } });
    expect(toProtocol(newer)).toMatchObject({ modifiedFrom: Date.UTC(2026, 0, 1), modifiedTo: null });
    const older = toggle(newer, { kind: "age", age: { kind: "older", days: 30, at: AT } });
    expect(toProtocol(older)).toMatchObject({ modifiedFrom: null, modifiedTo: Date.UTC(2026, 0, 1) });
  });

  it("knows what has to wait for names", () => {
    expect(needsNames({ ...EMPTY_FILTER, search: "iso" })).toBe(true);
    expect(needsNames({ ...EMPTY_FILTER, folder: "/home" })).toBe(true);
    expect(needsNames({ ...EMPTY_FILTER, types: ["video"] })).toBe(true);
    expect(needsNames({ ...EMPTY_FILTER, minSize: 1, owners: [0], ticked: "ticked" })).toBe(false);
  });

  it("keeps a search within what the helper takes", () => {
    const { search } = toProtocol({ ...EMPTY_FILTER, search: "x".repeat(20_000) });
    expect(search).toHaveLength(8192);
  });
});
