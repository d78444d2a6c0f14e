import { describe, expect, test } from "vitest";
import type { AppState } from "../../../src-main/ipc/state.ts";
import { createLocale } from "../../../src-main/locale/locale.ts";
import { DEFAULT_SETTINGS } from "../../../src-main/settings/schema.ts";
import { trayModel } from "../../../src-main/tray/model.ts";
import type { MenuRow } from "../../../src-main/tray/model.ts";
import { UUID, UUID_2, appState, progress, scanned, task, volume } from "./support.ts";

const GIB = 1024 ** 3;
const english = createLocale({ setting: () => "en", system: () => [] });
const german = createLocale({ setting: () => "de", system: () => [] });
const plain = (text: string): string => text.replaceAll("\u00a0", " ");

const model = (changes: Partial<AppState> = {}, locale = english) => trayModel(appState(changes), locale);
/** The menu as lines: "- label" where it is off, "---" for a separator. */
const lines = (rows: readonly MenuRow[]): string[] =>
  rows.map((row) => (row.kind === "separator" ? "---" : `${row.enabled ? "" : "- "}${plain(row.label)}`));
const action = (changes: Partial<AppState>, label: string) =>
  model(changes).menu.find((row) => row.kind === "item" && row.label === label);

const archive = volume({
  uuid: UUID_2,
  label: "archive",
  mountPath: "/mnt/archive",
  lastScan: scanned(6 * GIB),
});
const lost = { status: "lost" as const, error: null };

describe("the menu", () => {
  test("at rest", () => {
    expect(lines(model({ volumes: [volume(), archive] }).menu)).toEqual([
      "fedora: 48.6 GiB can be reclaimed",
      "archive: 6.0 GiB can be reclaimed",
      "---",
      "Review…",
      "Scan now",
      "---",
      "Open Refold",
      "Quit",
    ]);
  });

  test("parts of files: as they are, as they were, and at least so much", () => {
    const line = (ranges: object, rangesRead = false, locale = english): string | undefined => {
      const found = { extents: 1, files: 2, reclaimableBytes: 2 * GIB, rewrittenBytes: 0, ...ranges };
      const lastScan = { ...scanned(6 * GIB), ranges: { current: true, ...found } };
      const settings = { ...DEFAULT_SETTINGS, ranges: true, rangesRead };
      return lines(model({ volumes: [{ ...archive, lastScan }], settings }, locale).menu)[0];
    };
    expect(line({})).toBe("archive: 8.0 GiB can be reclaimed, 2.0 GiB of it in parts of files");
    expect(line({ current: false })).toBe(
      "archive: 8.0 GiB can be reclaimed, 2.0 GiB of it in parts of files, before the last changes",
    );
    expect(line({}, true)).toBe(
      "archive: 8.0 GiB can be reclaimed, at least 2.0 GiB of it in parts of files",
    );
    expect(line({ read: true }, true)).toBe(line({}));
    expect(line({}, true, german)).toBe(
      "archive: 8,0 GiB lassen sich zurückgewinnen, davon mindestens 2,0 GiB in Teilen von Dateien",
    );
  });

  test("in German, while one volume is scanned and files are stuck", () => {
    const stuck = { [UUID]: { ours: 3, unknown: 0 }, [UUID_2]: { ours: 0, unknown: 1 } };
    const state = { volumes: [volume(), archive], tasks: [task({ progress: progress(1, 4) })], stuck };
    expect(lines(model(state, german).menu)).toEqual([
      "fedora: wird gescannt",
      "archive: 6,0 GiB lassen sich zurückgewinnen",
      "3 gesperrte Dateien freigeben",
      "1 gesperrte Datei ansehen …",
      "---",
      "Durchsehen …",
      "- Jetzt scannen",
      "Anhalten",
      "---",
      "Refold öffnen",
      "Beenden",
    ]);
  });

  test("nothing scanned, nothing mounted, nothing known yet", () => {
    expect(lines(model({ volumes: [volume({ lastScan: null })] }).menu).slice(0, 4)).toEqual([
      "fedora: not scanned yet",
      "---",
      "- Review…",
      "Scan now",
    ]);
    expect(lines(model({ volumes: [] }).menu)[0]).toBe("- No btrfs filesystem is mounted");
    expect(lines(model({ volumes: null }).menu)).toEqual([
      "- Review…",
      "- Scan now",
      "---",
      "Open Refold",
      "Quit",
    ]);
  });

  test("a helper that was lost comes first and can be started again", () => {
    const rows = model({ helper: lost }).menu;
    expect(lines(rows).slice(0, 3)).toEqual(["Refold has stopped working", "Start again", "---"]);
    expect(lines(rows)).toContain("- Scan now");
  });

  test("paused work can go on; what is being cancelled cannot be paused", () => {
    const paused = { tasks: [task({ progress: progress(1, 4, true) })] };
    expect(action(paused, "Resume")).toMatchObject({ action: { kind: "pause", paused: false } });
    expect(action({ tasks: [task({ cancelling: true })] }, "Pause")).toMatchObject({ enabled: false });
  });

  test("Review… opens the volume that gives back most", () => {
    expect(action({ volumes: [archive, volume()] }, "Review…")).toMatchObject({
      action: { kind: "review", volume: UUID },
    });
  });

  test("it stays the same while only the progress moves", () => {
    const at = (done: number) => model({ tasks: [task({ progress: progress(done, 100) })] });
    expect(at(10).menu).toEqual(at(90).menu);
    expect(at(10).tooltip).not.toBe(at(90).tooltip);
  });

  test("finished tasks, and those that only read names, are no work in progress", () => {
    const done = task({ result: { kind: "done" } });
    const names = task({ id: "names-1", kind: "names" });
    expect(model({ tasks: [done, names] })).toEqual(model());
  });

  test("labels are cut, and hold nothing that breaks or turns a menu; without a label the mount is named", () => {
    const hostile = volume({ label: `a\nb\u202ec${"x".repeat(300)}` });
    const label = lines(model({ volumes: [hostile] }).menu)[0] ?? "";
    expect(label).toMatch(/^a\ufffdb\ufffdcx+…: 48\.6 GiB/u);
    expect(label.length).toBeLessThan(80);
    expect(lines(model({ volumes: [volume({ label: "", mountPath: "/home" })] }).menu)[0]).toMatch(
      /^\/home: /u,
    );
  });

  test("twenty volumes do not fill the screen", () => {
    const volumes = Array.from({ length: 20 }, (_, index) =>
      volume({ uuid: `${UUID.slice(0, -2)}${String(10 + index)}` }),
    );
    expect(model({ volumes }).menu.length).toBeLessThan(15);
  });
});

describe("the tooltip", () => {
  test("a line for each volume, with progress, then what is wrong", () => {
    const state = {
      volumes: [volume(), archive],
      tasks: [task({ kind: "fold", progress: progress(42, 100) })],
      stuck: { [UUID]: { ours: 1, unknown: 1 } },
    };
    expect(plain(model(state).tooltip)).toBe(
      "fedora: folding, 42%\narchive: 6.0 GiB can be reclaimed\n2 stuck files",
    );
  });
  test("before anything is known", () => {
    expect(model({ volumes: null }).tooltip).toBe("Refold");
  });
});

describe("the icon", () => {
  test("amount and share are of all scanned volumes", () => {
    const unscanned = volume({ uuid: UUID_2, lastScan: null });
    const { icon } = model({
      volumes: [volume({ totalBytes: 100 * GIB, lastScan: scanned(25 * GIB) }), unscanned],
    });
    expect(icon).toEqual({ kind: "idle", bytes: 25 * GIB, share: 0.25, progress: null, attention: false });
    expect(model({ volumes: [unscanned] }).icon).toMatchObject({ kind: "unknown", bytes: null, share: 0 });
    expect(model({ volumes: [] }).icon.kind).toBe("unknown");
  });

  test.each([
    ["scanning", { tasks: [task({ progress: progress(1, 4) })] }, 0.25],
    ["scanning", { tasks: [task({ progress: progress(1, null) })] }, null],
    ["folding", { tasks: [task({ kind: "fold", progress: progress(5, 4) })] }, 1],
    ["paused", { tasks: [task({ kind: "fold", progress: progress(1, 2, true) })] }, 0.5],
    ["lost", { helper: lost, tasks: [task()] }, null],
    ["idle", {}, null],
  ] as const)("%s", (kind, state, share) => {
    expect(model(state).icon).toMatchObject({ kind, progress: share });
  });

  test("stuck files of any origin ask for attention", () => {
    expect(model({ stuck: { [UUID]: { ours: 0, unknown: 1 } } }).icon.attention).toBe(true);
    expect(model({ stuck: { [UUID]: { ours: 0, unknown: 0 } } }).icon.attention).toBe(false);
  });
});
