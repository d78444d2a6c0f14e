import { Choice } from "./choice.ts";
import type { Choices } from "./choices.ts";
import type { FileColumns, GroupColumns } from "./columns.ts";
import type { Names } from "./filter.ts";
import { ExtentTable } from "./extent-table.ts";
import { Footprints } from "./footprints.ts";
import { loadFiles } from "./load.ts";
import { readNames } from "./names.ts";
import { Planner } from "./planner.ts";
import { Slices } from "./slices.ts";
import type { ReviewSource } from "./source.ts";

/** Everything of a review: its files, their names, and what is ticked. */
export interface Loaded {
  readonly files: FileColumns;
  readonly names: Names;
  readonly planner: Planner;
  readonly choice: Choice;
  /** 1: rules or attributes leave the file alone, whatever is ticked; null where they leave none. */
  readonly ruledOut: Uint8Array | null;
}

export interface LoadingOptions {
  /** Bytes. */
  readonly minSize: number;
  readonly snapshots: boolean;
  /** What was ticked in the review before; absent: everything. */
  readonly choices?: Choices | null;
}

/** Loads what a review needs besides its groups, in the background. */
export class Loading {
  /** Rejects where it failed, or with the reason of the signal. */
  readonly done: Promise<Loaded>;
  /** null while it goes on. */
  loaded: Loaded | null = null;
  /** Names read so far. */
  named = 0;
  /** Names to read; until the files are loaded, not fewer than there are. */
  toName: number;
  /** Called when named has risen. */
  readonly listeners = new Set<() => void>();

  /** @param source in its transaction, which is ended with the loading; its volume is closed then too */
  constructor(source: ReviewSource, groups: GroupColumns, options: LoadingOptions, signal: AbortSignal) {
    this.toName = groups.files.reduce((sum, files) => sum + files, 0);
    this.done = this.#load(source, groups, options, signal);
    // whoever waits for it is told; nobody may
    this.done.catch(() => undefined);
  }

  async #load(
    source: ReviewSource,
    groups: GroupColumns,
    options: LoadingOptions,
    signal: AbortSignal,
  ): Promise<Loaded> {
    const slices = new Slices(signal);
    try {
      await slices.next(); // the answer to who opened the review goes first
      const { store, handle, readOnlySubvolumes } = source;
      const footprints = new Footprints(new ExtentTable(source.refs()), handle.sectorSize);
      const files = await loadFiles(store, groups, options, readOnlySubvolumes, footprints, slices);
      this.toName = files.count;
      const names = await readNames(handle, files, {
        slices,
        signal,
        progress: (done) => {
          this.named = done;
          for (const listener of this.listeners) listener();
        },
      });
      const planner = new Planner(groups, files, store, handle.sectorSize, options.snapshots);
      const choice = await Choice.ofAll(groups, files, planner, footprints, slices);
      const ruledOut = await ruledOutOf(files, source, slices);
      if (ruledOut !== null) await choice.exclude((row) => ruledOut[row] === 1, slices);
      const { choices = null } = options;
      if (choices?.all === false) {
        await choice.tick(await choices.unticked(groups, files, slices), false, slices);
      }
      this.loaded = { files, names, planner, choice, ruledOut };
      return this.loaded;
    } finally {
      source.end();
      source.handle.close(); // an unmount must not wait for a window that shows a list
    }
  }
}

async function ruledOutOf(
  files: FileColumns,
  { allows }: ReviewSource,
  slices: Slices,
): Promise<Uint8Array | null> {
  if (allows === null) return null;
  const ruledOut = new Uint8Array(files.count);
  for (let row = 0; row < files.count; row++) {
    const file = { subvolume: files.subvolume[row] ?? 0, inode: files.inode[row] ?? 0 };
    if (!allows(file)) ruledOut[row] = 1;
    if (row % 64 === 0 && slices.over) await slices.next();
  }
  return ruledOut;
}
