import { Command } from "commander";
import type { DeepOptions, Group, Selection, Volume } from "../../engine/contract.ts";
import { addOptions, countArgument, globArgument, readDeepOptions } from "../options.ts";
import { bytesToJsonString } from "../../text/path-text.ts";
import type { Session } from "../session.ts";
import { displayPath } from "../terminal-text.ts";
import { formatBytes, formatCount, plural } from "../units.ts";
import { eachVolume, nameOfVolume, noteReadOnly, openVolumes } from "../volumes.ts";
import { PATHS_HELP } from "../help-text.ts";
import type { Launch } from "./launch.ts";
import { scanFirst } from "./scan.ts";

/** A synchronous source would keep signals from being seen: let them in this often. */
const BREATHE_MS = 50;

/** `refold groups`: the duplicates, largest saving first. */
export function groupsCommand(launch: Launch): Command {
  const command = new Command("groups")
    .summary("the duplicates, largest saving first")
    .description(
      "Lists groups of files with the same content, and with --deep ranges with the same content, largest saving first. " +
        "Scans first where no scan was made yet. " +
        "With --json one object a line.",
    )
    .argument("[VOLUME...]", "where to look; none: all mounted writable btrfs filesystems")
    .option("--limit <N>", "print no more than so many groups", countArgument(1))
    .option("--path <GLOB>", "only groups with a file whose path matches", globArgument)
    .addHelpText("after", PATHS_HELP);
  addOptions(command, "deep", "selection", "always", "snapshots", "flush", "basic");
  return command.action((names: string[], own: { limit?: number }) =>
    launch(command, { root: true }, async (session) => {
      using volumes = await openVolumes(session, names);
      noteReadOnly(session, volumes, names);
      const { selection } = session.options;
      const ready: Volume[] = [];
      await eachVolume(session, volumes, async (volume) => {
        await scanFirst(session, volume, selection.minSize);
        ready.push(volume);
      });
      await printGroups(session, ready, selection, own.limit ?? null, readDeepOptions(command));
    }),
  );
}

/**
 * Prints the groups of some volumes as one list, largest saving first. Stops
 * when the reader goes away or a signal comes.
 *
 * @param limit most groups to print, null for all
 * @param deep ranges among them; null for whole files only
 */
export async function printGroups(
  session: Session,
  volumes: readonly Volume[],
  selection: Selection,
  limit: number | null,
  deep: DeepOptions | null,
): Promise<void> {
  const { io, options } = session;
  const many = volumes.length > 1;
  const names = new Map(many ? volumes.map((volume) => [volume.uuid, nameOfVolume(volume)]) : []);
  let groups = 0;
  let bytes = 0;
  let breath = performance.now();
  for await (const group of mergeGroups(session, volumes, selection, limit, deep)) {
    if (io.out.closed || session.signal.aborted) return;
    if (options.json) session.printJson(groupJson(group));
    else {
      if (groups === 0) session.print(session.out.dim(GROUP_TITLE));
      session.print(...describeGroup(session, group, names.get(group.volume) ?? null));
    }
    groups += 1;
    bytes += group.reclaimableBytes;
    if (limit !== null && groups >= limit) break;
    if (performance.now() - breath > BREATHE_MS) {
      await new Promise((resolve) => setImmediate(resolve));
      breath = performance.now();
    }
  }
  if (options.json) return;
  const cut = limit !== null && groups >= limit;
  if (groups === 0) session.say("No duplicates.");
  else session.say("", `${plural(groups, "group")}${cut ? " shown" : ""}, ${formatBytes(bytes)} reclaimable`);
}

/** The groups of several volumes, each sorted, as one sorted stream; a volume that fails is reported. */
async function* mergeGroups(
  session: Session,
  volumes: readonly Volume[],
  selection: Selection,
  limit: number | null,
  deep: DeepOptions | null,
): AsyncGenerator<Group> {
  const heads: { volume: Volume; source: AsyncGenerator<Group>; group: Group }[] = [];
  const pull = async (volume: Volume, source: AsyncGenerator<Group>): Promise<void> => {
    try {
      const next = await source.next();
      if (next.done !== true) heads.push({ volume, source, group: next.value });
    } catch (error) {
      session.fail(error, volume);
    }
  };
  try {
    for (const volume of volumes) {
      await pull(volume, streamGroups(volume, selection, limit));
      if (deep !== null) await pull(volume, streamRanges(session, volume, selection, deep));
    }
    while (heads.length > 0) {
      const [head] = heads.sort((a, b) => b.group.reclaimableBytes - a.group.reclaimableBytes);
      if (head === undefined) return;
      heads.splice(0, 1);
      yield head.group;
      await pull(head.volume, head.source);
    }
  } finally {
    // Whoever stops reading early must not leave a statement open in a database.
    for (const { source } of heads) await source.return(undefined);
  }
}

async function* streamGroups(
  volume: Volume,
  selection: Selection,
  limit: number | null,
): AsyncGenerator<Group> {
  yield* volume.groups(selection, limit);
}

async function* streamRanges(
  session: Session,
  volume: Volume,
  selection: Selection,
  deep: DeepOptions,
): AsyncGenerator<Group> {
  yield* await session.work((context) => volume.rangeGroups(selection, deep, context));
}

function groupJson(group: Group): Record<string, unknown> {
  return {
    kind: group.kind ?? "file",
    volume: group.volume,
    id: group.id,
    size: group.size,
    reclaimableBytes: group.reclaimableBytes,
    files: group.files.map((file) => ({
      subvolume: bytesToJsonString(file.subvolume),
      path: bytesToJsonString(file.path),
      inode: file.inode,
      readOnly: file.readOnly,
      shared: file.shared,
      reachable: file.reachable,
      subvolumeId: file.subvolumeId,
      ...(file.offset === undefined ? {} : { offset: file.offset }),
    })),
  };
}

const GROUP_TITLE = `${"saving".padStart(10)}  ${"size".padStart(10)}  ${"copies".padStart(6)}`;

function describeGroup(session: Session, group: Group, volume: string | null): string[] {
  const { out } = session;
  const saving = formatBytes(group.reclaimableBytes).padStart(10);
  const size = formatBytes(group.size).padStart(10);
  const copies = formatCount(group.files.length).padStart(6);
  return [
    `${out.green(saving)}  ${size}  ${copies}${volume === null ? "" : `  on ${volume}`}`,
    ...group.files.map((file) => {
      const notes = [
        file.offset === undefined ? "" : `from byte ${formatCount(file.offset)}`,
        file.readOnly ? "read-only" : "",
        file.reachable ? "" : "not mounted",
        file.shared > 1 ? `shares data with ${formatCount(file.shared - 1)}` : "",
      ].filter((note) => note !== "");
      return `    ${displayPath(file.path)}${notes.length === 0 ? "" : out.dim(`  (${notes.join(", ")})`)}`;
    }),
  ];
}
