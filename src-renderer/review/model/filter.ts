/** What a person narrows the review by, as the protocol's filter plus what its chips must remember. */
import type { FileType, Filter } from "../../../src-helper/rpc/protocol.ts";

/** Modified in the last `days`, or longer ago. `at` is when it was chosen, so that pages agree with each other. */
export interface Age {
  readonly kind: "newer" | "older";
  readonly days: number;
  readonly at: number;
}

export interface ReviewFilter {
  readonly search: string;
  readonly minSize: number | null;
  readonly maxSize: number | null;
  readonly subvolumes: readonly number[];
  readonly types: readonly FileType[];
  readonly owners: readonly number[];
  readonly age: Age | null;
  readonly folder: string | null;
  readonly ticked: "any" | "ticked" | "unticked";
  /** Whole files, or parts of files. */
  readonly kind: "any" | "file" | "range";
}

export const EMPTY_FILTER: ReviewFilter = {
  search: "",
  minSize: null,
  maxSize: null,
  subvolumes: [],
  types: [],
  owners: [],
  age: null,
  folder: null,
  ticked: "any",
  kind: "any",
};

const KIB = 1024;
const MIB = KIB * 1024;
const GIB = MIB * 1024;
export const LARGER_THAN = [MIB, 10 * MIB, 100 * MIB, GIB] as const;
export const SMALLER_THAN = [64 * KIB, MIB] as const;
export const AGES: readonly Omit<Age, "at">[] = [
  { kind: "newer", days: 7 },
  { kind: "newer", days: 30 },
  { kind: "newer", days: 365 },
  { kind: "older", days: 30 },
  { kind: "older", days: 365 },
  { kind: "older", days: 3 * 365 },
];
/** Offered as a chip without a menu. */
export const QUICK_SIZE = 100 * MIB;

const DAY_MS = 24 * 60 * 60 * 1000;
const MAX_SEARCH = 8192; // the protocol's

/** The filter as the helper takes it. */
export function toProtocol(filter: ReviewFilter): Filter {
  const moment = filter.age === null ? null : Math.max(0, filter.age.at - filter.age.days * DAY_MS);
  return {
    search: filter.search.trim().slice(0, MAX_SEARCH),
    minSize: filter.minSize,
    maxSize: filter.maxSize,
    subvolumes: [...filter.subvolumes],
    types: [...filter.types],
    owners: [...filter.owners],
    modifiedFrom: filter.age?.kind === "newer" ? moment : null,
    modifiedTo: filter.age?.kind === "older" ? moment : null,
    folder: filter.folder,
    ticked: filter.ticked,
    ...(filter.kind === "any" ? {} : { kind: filter.kind }),
  };
}

/** One thing the review is narrowed by; each is a chip that can be taken off. */
export type FilterPart =
  | { readonly kind: "larger"; readonly bytes: number }
  | { readonly kind: "smaller"; readonly bytes: number }
  | { readonly kind: "type"; readonly type: FileType }
  | { readonly kind: "subvolume"; readonly id: number }
  | { readonly kind: "owner"; readonly uid: number }
  | { readonly kind: "age"; readonly age: Age }
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "ticked"; readonly ticked: "ticked" | "unticked" }
  | { readonly kind: "kind"; readonly of: "file" | "range" };

/** What narrows, in the order of the chips. The search has its own field. */
export function parts(filter: ReviewFilter): FilterPart[] {
  const all: FilterPart[] = [];
  if (filter.folder !== null) all.push({ kind: "folder", path: filter.folder });
  if (filter.minSize !== null) all.push({ kind: "larger", bytes: filter.minSize });
  if (filter.maxSize !== null) all.push({ kind: "smaller", bytes: filter.maxSize });
  for (const type of filter.types) all.push({ kind: "type", type });
  for (const id of filter.subvolumes) all.push({ kind: "subvolume", id });
  for (const uid of filter.owners) all.push({ kind: "owner", uid });
  if (filter.age !== null) all.push({ kind: "age", age: filter.age });
  if (filter.kind !== "any") all.push({ kind: "kind", of: filter.kind });
  if (filter.ticked !== "any") all.push({ kind: "ticked", ticked: filter.ticked });
  return all;
}

/** The filter with a part put on, or taken off where it is on. */
export function toggle(filter: ReviewFilter, part: FilterPart): ReviewFilter {
  switch (part.kind) {
    case "larger":
      return { ...filter, minSize: filter.minSize === part.bytes ? null : part.bytes };
    case "smaller":
      return { ...filter, maxSize: filter.maxSize === part.bytes ? null : part.bytes };
    case "type":
      return { ...filter, types: flip(filter.types, part.type) };
    case "subvolume":
      return { ...filter, subvolumes: flip(filter.subvolumes, part.id) };
    case "owner":
      return { ...filter, owners: flip(filter.owners, part.uid) };
    case "age":
      return { ...filter, age: sameAge(filter.age, part.age) ? null : part.age };
    case "folder":
      return { ...filter, folder: filter.folder === part.path ? null : part.path };
    case "ticked":
      return { ...filter, ticked: filter.ticked === part.ticked ? "any" : part.ticked };
    case "kind":
      return { ...filter, kind: filter.kind === part.of ? "any" : part.of };
  }
}

/** Shows everything. */
export function isEmpty(filter: ReviewFilter): boolean {
  return filter.search.trim() === "" && parts(filter).length === 0;
}

/** Needs the names of all files: has to wait until they were read. */
export function needsNames(filter: ReviewFilter): boolean {
  return filter.search.trim() !== "" || filter.folder !== null || filter.types.length > 0;
}

export function sameAge(a: Omit<Age, "at"> | null, b: Omit<Age, "at"> | null): boolean {
  return a?.kind === b?.kind && a?.days === b?.days;
}

function flip<Value>(values: readonly Value[], value: Value): Value[] {
  return values.includes(value) ? values.filter((other) => other !== value) : [...values, value];
}
