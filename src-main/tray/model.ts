/** What the tray shows, told from the app's state: plain data, without Electron. */
import { formatBytes, formatPercent } from "../../src-common/format.ts";
import { rangesOf, rangesTrust, reclaimableOf } from "../../src-common/reclaimable.ts";
import type { VolumeInfo } from "../../src-helper/rpc/protocol.ts";
import type { AppState, Task } from "../ipc/state.ts";
import type { LocaleService } from "../locale/locale.ts";
import type { Texts } from "../locale/texts.ts";

export interface IconState {
  /** "unknown": nothing was scanned, or there is nothing to scan. */
  readonly kind: "unknown" | "idle" | "scanning" | "folding" | "paused" | "lost";
  /** Bytes that all volumes together could give back; null: not known. */
  readonly bytes: number | null;
  /** The share of those volumes' size, 0 to 1. */
  readonly share: number;
  /** Of the work that runs, 0 to 1; null while it is not known. */
  readonly progress: number | null;
  /** Files are stuck. */
  readonly attention: boolean;
}

/** What a click in the menu asks for. */
export type TrayAction =
  | { readonly kind: "open" }
  | { readonly kind: "review"; readonly volume: string | null }
  | { readonly kind: "stuck"; readonly volume: string | null }
  | { readonly kind: "scan" }
  | { readonly kind: "pause"; readonly paused: boolean }
  | { readonly kind: "fix" }
  | { readonly kind: "restart" }
  | { readonly kind: "quit" };

export type MenuRow =
  | { readonly kind: "separator" }
  | {
      readonly kind: "item";
      readonly label: string;
      readonly enabled: boolean;
      readonly action: TrayAction;
    };

export interface TrayModel {
  readonly icon: IconState;
  readonly tooltip: string;
  readonly menu: readonly MenuRow[];
}

/** More volumes than fit into a menu are in the window. */
const MAX_ROWS = 8;
const MAX_LABEL = 40;
const SEPARATOR: MenuRow = { kind: "separator" };

/** A volume's name for a menu: short, on one line, without characters that turn the text round. */
function volumeName(volume: VolumeInfo): string {
  const name = volume.label === "" ? volume.mountPath : volume.label;
  const clean = name.replaceAll(/[\p{Cc}\p{Bidi_Control}\p{Cs}\u2028\u2029]/gu, "\ufffd");
  return clean.length > MAX_LABEL ? `${clean.slice(0, MAX_LABEL - 1)}…` : clean;
}

function runningTask(state: AppState, volume: string | null): Task | undefined {
  return state.tasks.find(
    (task) =>
      task.result === null &&
      (task.kind === "scan" || task.kind === "fold") &&
      (volume === null || task.volume === volume),
  );
}

/** Share of a task that is done, 0 to 1; null while that is not known. */
function progressOf(task: Task | undefined): number | null {
  const progress = task?.progress ?? null;
  if (progress === null || progress.total === null || progress.total === 0) return null;
  return Math.min(1, progress.done / progress.total);
}

function volumeLine(
  volume: VolumeInfo,
  state: AppState,
  locale: LocaleService,
  withProgress: boolean,
): string {
  const { tray } = locale.texts();
  const name = volumeName(volume);
  const task = runningTask(state, volume.uuid);
  if (task === undefined) {
    if (volume.lastScan === null) return tray.notScanned(name);
    const [bytes, parts] = [reclaimableOf(volume.lastScan), rangesOf(volume.lastScan)];
    if (bytes === 0) return tray.nothing(name);
    const line = tray.reclaimable(name, formatBytes(bytes, locale.current()));
    const trust = rangesTrust(volume.lastScan, state.settings);
    const whole = parts === 0 ? line : tray.ofWhichParts(line, formatBytes(parts, locale.current()), trust);
    return volume.lastScan.asSelected === false ? tray.notAsSelected(whole) : whole;
  }
  const line =
    task.progress?.paused === true
      ? tray.paused(name)
      : task.kind === "fold"
        ? tray.folding(name)
        : tray.scanning(name);
  const done = progressOf(task);
  if (!withProgress || done === null) return line;
  return tray.progress(line, formatPercent(done, locale.current()));
}

function iconState(state: AppState, stuck: number): IconState {
  const scanned = (state.volumes ?? []).filter((volume) => volume.lastScan !== null);
  const bytes = scanned.reduce((sum, volume) => sum + reclaimableOf(volume.lastScan), 0);
  const total = scanned.reduce((sum, volume) => sum + volume.totalBytes, 0);
  const task = runningTask(state, null);
  const known = scanned.length > 0;
  const rest = { bytes: known ? bytes : null, share: total === 0 ? 0 : bytes / total, attention: stuck > 0 };
  if (state.helper.status === "lost") return { ...rest, kind: "lost", progress: null };
  if (task !== undefined) {
    const kind = task.progress?.paused === true ? "paused" : task.kind === "fold" ? "folding" : "scanning";
    return { ...rest, kind, progress: progressOf(task) };
  }
  return { ...rest, kind: known ? "idle" : "unknown", progress: null };
}

/** The volume that gives back most; null where none gives anything. */
function mostReclaimable(volumes: readonly VolumeInfo[]): string | null {
  let most: VolumeInfo | null = null;
  for (const volume of volumes) {
    if (reclaimableOf(volume.lastScan) > reclaimableOf(most?.lastScan ?? null)) most = volume;
  }
  return most?.uuid ?? null;
}

function stuckCounts(state: AppState): { ours: number; unknown: number } {
  return Object.values(state.stuck).reduce(
    (sum, one) => ({ ours: sum.ours + one.ours, unknown: sum.unknown + one.unknown }),
    { ours: 0, unknown: 0 },
  );
}

function menuRows(
  state: AppState,
  locale: LocaleService,
  stuck: { ours: number; unknown: number },
): MenuRow[] {
  const { tray } = locale.texts();
  const volumes = state.volumes ?? [];
  const item = (label: string, action: TrayAction, enabled = true): MenuRow => ({
    kind: "item",
    label,
    enabled,
    action,
  });
  const rows: MenuRow[] = [];
  if (state.helper.status === "lost") {
    rows.push(item(tray.lost, { kind: "open" }), item(tray.restart, { kind: "restart" }), SEPARATOR);
  }
  // without their percentage: a menu that changes ten times a second cannot be read
  for (const volume of volumes.slice(0, MAX_ROWS)) {
    rows.push(item(volumeLine(volume, state, locale, false), { kind: "review", volume: volume.uuid }));
  }
  if (state.volumes?.length === 0) rows.push(item(tray.noVolumes, { kind: "open" }, false));
  if (stuck.ours > 0) rows.push(item(tray.fixStuck(stuck.ours), { kind: "fix" }));
  if (stuck.unknown > 0) rows.push(item(tray.showStuck(stuck.unknown), { kind: "stuck", volume: null }));
  if (rows.length > 0 && rows.at(-1) !== SEPARATOR) rows.push(SEPARATOR);

  const most = mostReclaimable(volumes);
  const task = runningTask(state, null);
  const ready = state.helper.status !== "starting" && state.helper.status !== "lost";
  rows.push(
    item(tray.review, { kind: "review", volume: most }, most !== null),
    item(tray.scanNow, { kind: "scan" }, ready && volumes.length > 0 && task === undefined),
  );
  if (task !== undefined) {
    const paused = task.progress?.paused === true;
    rows.push(item(paused ? tray.resume : tray.pause, { kind: "pause", paused: !paused }, !task.cancelling));
  }
  rows.push(SEPARATOR, item(tray.open, { kind: "open" }), item(tray.quit, { kind: "quit" }));
  return rows;
}

function tooltipText(state: AppState, locale: LocaleService, texts: Texts["tray"], stuck: number): string {
  const lines = state.helper.status === "lost" ? [texts.lost] : [];
  if (state.volumes?.length === 0) lines.push(texts.noVolumes);
  for (const volume of (state.volumes ?? []).slice(0, MAX_ROWS)) {
    lines.push(volumeLine(volume, state, locale, true));
  }
  if (stuck > 0) lines.push(texts.stuck(stuck));
  return lines.length === 0 ? "Refold" : lines.join("\n");
}

/** Everything the tray shows. Two models that are equal as JSON look the same. */
export function trayModel(state: AppState, locale: LocaleService): TrayModel {
  const stuck = stuckCounts(state);
  const count = stuck.ours + stuck.unknown;
  return {
    icon: iconState(state, count),
    tooltip: tooltipText(state, locale, locale.texts().tray, count),
    menu: menuRows(state, locale, stuck),
  };
}
