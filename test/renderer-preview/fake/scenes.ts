/** Invented states of the app, by name. */
import type { ErrorData, SkipReason, VolumeInfo } from "../types.ts";
import type { AppState, Task, TaskResult } from "../../../src-main/ipc/state.ts";
import { DEFAULT_SETTINGS, settingsSchema } from "../../../src-main/settings/schema.ts";
import { ARCHIVE, DEMO, FEDORA, HOSTILE, notAsSelected, NOW, USB, withoutRights } from "./volumes.ts";

export interface SceneOptions {
  readonly scene: string;
  readonly theme: string;
  readonly language: string;
  /** Tasks do not move on, for pictures. */
  readonly still: boolean;
}
export interface Scene {
  readonly state: AppState;
  readonly still: boolean;
  readonly namesReady: boolean;
  /** Answered to everything that begins a task or mends something. */
  readonly refuse: ErrorData | null;
  readonly historyLength: number;
}

const LOST: ErrorData = {
  code: "failed",
  message: "The root helper ended in the middle of a fold (killed by signal 9).",
  kept: "No file's content was touched. 3 files may still be immutable.",
  next: "Start it again; Refold then lists the files and mends them with one click.",
};
const FAILED: ErrorData = {
  code: "failed",
  message: "The scan of archive ended: /dev/sdb answers with read errors.",
  kept: "The results of the last scan are still there, and no file was changed.",
  next: "Run btrfs scrub start /mnt/archive, then scan again.",
};

export function task(patch: Partial<Task> & Pick<Task, "id" | "kind" | "volume">): Task {
  return {
    startedAt: NOW - 42_000,
    progress: null,
    rate: null,
    etaMs: null,
    cancelling: false,
    result: null,
    ...patch,
  };
}

const scanning = task({
  id: "t-scan",
  kind: "scan",
  volume: ARCHIVE.uuid,
  rate: 102_400,
  etaMs: 9000,
  progress: {
    phase: "walk",
    done: 1_180_224,
    total: 2_100_000,
    unit: "files",
    item: "/mnt/archive/photos/2019/Norway/RAW",
    skipped: {},
    paused: false,
  },
});
const folding = task({
  id: "t-fold",
  kind: "fold",
  volume: FEDORA.uuid,
  rate: 412 * 2 ** 20,
  etaMs: 74_000,
  progress: {
    phase: "fold",
    done: 17.3 * 2 ** 30,
    total: 48.6 * 2 ** 30,
    unit: "bytes",
    item: "/home/me/VMs/windows/a rather long folder name/disk images/win11-backup-2026-03-14.qcow2",
    skipped: { "in-use": 4, changed: 1 },
    paused: false,
  },
});
const folded: TaskResult = {
  kind: "fold",
  result: {
    uuid: FEDORA.uuid,
    runId: 12,
    groups: 1166,
    files: 3012,
    predictedBytes: 41.9 * 2 ** 30,
    freedBytes: 41.7 * 2 ** 30,
    elapsedMs: 131_000,
    skippedCounts: { "in-use": 4, changed: 2, nocow: 1 } satisfies Partial<Record<SkipReason, number>>,
    skipped: [
      {
        path: "/home/me/.mozilla/firefox/x1/places.sqlite",
        reason: "in-use",
        detail: "open for writing by firefox (pid 4121)",
      },
      {
        path: "/home/me/VMs/win11.qcow2",
        reason: "nocow",
        detail: "copy-on-write is off (chattr +C) on this file only",
      },
      {
        path: "/home/me/evil\n\u202egnp.exe \udcff.iso",
        reason: "changed",
        detail: "written to since the scan",
      },
    ],
    cancelled: false,
  },
};

const STUCK = { [FEDORA.uuid]: { ours: 3, unknown: 0 }, [ARCHIVE.uuid]: { ours: 0, unknown: 2 } };

type Parts = Partial<Pick<AppState, "helper" | "volumes" | "tasks" | "stuck" | "nextScan" | "tray">> &
  Partial<Pick<Scene, "refuse" | "namesReady" | "historyLength">>;

const RUNNING: AppState["helper"] = { status: "running", error: null };
const REFUSED: ErrorData = {
  code: "permission",
  message: "The password was not accepted.",
  kept: "Nothing was changed.",
  next: "Try again, or ask somebody who may administer this computer.",
};

const SCENES: Readonly<Record<string, () => Parts>> = {
  idle: () => ({ volumes: [FEDORA, ARCHIVE, USB] }),
  scanning: () => ({ volumes: [FEDORA, ARCHIVE], tasks: [scanning], stuck: STUCK }),
  folding: () => ({ volumes: [FEDORA, ARCHIVE], tasks: [folding] }),
  paused: () => ({
    volumes: [FEDORA, ARCHIVE],
    tasks: [
      task({
        ...folding,
        rate: null,
        etaMs: null,
        progress: folding.progress === null ? null : { ...folding.progress, paused: true },
      }),
    ],
  }),
  cancelling: () => ({ volumes: [FEDORA], tasks: [task({ ...folding, cancelling: true })] }),
  names: () => ({ volumes: [FEDORA, ARCHIVE], namesReady: false }),
  folded: () => ({
    volumes: [FEDORA, ARCHIVE],
    tasks: [task({ id: "t-fold", kind: "fold", volume: FEDORA.uuid, result: folded })],
  }),
  failed: () => ({
    volumes: [FEDORA, ARCHIVE],
    tasks: [
      task({ id: "t-scan", kind: "scan", volume: ARCHIVE.uuid, result: { kind: "failed", error: FAILED } }),
    ],
  }),
  stuck: () => ({ volumes: [FEDORA, ARCHIVE], stuck: STUCK }),
  lost: () => ({
    volumes: [FEDORA, ARCHIVE],
    helper: { status: "lost", error: LOST },
    stuck: { [FEDORA.uuid]: { ours: 3, unknown: 0 } },
  }),
  user: () => ({
    volumes: [FEDORA, ARCHIVE].map(withoutRights),
    helper: { status: "user", error: null },
  }),
  observing: () => ({
    volumes: [FEDORA, ARCHIVE, USB].map(notAsSelected),
    helper: { status: "observing", error: null },
  }),
  "observing-stuck": () => ({
    volumes: [FEDORA, ARCHIVE],
    helper: { status: "observing", error: null },
    stuck: STUCK,
  }),
  "observing-refused": () => ({
    volumes: [FEDORA, ARCHIVE],
    helper: { status: "observing", error: REFUSED },
    refuse: REFUSED,
  }),
  refused: () => ({
    volumes: [FEDORA, ARCHIVE].map(withoutRights),
    helper: { status: "user", error: null },
    refuse: REFUSED,
  }),
  starting: () => ({ volumes: null, helper: { status: "starting", error: null } }),
  empty: () => ({ volumes: [] }),
  making: () => ({
    volumes: [],
    tasks: [
      task({
        id: "t-demo",
        kind: "demo",
        volume: null,
        rate: 90 * 2 ** 20,
        etaMs: 8000,
        progress: {
          phase: "demo",
          done: 300 * 2 ** 20,
          total: 1024 * 2 ** 20,
          unit: "bytes",
          item: null,
          skipped: {},
          paused: false,
        },
      }),
    ],
  }),
  demo: () => ({ volumes: [DEMO] }),
  unscanned: () => ({ volumes: [USB, DEMO] }),
  nothing: () => ({ volumes: [clean(ARCHIVE)] }),
  hostile: () => ({ volumes: [HOSTILE, FEDORA], stuck: { [HOSTILE.uuid]: { ours: 1, unknown: 1 } } }),
  quiet: () => ({ volumes: [FEDORA], historyLength: 0 }),
};
export const SCENE_NAMES = Object.keys(SCENES);

function clean(volume: VolumeInfo): VolumeInfo {
  return {
    ...volume,
    lastScan:
      volume.lastScan === null
        ? null
        : { ...volume.lastScan, groups: 0, duplicateFiles: 0, reclaimableBytes: 0, pinnedBytes: 0 },
  };
}

/** @throws where there is no such scene */
export function makeScene(options: SceneOptions): Scene {
  const make = SCENES[options.scene];
  if (make === undefined) throw new Error(`no scene "${options.scene}": ${SCENE_NAMES.join(", ")}`);
  const parts = make();
  const settings = settingsSchema.parse({
    ...DEFAULT_SETTINGS,
    theme: options.theme,
    language: options.language,
    exclude: ["*/node_modules/*", "/home/me/.cache", "*.tmp"],
  });
  return {
    still: options.still,
    namesReady: parts.namesReady ?? true,
    refuse: parts.refuse ?? null,
    historyLength: parts.historyLength ?? 14,
    state: {
      version: "0.1.0",
      helper: parts.helper ?? RUNNING,
      volumes: parts.volumes === undefined ? [] : parts.volumes,
      tasks: parts.tasks ?? [],
      stuck: parts.stuck ?? {},
      settings,
      locale: options.language === "de" ? "de" : "en",
      tray: parts.tray ?? true,
      nextScan: parts.nextScan === undefined ? "idle" : parts.nextScan,
    },
  };
}
