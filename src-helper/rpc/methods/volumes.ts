import { isDeepStrictEqual } from "node:util";
import { DEMO_LABEL } from "../../demo/demo-volume.ts";
import type { Selection } from "../../engine/contract.ts";
import { RefoldError } from "../../engine/errors.ts";
import { withJournal } from "../../engine/folding.ts";
import { summarize } from "../../engine/summary.ts";
import { indexPath, VolumeState, type LastRanges, type RangeSearch } from "../../engine/volume-state.ts";
import { journalPath } from "../../journal/store.ts";
import { NativeError, tryCall } from "../../native/library.ts";
import { databaseError } from "../../store/open-database.ts";
import { NO_DATABASE, stampOf } from "../../store/stamp.ts";
import { rulesStamp } from "../../rules/file.ts";
import { discoverVolumes, type DiscoveredVolume } from "../../volumes/discover.ts";
import { openDirectory } from "../../volumes/open-directory.ts";
import { readDataProfile } from "../../volumes/profile.ts";
import { VolumeHandle } from "../../volumes/volume-handle.ts";
import { deepTotals } from "../deep.ts";
import { OBSERVED_MEMORY, type Counted, type Deep, type VolumeInfo } from "../protocol.ts";
import type { Tasks } from "../tasks.ts";

type LastScan = VolumeInfo["lastScan"];

/** What was read of a volume once, and for which state of it that holds. */
interface Known {
  generation: number;
  subvolumes: number;
  snapshots: number;
  /** Ids of read-only subvolumes: what their snapshots pin hangs on them. */
  readOnly: string;
}

export interface VolumesOptions {
  readonly databaseDir: string;
  readonly rulesFile: string;
  readonly warn: (message: string) => void;
  readonly tasks: Pick<Tasks, "isBusy">;
  readonly privileged: boolean;
  /** It may look for parts of files with no more than OBSERVED_MEMORY. */
  readonly observes: boolean;
  /** Where the demo volume is mounted. */
  readonly demoMount: string;
}

/**
 * The filesystems of this machine, for a window that asks often. Subvolumes are
 * read again when the filesystem has a new generation; the index and the journal
 * are opened only when their files have changed, for that costs a look through
 * the whole database. While a task works on a volume, what was known of it
 * before is told.
 */
export class VolumeList {
  readonly #options: VolumesOptions;
  readonly #known = new Map<string, Known>();
  readonly #scans = new Map<string, { readonly stamp: string; readonly scan: LastScan }>();
  readonly #intents = new Map<string, { readonly stamp: string; readonly open: number | null }>();

  constructor(options: VolumesOptions) {
    this.#options = options;
  }

  /** @param selection what is counted of the last scan */
  list(selection?: Counted): VolumeInfo[] {
    return discoverVolumes().flatMap((found) => {
      try {
        return [this.#describe(found, selection)];
      } catch (error) {
        // unmounted while we looked
        if (error instanceof NativeError || isGone(error)) return [];
        throw error;
      }
    });
  }

  #describe(found: DiscoveredVolume, selection: Counted | undefined): VolumeInfo {
    const { privileged, demoMount } = this.#options;
    const summary = summarize(found);
    const { uuid, label, devices, mounts, mountPath, readOnly, generation, checksum } = summary;
    const { totalBytes, usedBytes, freeBytes } = summary;
    const known = privileged ? this.#subvolumes(found) : null;
    return {
      ...{
        uuid,
        label,
        devices: [...devices],
        mounts: [...mounts],
        mountPath,
        readOnly,
        generation,
        checksum,
      },
      ...{ totalBytes, usedBytes, freeBytes },
      compression: found.mounts.find((mount) => mount.compression !== null)?.compression ?? null,
      dataProfile: privileged ? dataProfile(found) : null,
      subvolumes: known?.subvolumes ?? null,
      snapshots: known?.snapshots ?? null,
      lastScan: known === null ? null : this.#lastScan(found, known, selection),
      openIntents: known === null ? null : this.#openIntents(uuid),
      demo: label === DEMO_LABEL && mounts.some((mount) => mount.path === demoMount),
    };
  }

  #subvolumes(found: DiscoveredVolume): Known {
    const { uuid, generation } = found.info;
    const before = this.#known.get(uuid);
    if (before?.generation === generation) return before;
    const handle = new VolumeHandle(found);
    try {
      const all = handle.subvolumes;
      const known: Known = {
        generation,
        // the top level is there always, and counted as btrfs subvolume list does: not
        subvolumes: all.filter((subvolume) => subvolume.id !== TOP_LEVEL).length,
        snapshots: all.filter((subvolume) => subvolume.parentUuid !== null).length,
        readOnly: all
          .filter((subvolume) => subvolume.readOnly)
          .map((subvolume) => subvolume.id)
          .join(),
      };
      this.#known.set(uuid, known);
      return known;
    } finally {
      handle.close();
    }
  }

  #lastScan(found: DiscoveredVolume, known: Known, selection: Counted | undefined): LastScan {
    const { uuid } = found.info;
    const before = this.#scans.get(uuid);
    // its transaction is not over: nothing new can be read
    if (this.#options.tasks.isBusy(uuid)) return before?.scan ?? null;
    const index = indexPath(this.#options.databaseDir, uuid);
    // what is counted hangs on the rules too
    const of = `${known.readOnly} ${rulesStamp(this.#options.rulesFile)} ${JSON.stringify(selection ?? null)}`;
    if (before?.stamp === `${of} ${stampOf(index)}`) return before.scan;
    const scan = this.#tried(() => this.#readScan(found, selection));
    // opening it may have moved what its write-ahead log held
    this.#scans.set(uuid, { stamp: `${of} ${stampOf(index)}`, scan });
    return scan;
  }

  #readScan(found: DiscoveredVolume, asked: Counted | undefined): LastScan {
    const { databaseDir, rulesFile, warn, observes } = this.#options;
    if (stampOf(indexPath(databaseDir, found.info.uuid)) === NO_DATABASE) return null;
    const state = new VolumeState(new VolumeHandle(found), null, databaseDir, warn, rulesFile);
    try {
      const last = state.lastScan();
      if (last === undefined) return null;
      const { files, finishedAt, minSize } = last;
      const whole = { pathGlob: null, crossVolume: true } as const;
      const everything: Selection = { ...whole, minSize, exclude: [], snapshots: false };
      const { deep, ...rest }: Partial<Counted> = asked ?? {};
      const wanted: Selection = { ...everything, ...rest };
      const asSelected = asked === undefined || state.hasTotals(wanted, COUNTED_AT_ONCE);
      const selection = asSelected ? wanted : everything;
      const { groups, duplicateFiles, reclaimableBytes } = state.totals(selection);
      const pinnedBytes = state.pinnedBytes(selection);
      const ranges = state.lastRanges();
      return {
        ...{ at: finishedAt, files, groups, duplicateFiles, reclaimableBytes, pinnedBytes },
        ...(asSelected ? {} : { asSelected }),
        ...(ranges === null ? {} : { ranges: rangesInfo(ranges, wanted, deep, observes) }),
      };
    } finally {
      state.close();
    }
  }

  #openIntents(uuid: string): number | null {
    const { databaseDir, warn, tasks } = this.#options;
    const before = this.#intents.get(uuid);
    // those of a fold that goes on are not left behind
    if (tasks.isBusy(uuid)) return before?.open ?? null;
    const journal = journalPath(databaseDir, uuid);
    if (before?.stamp === stampOf(journal)) return before.open;
    const open = this.#tried(
      () => withJournal(databaseDir, uuid, warn, (opened) => opened.openIntents().length) ?? 0,
    );
    this.#intents.set(uuid, { stamp: stampOf(journal), open });
    return open;
  }

  /** A database that cannot be read must not hide the volumes. */
  #tried<T>(read: () => T): T | null {
    try {
      return read();
    } catch (thrown) {
      const error = databaseError(this.#options.databaseDir, thrown);
      if (!(error instanceof RefoldError)) throw error;
      this.#options.warn(error.message);
      return null;
    }
  }
}

const TOP_LEVEL = 5;
/** Groups that are counted when somebody asks for the list: some ten milliseconds. More are counted by a scan. */
const COUNTED_AT_ONCE = 1000;

/** @param deep how parts are to be looked for; undefined: nobody said */
function rangesInfo(
  { totals, current, search }: LastRanges,
  selection: Selection,
  deep: Deep | undefined,
  observes: boolean,
): NonNullable<LastScan>["ranges"] {
  const same = deep === undefined || search === null || isSameSearch(search, selection, deep, observes);
  return {
    ...deepTotals(totals),
    current: current && same,
    ...(search?.deep.read === true ? { read: true } : {}),
  };
}

/** Whether a search like the one asked for would find what the last one did. */
function isSameSearch(
  { selection: of, deep: by }: RangeSearch,
  { minSize, exclude, snapshots }: Selection,
  deep: Deep,
  observes: boolean,
): boolean {
  if (of.minSize !== minSize || of.snapshots !== snapshots) return false;
  if (!isDeepStrictEqual(of.exclude, exclude) || by.maxRewrite !== deep.maxRewrite) return false;
  // it may not take more, and one that took more found no less
  const capped = observes && deep.memory === OBSERVED_MEMORY && by.memory > deep.memory;
  // that nothing was read is told apart
  return (by.memory === deep.memory || capped) && (by.read !== true || deep.read === true);
}

function isGone(error: unknown): boolean {
  if (error instanceof RefoldError) return error.code === "no-volume";
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "EACCES");
}

function dataProfile(found: DiscoveredVolume): string | null {
  const fd = openDirectory(found.mountPath);
  if (fd < 0) return null;
  try {
    return readDataProfile(fd);
  } finally {
    tryCall("rf_close", fd);
  }
}
