/** Invented histories and stuck files. */
import type { HistoryFileInfo, HistoryRunInfo, Result, StuckFileInfo, VolumeInfo } from "../types.ts";
import { at, pick } from "./random.ts";
import { NOW } from "./volumes.ts";

const GIB = 2 ** 30;

export function makeRuns(volume: VolumeInfo, length: number): readonly HistoryRunInfo[] {
  return Array.from({ length }, (_, k): HistoryRunInfo => {
    const id = length - k;
    const startedAt = NOW - k * 6.3 * 86_400_000 - at(id, 1) * 86_400_000;
    const state = id % 9 === 5 ? "interrupted" : id % 7 === 3 ? "cancelled" : "done";
    const predicted = Math.round(at(id, 2) ** 2 * 42 * GIB);
    return {
      id,
      volume: volume.uuid,
      startedAt,
      finishedAt: state === "interrupted" ? null : startedAt + at(id, 3) * 400_000,
      state,
      groups: Math.round(at(id, 4) * 2000),
      files: Math.round(at(id, 4) * 5200),
      predictedBytes: predicted,
      freedBytes:
        state === "interrupted"
          ? null
          : Math.round(predicted * (state === "cancelled" ? 0.4 : 0.985 + at(id, 5) * 0.015)),
      skipped: Math.floor(at(id, 6) ** 3 * 40),
    };
  });
}

const FOLDERS = [
  "/home/me/Pictures",
  "/home/me/VMs",
  "/var/lib/flatpak/repo",
  "/home/family/iso",
  "/srv/www",
];

/** One page of a run's files. */
export function makeRunFiles(run: HistoryRunInfo, offset: number, limit: number): readonly HistoryFileInfo[] {
  const total = run.files + run.skipped;
  return Array.from({ length: Math.max(0, Math.min(limit, total - offset)) }, (_, k): HistoryFileInfo => {
    const index = offset + k;
    const skipped = index < run.skipped;
    const outcome = skipped ? pick(["in-use", "changed", "nocow"] as const, index, 7) : "folded";
    return {
      path:
        index === 2
          ? `/home/me/odd \udcff\u202e name\n${"x".repeat(300)}.iso`
          : `${pick(FOLDERS, index, 8)}/${String(2010 + Math.floor(at(index, 9) * 16))}/IMG_${String(index).padStart(5, "0")}.dng`,
      outcome,
      detail: skipped
        ? outcome === "in-use"
          ? "open for writing by firefox (pid 4121)"
          : "left as it is"
        : "",
    };
  });
}

export function makeStuck(volume: VolumeInfo, ours: number, unknown: number): readonly StuckFileInfo[] {
  return Array.from({ length: ours + unknown }, (_, k) => ({
    id: `256:${String(4000 + k)}:77`,
    volume: volume.uuid,
    path:
      volume.label.length > 100
        ? `${volume.mountPath}/\u202e${"very long name ".repeat(200)}\udcff.img`
        : k < ours
          ? `/home/me/VMs/boot/install-${String(k + 1)}.iso`
          : `/mnt/archive/tax/${String(2018 + k)}.pdf`,
    origin: k < ours ? ("refold" as const) : ("unknown" as const),
    since: k < ours ? NOW - 2 * 86_400_000 : k % 2 === 0 ? null : NOW - 90 * 86_400_000,
  }));
}

/** Rules of folders, one of a folder that is not there. */
export function makeRules(volumes: readonly VolumeInfo[]): Result<"rules"> {
  const here = volumes.slice(0, 1).map(({ uuid }) => uuid);
  if (here.length === 0) return [];
  return [
    { path: "/home/me/Virtual machines", fold: "never", volumes: here },
    { path: "/mnt/backup/photos", fold: "never", volumes: [] },
    { path: "/srv/mirror", fold: "always", volumes: here },
  ];
}
