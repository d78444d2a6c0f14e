import { Command } from "commander";
import type { SubvolumeSummary, VolumeSummary } from "../../engine/contract.ts";
import { addOptions } from "../options.ts";
import { bytesToJsonString } from "../../text/path-text.ts";
import type { Session } from "../session.ts";
import { matchSummaries } from "../summaries.ts";
import { fields, table } from "../table.ts";
import { displayPath } from "../terminal-text.ts";
import { formatBytes, formatCount, formatTime, isoTime, plural } from "../units.ts";
import { openVolumes, volumeName } from "../volumes.ts";
import type { Launch } from "./launch.ts";
import { scanJson } from "./scan.ts";

/** With more subvolumes than this, snapshots are only counted. */
const LISTED = 20;

/** `refold show`: the filesystems and what is known of them; the only command that needs no root. */
export function showCommand(launch: Launch): Command {
  const command = new Command("show")
    .summary("filesystems, subvolumes and what is known of them")
    .description(
      "Shows btrfs filesystems, their subvolumes, when they were last scanned and what could be given back. " +
        "Works without root, but tells less then.",
    )
    .argument("[VOLUME...]", "what to show; none: all mounted btrfs filesystems");
  addOptions(command, "basic");
  return command.action((names: string[]) =>
    launch(command, { root: false }, async (session) => {
      const summaries = await findSummaries(session, names);
      const remembered =
        names.length === 0 && session.io.isRoot ? await rememberedOnly(session, summaries) : [];
      if (session.options.json) {
        session.printJson({ volumes: summaries.map(volumeJson), remembered, ...session.jsonErrors() });
        return;
      }
      summaries.forEach((summary, k) => {
        if (k > 0) session.print("");
        session.print(...describeVolume(session, summary));
      });
      if (summaries.length === 0 && names.length === 0) session.say("No btrfs filesystem is mounted here.");
      for (const uuid of remembered) {
        session.say("", `Not mounted, but remembered: ${uuid} (refold forget removes what is kept of it)`);
      }
    }),
  );
}

async function findSummaries(session: Session, names: readonly string[]): Promise<readonly VolumeSummary[]> {
  const engine = await session.engine();
  if (names.length === 0) return engine.list();
  if (!session.io.isRoot) return matchSummaries(session, engine.list(), names);
  using volumes = await openVolumes(session, names);
  return volumes.all.map((volume) => volume.summary);
}

/** Filesystems that the database knows and that are not mounted now. */
async function rememberedOnly(
  session: Session,
  summaries: readonly VolumeSummary[],
): Promise<readonly string[]> {
  const mounted = new Set(summaries.map((summary) => summary.uuid));
  return (await session.engine()).known().filter((uuid) => !mounted.has(uuid));
}

function volumeJson(summary: VolumeSummary): Record<string, unknown> {
  return {
    uuid: summary.uuid,
    label: summary.label,
    devices: summary.devices,
    mountPath: summary.mountPath,
    mounts: summary.mounts,
    readOnly: summary.readOnly,
    generation: summary.generation,
    checksum: summary.checksum,
    totalBytes: summary.totalBytes,
    usedBytes: summary.usedBytes,
    freeBytes: summary.freeBytes,
    subvolumes:
      summary.subvolumes?.map((subvolume) => ({
        id: subvolume.id,
        path: bytesToJsonString(subvolume.path),
        readOnly: subvolume.readOnly,
        snapshotOf: subvolume.snapshotOf,
        generation: subvolume.generation,
        scannedGeneration: subvolume.scannedGeneration,
      })) ?? null,
    lastScan: summary.lastScan === null ? null : scanJson(summary.lastScan),
    lastScanAt: isoTime(summary.lastScanAt),
  };
}

function describeVolume(session: Session, summary: VolumeSummary): string[] {
  const mounts = summary.mounts.map(
    (mount) => `${displayPath(mount.path)}${mount.readOnly ? " (read-only)" : ""}`,
  );
  const used = `${formatBytes(summary.usedBytes)} of ${formatBytes(summary.totalBytes)}`;
  const withoutRoot = !session.io.isRoot;
  const scan = summary.lastScan;
  const lastScan =
    scan === null
      ? withoutRoot
        ? "only root can tell: sudo refold show"
        : "never"
      : [
          summary.lastScanAt === null ? "" : `${formatTime(summary.lastScanAt)}, `,
          `generation ${formatCount(scan.generation)}, ${plural(scan.files, "file")}`,
        ].join("");
  const pairs: (readonly [string, string])[] = [
    ["uuid", summary.uuid],
    [
      summary.devices.length === 1 ? "device" : "devices",
      summary.devices.map((path) => displayPath(path)).join(", "),
    ],
    ["mounted at", mounts.length === 0 ? "nowhere" : mounts.join(", ")],
    ["used", `${used}, ${formatBytes(summary.freeBytes)} free`],
    ["checksums", summary.checksum],
    ["generation", formatCount(summary.generation)],
    ["last scan", lastScan],
  ];
  if (scan !== null) {
    const groups = scan.groups === 0 ? "" : ` in ${plural(scan.groups, "group")}`;
    pairs.push(["reclaimable", session.out.green(formatBytes(scan.reclaimableBytes)) + groups]);
  }
  const lines = [session.out.bold(volumeName(summary)), ...fields(pairs)];
  if (summary.subvolumes === null) return lines;
  return [...lines, "", ...describeSubvolumes(session, summary.subvolumes)];
}

function describeSubvolumes(session: Session, subvolumes: readonly SubvolumeSummary[]): string[] {
  const hide = !session.options.verbose && subvolumes.length > LISTED;
  const shown = hide ? subvolumes.filter((subvolume) => subvolume.snapshotOf === null) : subvolumes;
  const hidden = subvolumes.length - shown.length;
  const rows = shown.map((subvolume) => [
    String(subvolume.id),
    formatCount(subvolume.generation),
    subvolume.scannedGeneration === null ? "never" : formatCount(subvolume.scannedGeneration),
    [
      subvolume.snapshotOf === null ? "" : `snapshot of ${subvolume.snapshotOf}`,
      subvolume.readOnly ? "read-only" : "",
    ]
      .filter((word) => word !== "")
      .join(", "),
    subvolume.path.length === 0 ? "(top level)" : displayPath(subvolume.path),
  ]);
  const [title, ...lines] = table(
    [
      { title: "subvolume", align: "right" },
      { title: "generation", align: "right" },
      { title: "scanned at", align: "right" },
      { title: "kind", align: "left" },
      { title: "path", align: "left" },
    ],
    rows,
  );
  return [
    `  ${session.out.dim(title ?? "")}`,
    ...lines.map((line) => `  ${line}`),
    ...(hidden === 0 ? [] : [`  and ${plural(hidden, "snapshot")} (--verbose lists them)`]),
  ];
}
