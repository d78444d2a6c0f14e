import { beforeEach, expect, test } from "vitest";
import type { FoldResultInfo } from "../../../src-helper/rpc/protocol.ts";
import { createLocale } from "../../../src-main/locale/locale.ts";
import { createNotifications } from "../../../src-main/notifications/notifications.ts";
import type { Message, Notifications } from "../../../src-main/notifications/notifications.ts";
import { UUID } from "./support.ts";

const GIB = 1024 ** 3;
const VOLUME = { uuid: UUID, label: "fedora" };
const plain = (text: string): string => text.replaceAll("\u00a0", " ");

let world: { enabled: boolean; visible: boolean; language: "en" | "de" };
let shown: Message[];
let opened: [string, string | null][];
let notifications: Notifications;

beforeEach(() => {
  world = { enabled: true, visible: false, language: "en" };
  shown = [];
  opened = [];
  notifications = createNotifications({
    enabled: () => world.enabled,
    windowVisible: () => world.visible,
    show: (message) => shown.push(message),
    locale: createLocale({ setting: () => world.language, system: () => [] }),
    open: (...where) => opened.push(where),
  });
});

const fold = (changes: Partial<FoldResultInfo> = {}): FoldResultInfo => ({
  uuid: UUID,
  runId: 1,
  groups: 3,
  files: 12,
  predictedBytes: 5 * GIB,
  freedBytes: 5 * GIB,
  elapsedMs: 1000,
  skippedCounts: {},
  skipped: [],
  cancelled: false,
  ...changes,
});
const scan = (before: number | null, after: number, scheduled = true): void => {
  notifications.scanEnded(VOLUME, { scheduled, before, after });
};

test("a scheduled scan that found much more says how much; a click opens the review", () => {
  scan(40 * GIB, 48.6 * GIB);
  expect(shown.map(({ title, body }) => [plain(title), plain(body)])).toEqual([
    ["48.6 GiB can be reclaimed", "fedora has 8.6 GiB more than at the scan before. Nothing was changed."],
  ]);
  shown[0]?.onClick();
  expect(opened).toEqual([["review", UUID]]);
});

test("the first scan, in German", () => {
  world.language = "de";
  scan(null, 2.5 * GIB);
  expect(plain(shown[0]?.title ?? "")).toBe("2,5 GiB lassen sich zurückgewinnen");
  expect(shown[0]?.body).toContain("der erste Scan von fedora");
});

test.each([
  ["less than 1 GiB more", 0, GIB - 1],
  ["less than a tenth more", 100 * GIB, 109 * GIB],
  ["less than before", 9 * GIB, 2 * GIB],
])("no news: %s", (_, before, after) => {
  scan(before, after);
  expect(shown).toEqual([]);
});

test("a scan that somebody asked for is not told of", () => {
  scan(0, 50 * GIB, false);
  expect(shown).toEqual([]);
});

test("a fold that ended while nobody was looking, with what it skipped", () => {
  notifications.foldEnded(VOLUME, fold({ files: 1, skippedCounts: { "in-use": 2, changed: 1 } }));
  notifications.foldEnded(VOLUME, fold({ freedBytes: 0, files: 0 }));
  expect(shown.map(({ title, body }) => [plain(title), body])).toEqual([
    ["5.0 GiB freed", "fedora: 1 file folded, 3 skipped."],
    ["Nothing was freed", "fedora: 0 files folded."],
  ]);
  shown[0]?.onClick();
  expect(opened).toEqual([["volumes", UUID]]);
});

test("a fold that was cancelled is not told of", () => {
  notifications.foldEnded(VOLUME, fold({ cancelled: true }));
  expect(shown).toEqual([]);
});

test("stuck files are told of once, and again only when there are more", () => {
  for (const count of [0, 3, 3, 2, 0, 1]) notifications.stuckFound(VOLUME, count);
  expect(shown.map(({ title }) => title)).toEqual([
    "3 files were left immutable",
    "1 file was left immutable",
  ]);
  shown[0]?.onClick();
  expect(opened).toEqual([["stuck", UUID]]);
});

test.each([{ enabled: false }, { visible: true }])("nothing at all with %j", (state) => {
  Object.assign(world, state);
  scan(null, 50 * GIB);
  notifications.foldEnded(VOLUME, fold());
  notifications.stuckFound(VOLUME, 3);
  expect(shown).toEqual([]);
});
