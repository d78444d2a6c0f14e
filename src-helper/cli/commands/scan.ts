import { Command } from "commander";
import type { DeepTotals, Pinned, ScanTotals } from "../../engine/contract.ts";
import { addOptions, readDeepOptions } from "../options.ts";
import { describePinned, pinnedJson } from "../pinned-text.ts";
import type { Session } from "../session.ts";
import { fields } from "../table.ts";
import { formatBytes, formatCount, formatDuration, plural } from "../units.ts";
import { eachVolume, nameOfVolume, noteReadOnly, openVolumes, volumeName } from "../volumes.ts";
import type { Launch } from "./launch.ts";

/** `refold scan`: looks for duplicates in what changed since the last scan. */
export function scanCommand(launch: Launch): Command {
  const command = new Command("scan")
    .summary("look for duplicates; totals")
    .description(
      "Looks for duplicate files, reading only what changed since the last scan, and prints totals.",
    )
    .argument("[VOLUME...]", "what to scan; none: all mounted writable btrfs filesystems")
    .option("--pinned", "say which read-only snapshots keep from being given back what a fold lets go of");
  addOptions(command, "deep", "selection", "always", "snapshots", "flush", "basic");
  return command.action((names: string[], own: { pinned?: boolean }) =>
    launch(command, { root: true }, async (session) => {
      using volumes = await openVolumes(session, names);
      noteReadOnly(session, volumes, names);
      const totals: { scanned: ScanTotals; pinned: Pinned | null }[] = [];
      const deep = readDeepOptions(command);
      await eachVolume(session, volumes, async (volume) => {
        const { selection, flush } = session.options;
        const scanned = await session.work((context) =>
          volume.scan(
            {
              minSize: selection.minSize,
              flush: flush ?? false,
              selection,
              ...(deep === null ? {} : { deep }),
            },
            context,
          ),
        );
        const asked = own.pinned === true;
        const pinned = asked
          ? await session.work((context) => volume.pinned(selection, context, deep ?? undefined))
          : null;
        totals.push({ scanned, pinned });
        session.say(...describeScan(session, scanned, pinned === null && !selection.snapshots));
        if (pinned !== null) session.say(...describePinned(pinned, session.options.verbose));
      });
      if (session.options.json) {
        const volumeJson = totals.map(({ scanned, pinned }) => ({
          ...scanJson(scanned),
          ...(pinned === null ? {} : { pinned: pinnedJson(pinned) }),
        }));
        session.printJson({ volumes: volumeJson, ...session.jsonErrors() });
      } else if (totals.some(({ scanned }) => scanned.groups > 0) && session.io.out.isTerminal) {
        session.say(session.out.dim("refold groups lists the duplicates, refold dedup folds them."));
      }
    }),
  );
}

/** The totals of a scan as docs/json.md has them. */
export function scanJson(totals: ScanTotals): Record<string, unknown> {
  const { uuid, label, mountPath, generation, incremental, files, bytes } = totals;
  const { groups, duplicateFiles, reclaimableBytes, pinnedBytes, bytesRead, elapsedMs } = totals;
  return {
    ...{ uuid, label, mountPath, generation, incremental, files, bytes },
    ...{ groups, duplicateFiles, reclaimableBytes, bytesRead, elapsedMs },
    ...(pinnedBytes === undefined ? {} : { pinnedBytes }),
    ...(totals.deep === undefined ? {} : { deep: totals.deep }),
  };
}

/**
 * The totals of a scan for a person.
 * @param hint name the option that says who keeps what does not come back
 */
export function describeScan(session: Session, totals: ScanTotals, hint: boolean): string[] {
  const { pinnedBytes = 0 } = totals;
  const kind = totals.incremental ? "what changed since the last scan" : "everything";
  const duplicates =
    totals.groups === 0
      ? "none"
      : `${plural(totals.duplicateFiles, "file")} in ${plural(totals.groups, "group")}`;
  return [
    session.out.bold(volumeName(totals)),
    ...fields([
      ["scanned", `${plural(totals.files, "file")}, ${formatBytes(totals.bytes)}`],
      ["duplicates", duplicates],
      ["reclaimable", formatBytes(totals.reclaimableBytes)],
      ...(hint && pinnedBytes > 0 ? [["held back", describeHeldBack(pinnedBytes)] as [string, string]] : []),
      ...(totals.deep === undefined ? [] : [["ranges", describeRanges(totals.deep)] as [string, string]]),
      [
        "took",
        `${formatDuration(totals.elapsedMs)} for ${kind}; ${formatBytes(totals.bytesRead)} of file data read`,
      ],
    ]),
  ];
}

function describeHeldBack(bytes: number): string {
  return `${formatBytes(bytes)} more by snapshots or other files; --pinned says which`;
}

/** What folding ranges comes to, on one line. */
export function describeRanges({ reclaimableBytes, files, rewrittenBytes }: DeepTotals): string {
  const writing = rewrittenBytes === 0 ? "" : `, ${formatBytes(rewrittenBytes)} to be written anew`;
  return `${formatBytes(reclaimableBytes)} more in ranges of ${plural(files, "file")}${writing}`;
}

/** Scans where nothing was scanned yet for files this small, and says so. */
export async function scanFirst(
  session: Session,
  volume: Parameters<Parameters<typeof eachVolume>[2]>[0],
  minSize: number,
): Promise<void> {
  if (volume.hasScan(minSize)) return;
  session.note(
    `${nameOfVolume(volume)} has no scan of files from ${formatCount(minSize)} bytes yet: scanning`,
  );
  const { selection, flush } = session.options;
  await session.work((context) => volume.scan({ minSize, flush: flush ?? false, selection }, context));
}
