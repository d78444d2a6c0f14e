import type { Prediction } from "../dedupe/predict.ts";
import { predict, selectGroups, type SelectedGroup, type SelectionScope } from "../scan/selection.ts";
import type { IndexStore } from "../store/index-store.ts";
import type { SelectionTotals } from "./volume-state.ts";

/** What a selection comes to that is not all that the scan stored. */
export interface CountedRecord {
  /** What it was counted by: scan, subvolumes, rules, the selection. */
  readonly of: string;
  readonly totals: SelectionTotals;
  readonly pinnedBytes: number;
}

/** Selections that are kept: the app's, the command line's, the timer's. */
const KEPT = 4;
/** Groups counted without letting others have their turn: some ten milliseconds. */
const GROUPS_AT_ONCE = 200;

/**
 * Counts what rules, globs and snapshots make of all groups, and keeps that in the index: it takes as long as to read
 * every group, and with globs every name.
 */
export class CountedTotals {
  readonly #store: IndexStore;
  #last: CountedRecord | null = null;

  constructor(store: IndexStore) {
    this.#store = store;
  }

  /** As kept in the index, else counted now and not kept. */
  get(of: string, scope: SelectionScope, prediction: Prediction): CountedRecord {
    return this.known(of) ?? this.#counted(of, selectGroups(this.#store, scope), prediction);
  }

  /**
   * Counts what is not known, a bit at a time, and keeps it. Under the volume's lock.
   * @param breathe called between the bits; what it throws ends the counting
   */
  async keep(
    of: string,
    scope: SelectionScope,
    prediction: Prediction,
    breathe: () => Promise<void>,
  ): Promise<void> {
    if (this.known(of) !== null) return;
    const parts: ReturnType<typeof predict>[] = [];
    let some: SelectedGroup[] = [];
    const add = async (): Promise<void> => {
      parts.push(predict(some, prediction));
      some = [];
      await breathe();
    };
    for (const group of selectGroups(this.#store, scope)) {
      some.push(group);
      if (some.length === GROUPS_AT_ONCE) await add();
    }
    await add();
    const sum = (field: keyof (typeof parts)[number]): number =>
      parts.reduce((all, part) => all + part[field], 0);
    const record: CountedRecord = {
      of,
      totals: {
        groups: sum("groups"),
        duplicateFiles: sum("members"),
        toFold: sum("toFold"),
        foldBytes: sum("foldBytes"),
        reclaimableBytes: prediction.total(),
      },
      pinnedBytes: prediction.pinnedBytes(),
    };
    this.#last = record;
    this.#store.setMeta("counted", [record, ...this.#kept()].slice(0, KEPT));
  }

  /** As kept in the index, or counted by this object; null where it would have to be counted. */
  known(of: string): CountedRecord | null {
    if (this.#last?.of !== of) this.#last = this.#kept().find((one) => one.of === of) ?? null;
    return this.#last;
  }

  #kept(): readonly CountedRecord[] {
    return (this.#store.meta("counted") as readonly CountedRecord[] | undefined) ?? [];
  }

  #counted(of: string, groups: Iterable<SelectedGroup>, prediction: Prediction): CountedRecord {
    const totals = totalsOf(groups, prediction);
    this.#last = { of, totals, pinnedBytes: prediction.pinnedBytes() };
    return this.#last;
  }
}

/** Totals of some groups; reclaimableBytes: of all that the prediction was told so far. */
export function totalsOf(groups: Iterable<SelectedGroup>, prediction: Prediction): SelectionTotals {
  const counts = predict(groups, prediction);
  return {
    groups: counts.groups,
    duplicateFiles: counts.members,
    toFold: counts.toFold,
    foldBytes: counts.foldBytes,
    reclaimableBytes: prediction.total(),
  };
}
