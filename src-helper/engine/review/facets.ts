import type { Facets } from "../../rpc/protocol.ts";
import type { Choice } from "./choice.ts";
import type { FileColumns, GroupColumns } from "./columns.ts";
import { fileTypeOf } from "./file-types.ts";
import type { Names } from "./filter.ts";
import type { Owners } from "./owners.ts";
import type { Slices } from "./slices.ts";

interface Count {
  groups: number;
  reclaimableBytes: number;
  /** The group that was counted last: each counts once, however many of its files are meant. */
  last: number;
}

class Counts<Key> {
  readonly #counts = new Map<Key, Count>();

  add(key: Key, group: number, bytes: number): void {
    let count = this.#counts.get(key);
    if (count === undefined) this.#counts.set(key, (count = { groups: 0, reclaimableBytes: 0, last: -1 }));
    if (count.last === group) return;
    count.last = group;
    count.groups++;
    count.reclaimableBytes += bytes;
  }

  /** Largest first. */
  list<Name extends object>(name: (key: Key) => Name): (Name & Omit<Count, "last">)[] {
    return [...this.#counts]
      .sort(([, a], [, b]) => b.reclaimableBytes - a.reclaimableBytes || b.groups - a.groups)
      .map(([key, { groups, reclaimableBytes }]) => ({ ...name(key), groups, reclaimableBytes }));
  }
}

/** A subvolume as a facet names it. */
export interface SubvolumeName {
  readonly path: string;
  readonly snapshot: boolean;
}

/** What there is to filter by, and how much each choice has; of everything that is not left out. */
export async function facetsOf(
  {
    groups,
    files,
    choice,
    names,
  }: Readonly<{
    groups: GroupColumns;
    files: FileColumns;
    choice: Choice;
    names: Names;
  }>,
  owners: Owners,
  subvolume: (id: number) => SubvolumeName,
  slices: Slices,
): Promise<Facets> {
  const typeOf = names.names.names.map(fileTypeOf);
  const byType = new Counts<(typeof typeOf)[number]>();
  const byOwner = new Counts<number>();
  const bySubvolume = new Counts<number>();
  for (let group = 0; group < groups.count; group++) {
    if (group % 256 === 0 && slices.over) await slices.next();
    if (!choice.isShown(group)) continue;
    const bytes = choice.whole.bytes[group] ?? 0;
    const end = groups.first[group + 1] ?? 0;
    for (let row = groups.first[group] ?? 0; row < end; row++) {
      if (files.excluded[row] === 1) continue;
      byType.add(typeOf[files.name[row] ?? 0] ?? "other", group, bytes);
      byOwner.add(files.uid[row] ?? 0, group, bytes);
      for (const id of files.subvolumesOf(row)) bySubvolume.add(id, group, bytes);
    }
  }
  return {
    types: byType.list((type) => ({ type })),
    owners: byOwner.list((uid) => ({ uid, name: owners.name(uid) })),
    subvolumes: bySubvolume.list((id) => ({ id, ...subvolume(id) })),
  };
}
