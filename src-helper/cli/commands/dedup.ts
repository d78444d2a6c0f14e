import { Command, Option } from "commander";
import type {
  DeepOptions,
  FoldOptions,
  FoldPreview,
  FoldResult,
  Pinned,
  Volume,
} from "../../engine/contract.ts";
import { RefoldError } from "../../engine/errors.ts";
import { EXIT } from "../exit-codes.ts";
import { addOptions, readFoldOptions } from "../options.ts";
import { bytesToJsonString } from "../../text/path-text.ts";
import type { Session } from "../session.ts";
import { describePinned, pinnedJson } from "../pinned-text.ts";
import { describeDifferences, differencesJson } from "../differences-text.ts";
import { describeSkipped } from "../skipped-text.ts";
import { table } from "../table.ts";
import { formatBytes, formatCount, formatDuration, plural } from "../units.ts";
import { eachVolume, nameOfVolume, openVolumes, type OpenVolumes } from "../volumes.ts";
import { printGroups } from "./groups.ts";
import { describeRanges } from "./scan.ts";
import type { Launch } from "./launch.ts";

/** How many groups a dry run shows without --verbose. */
const DRY_RUN_GROUPS = 20;

interface Plan {
  readonly volume: Volume;
  readonly preview: FoldPreview;
  /** Who keeps pinnedBytes; null where nothing is pinned, or nobody is to read it. */
  readonly pinned: Pinned | null;
}

/** `refold dedup`: scans, asks, folds. */
export function dedupCommand(launch: Launch): Command {
  const command = new Command("dedup")
    .summary("scan, ask, and fold the duplicates")
    .description(
      "Scans, shows what would be given back, asks, and folds the duplicates onto one copy of their data. " +
        "The kernel compares every byte before it shares anything; contents and modification times of files stay as they are.",
    )
    .argument("[VOLUME...]", "what to fold; none: all mounted writable btrfs filesystems")
    .addOption(new Option("-n, --dry-run", "show what would be folded, and fold nothing"))
    .addOption(
      new Option(
        "--defrag",
        "defragment the copy that is kept first. What it shares with snapshots or other files is then " +
          "stored once more",
      ),
    );
  addOptions(command, "yes", "deep", "folding", "snapshots", "selection", "always", "flush", "basic");
  return command.action((names: string[], own: { yes?: boolean; dryRun?: boolean }) =>
    launch(command, { root: true }, async (session) => {
      const dryRun = own.dryRun === true;
      const yes = own.yes === true;
      if (!dryRun && !yes && !session.io.stdinIsTerminal) {
        throw new RefoldError("usage", "dedup asks before it folds, and standard input is no terminal", {
          next: "Add --yes to fold without being asked.",
        });
      }
      using volumes = await openVolumes(session, names);
      const options = readFoldOptions(command);
      const plans = await planFolds(session, volumes, options, dryRun || !yes);
      if (session.signal.aborted) return;
      const files = plans.reduce((sum, { preview }) => sum + preview.files + (preview.deep?.files ?? 0), 0);
      if (files > 0) session.say(...describePlans(session, plans));
      if (files > 0 && options.defrag) warnOfDefrag(session, plans);
      if (dryRun) {
        await showDryRun(session, plans, options.deep ?? null);
        return;
      }
      if (files === 0) {
        if (plans.length > 0) session.say("Nothing to fold.");
      } else if (!yes && !(await session.ask(question(plans)))) {
        session.note("nothing was folded");
        session.raise(EXIT.cancelled);
        return;
      }
      await foldAll(session, plans, options);
    }),
  );
}

async function planFolds(
  session: Session,
  volumes: OpenVolumes,
  options: FoldOptions,
  read: boolean,
): Promise<Plan[]> {
  const { selection, flush } = session.options;
  const plans: Plan[] = [];
  await eachVolume(session, volumes, async (volume) => {
    if (volume.summary.readOnly) {
      throw new RefoldError("failed", "it is mounted read-only, so that nothing can be folded", {
        next: "Mount it writable first, or see what is there with 'refold groups'.",
      });
    }
    await session.work((context) =>
      volume.scan({ minSize: selection.minSize, flush: flush ?? true, selection }, context),
    );
    const preview = await session.work(async (context) => volume.preview(selection, options, context));
    const asked = read && (preview.pinnedBytes > 0 || (options.deep !== undefined && !selection.snapshots));
    const pinned = asked
      ? await session.work((context) => volume.pinned(selection, context, options.deep))
      : null;
    plans.push({ volume, preview, pinned });
  });
  return plans;
}

function describePlans(session: Session, plans: readonly Plan[]): string[] {
  const rows = plans.map(({ volume, preview }) => [
    formatBytes(preview.predictedBytes),
    formatCount(preview.files),
    formatCount(preview.groups),
    nameOfVolume(volume),
  ]);
  const [title, ...lines] = table(
    [
      { title: "to give back", align: "right" },
      { title: "files", align: "right" },
      { title: "groups", align: "right" },
      { title: "filesystem", align: "left" },
    ],
    rows,
  );
  const notes = plans.flatMap(({ volume, pinned }) => {
    const kept = pinned === null ? [] : describePinned(pinned, session.options.verbose);
    return plans.length > 1 && kept.length > 0 ? [`${nameOfVolume(volume)}:`, ...kept] : kept;
  });
  const price = plans.reduce((sum, { preview }) => sum + (preview.metadataBytes ?? 0), 0);
  if (price > 0) {
    notes.push(
      `Snapshots come to share less metadata with their origins: that takes ${formatBytes(price)} at most.`,
    );
  }
  const ranges = plans.flatMap(({ preview }) => (preview.deep === undefined ? [] : [preview.deep]));
  const withRanges = ranges.map((deep) => `Of that, ${describeRanges(deep).replace(" more", "")}.`);
  return [session.out.dim(title ?? ""), ...lines, ...withRanges, ...notes];
}

function warnOfDefrag(session: Session, plans: readonly Plan[]): void {
  const unshared = plans.reduce((sum, { preview }) => sum + preview.unsharedBytes, 0);
  session.warn(
    unshared === 0
      ? "--defrag writes the copy that is kept anew; nothing of it is shared with snapshots or other files now"
      : `--defrag writes the copy that is kept anew, so that what it shares with snapshots and other files is ` +
          `stored once more: up to ${formatBytes(unshared)} that the folding will not give back`,
  );
}

function question(plans: readonly Plan[]): string {
  const sum = (field: "files" | "groups" | "predictedBytes"): number =>
    plans.reduce((total, { preview }) => total + preview[field], 0);
  const ranges = plans.reduce((total, { preview }) => total + (preview.deep?.files ?? 0), 0);
  const what =
    `${plural(sum("files"), "file")} in ${plural(sum("groups"), "group")}` +
    (ranges === 0 ? "" : `, and ranges of ${plural(ranges, "file")}`);
  return `Fold ${what}, giving back ${formatBytes(sum("predictedBytes"))}?`;
}

async function showDryRun(session: Session, plans: readonly Plan[], deep: DeepOptions | null): Promise<void> {
  if (session.options.json) {
    const volumes = plans.map(({ volume, preview, pinned }) => ({
      uuid: volume.uuid,
      groups: preview.groups,
      files: preview.files,
      predictedBytes: preview.predictedBytes,
      freedBytes: 0,
      elapsedMs: 0,
      skipped: [],
      pinnedBytes: preview.pinnedBytes,
      ...(pinned === null ? {} : { pinned: pinnedJson(pinned) }),
      ...(preview.metadataBytes === undefined ? {} : { metadataBytes: preview.metadataBytes }),
      unsharedBytes: preview.unsharedBytes,
      ...(preview.deep === undefined ? {} : { deep: preview.deep }),
    }));
    session.printJson({ dryRun: true, volumes, ...session.jsonErrors() });
    return;
  }
  const { selection, verbose } = session.options;
  session.say("");
  const open = plans.map(({ volume }) => volume);
  await printGroups(session, open, selection, verbose ? null : DRY_RUN_GROUPS, deep);
  session.say("Nothing was folded: this was a dry run.");
}

async function foldAll(session: Session, plans: readonly Plan[], options: FoldOptions): Promise<void> {
  const results: { volume: Volume; result: FoldResult }[] = [];
  for (const { volume } of plans) {
    if (session.signal.aborted) break;
    try {
      const result = await session.work((context) =>
        volume.fold(session.options.selection, options, context),
      );
      results.push({ volume, result });
      if (result.cancelled) session.raise(EXIT.cancelled);
      if (result.skipped.length > 0) session.raise(EXIT.incomplete);
    } catch (error) {
      session.fail(error, volume);
    }
  }
  if (session.options.json) {
    session.printJson({ volumes: results.map(({ result }) => foldJson(result)), ...session.jsonErrors() });
    return;
  }
  const worthTelling = results.filter(({ result }) => result.files > 0 || result.predictedBytes > 0);
  if (worthTelling.length > 0) session.say("", ...describeResults(session, worthTelling));
  for (const { volume, result } of results) {
    const lines = describeDifferences(session.out, result.differences ?? []);
    if (lines.length === 0) continue;
    session.say("", ...(results.length > 1 ? [`${nameOfVolume(volume)}:`] : []), ...lines);
  }
  const skipped = results.flatMap(({ result }) => result.skipped);
  if (skipped.length > 0) session.say("", ...describeSkipped(session.out, skipped, session.options.verbose));
  if (results.some(({ result }) => result.cancelled)) {
    session.say("", "Cancelled: what was folded stays folded, everything else is as it was.");
  }
}

function foldJson(result: FoldResult): Record<string, unknown> {
  return {
    uuid: result.uuid,
    groups: result.groups,
    files: result.files,
    predictedBytes: result.predictedBytes,
    freedBytes: result.freedBytes,
    differences: differencesJson(result.differences ?? []),
    elapsedMs: result.elapsedMs,
    skipped: result.skipped.map(({ path, reason, detail }) => ({
      path: bytesToJsonString(path),
      reason,
      detail,
    })),
    runId: result.runId,
    cancelled: result.cancelled,
  };
}

function describeResults(
  session: Session,
  results: readonly { readonly volume: Volume; readonly result: FoldResult }[],
): string[] {
  const rows = results.map(({ volume, result }) => [
    formatBytes(result.predictedBytes),
    formatBytes(result.freedBytes),
    formatCount(result.files),
    formatCount(result.groups),
    formatDuration(result.elapsedMs),
    nameOfVolume(volume),
  ]);
  const [title, ...lines] = table(
    [
      { title: "promised", align: "right" },
      { title: "measured", align: "right" },
      { title: "files folded", align: "right" },
      { title: "groups", align: "right" },
      { title: "took", align: "right" },
      { title: "filesystem", align: "left" },
    ],
    rows,
  );
  return [session.out.dim(title ?? ""), ...lines];
}
