import { describe, expect, it } from "vitest";
import type { FileRow, GroupRow } from "../../../src-helper/rpc/protocol.ts";
import { TableModel } from "./table-model.ts";

const COPIES = 300;
const group = (at: number): GroupRow => ({
  id: `${at}`,
  name: `group ${at}`,
  folder: "/",
  size: 1,
  copies: COPIES,
  toFold: COPIES - 1,
  frees: 1,
  tick: "all",
  modified: 0,
  snapshotCopies: 0,
});
const file = (of: string, at: number): FileRow => ({
  id: `${of}:${at}:1`,
  path: `/${of}/${at}`,
  reachable: true,
  subvolume: "",
  subvolumeId: 5,
  role: at === 0 ? "source" : "fold",
  ticked: true,
  modified: 0,
  owner: "root",
  place: at,
  sharing: 1,
});
const list = <Row>(length: number, make: (at: number) => Row): Row[] =>
  Array.from({ length: Math.max(0, length) }, (_, at) => make(at));

function start(total: number) {
  const state = { begun: 0, shift: 0 };
  const table = new TableModel({
    rows: (offset, limit) =>
      Promise.resolve({
        total,
        rows: list(Math.min(limit, total - offset), (at) => group(offset + at + state.shift)),
      }),
    files: (of, offset, limit) =>
      Promise.resolve({
        total: COPIES,
        rows: list(Math.min(limit, COPIES - offset), (at) => file(of, offset + at)),
      }),
    changed: () => undefined,
    begun: () => state.begun++,
  });
  return { table, state };
}
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

describe("table", () => {
  it("shows the files of an open group below it", async () => {
    const { table } = start(1000);
    table.want(0, 20);
    await settle();
    table.setOpen(2, true);
    await settle();
    expect(table.lines).toBe(1000 + COPIES);
    expect(table.lineAt(2)).toMatchObject({ kind: "group", group: 2, open: true });
    expect(table.lineAt(4)).toMatchObject({ kind: "file", file: 1, files: COPIES, row: { path: "/2/1" } });
    table.want(3 + COPIES, 20 + COPIES);
    await settle();
    expect(table.lineAt(3 + COPIES)).toMatchObject({ kind: "group", group: 3, row: { name: "group 3" } });
    table.want(0, 20);
    await settle();
    table.setOpen(2, false);
    expect(table.lines).toBe(1000);
  });

  it("holds a few pages however many groups are open and wherever it is scrolled to", async () => {
    const { table } = start(200_000);
    table.want(0, 40);
    await settle();
    for (let at = 0; at < 40; at++) table.setOpen(at, true);
    let most = 0;
    for (let line = 0; line < table.lines; line += 7919) {
      table.want(line, line + 40);
      await settle();
      const { row } = table.lineAt(line + 20);
      expect(row).toBeDefined();
      most = Math.max(most, table.held);
    }
    expect(most).toBeLessThanOrEqual(600 + 2 * 300);
  });

  it("marks ticks of open groups and of their files", async () => {
    const { table } = start(10);
    table.want(0, 9);
    await settle();
    table.setOpen(1, true);
    await settle();
    table.markGroups(new Set(["1"]), false);
    expect(table.lineAt(1)).toMatchObject({ row: { tick: "none" } });
    expect(table.lineAt(3)).toMatchObject({ row: { ticked: false } });
    table.markFiles("1", new Set(["1:1:1"]), true);
    expect(table.lineAt(3)).toMatchObject({ row: { ticked: true } });
    expect(table.lineAt(4)).toMatchObject({ row: { ticked: false } });
  });

  it("collapses all with another list, and keeps groups open that only moved", async () => {
    const { table, state } = start(10);
    table.want(0, 9);
    await settle();
    table.setOpen(4, true);
    state.shift = 1;
    table.invalidate();
    await settle();
    expect(table.lineAt(3)).toMatchObject({ kind: "group", open: true, row: { id: "4" } });
    expect(state.begun).toBe(1);
    table.reset();
    await settle();
    expect(table.lines).toBe(10);
    expect(state.begun).toBe(2);
  });
});
