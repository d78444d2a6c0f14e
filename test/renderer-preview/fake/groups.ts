/** 200,000 invented groups: what filters and sorts need in arrays, the rest on demand. */
import type { FileRow, Filter, GroupRow, Sort } from "../types.ts";
import { at, pick } from "./random.ts";
import { NOW } from "./volumes.ts";

export const GROUPS = 200_000;
const DAY = 86_400_000;

const TYPES = [
  "disk-image",
  "video",
  "image",
  "archive",
  "game",
  "code",
  "document",
  "audio",
  "other",
] as const;
export type Kind = (typeof TYPES)[number];
export const KINDS: readonly Kind[] = TYPES;

const PLACES: readonly {
  readonly folder: string;
  readonly kinds: readonly Kind[];
  readonly weight: number;
}[] = [
  { folder: "/home/me/VMs", kinds: ["disk-image"], weight: 0.1 },
  { folder: "/home/me/Downloads", kinds: ["disk-image", "archive", "document"], weight: 0.14 },
  { folder: "/home/me/Games/shadercache", kinds: ["game"], weight: 0.12 },
  { folder: "/home/me/Photos/2024/Norway", kinds: ["image"], weight: 0.16 },
  { folder: "/home/me/Photos/2025/Garden", kinds: ["image", "video"], weight: 0.1 },
  { folder: "/home/me/src/app/node_modules/typescript/lib", kinds: ["code"], weight: 0.2 },
  { folder: "/home/family/Music", kinds: ["audio"], weight: 0.08 },
  { folder: "/home/family/iso", kinds: ["disk-image"], weight: 0.03 },
  { folder: "/var/lib/flatpak/repo/objects", kinds: ["other"], weight: 0.07 },
];
const ENDINGS: Readonly<Record<Kind, string>> = {
  "disk-image": ".iso",
  video: ".mkv",
  image: ".NEF",
  archive: ".tar.zst",
  game: ".foz",
  code: ".js",
  document: ".pdf",
  audio: ".flac",
  other: ".file",
};
const STEMS = [
  "fedora-workstation",
  "DSC",
  "install",
  "stash",
  "backup",
  "track",
  "report",
  "index",
  "win11",
  "holiday",
];
const OWNERS = [
  { uid: 1000, name: "me" },
  { uid: 1001, name: "family" },
  { uid: 0, name: "root" },
] as const;
export const SUBVOLUMES = [
  { id: 256, path: "home", snapshot: false },
  { id: 257, path: "root", snapshot: false },
  { id: 301, path: ".snapshots/118/snapshot", snapshot: true },
] as const;

function placeOf(group: number): number {
  let rest = at(group, 10);
  for (const [index, place] of PLACES.entries()) {
    rest -= place.weight;
    if (rest < 0) return index;
  }
  return PLACES.length - 1;
}

interface Columns {
  readonly frees: Float64Array;
  readonly size: Float64Array;
  readonly copies: Uint8Array;
  readonly place: Uint8Array;
  readonly modified: Float64Array;
}

/** Some 40 ms of work, once. */
function makeColumns(): Columns {
  const columns: Columns = {
    frees: new Float64Array(GROUPS),
    size: new Float64Array(GROUPS),
    copies: new Uint8Array(GROUPS),
    place: new Uint8Array(GROUPS),
    modified: new Float64Array(GROUPS),
  };
  for (let group = 0; group < GROUPS; group++) {
    const copies = 2 + Math.floor(at(group, 11) ** 6 * 40);
    const frees = Math.max(8192, 32e9 / (group + 4) ** 1.25);
    columns.copies[group] = copies;
    columns.size[group] = Math.round(frees / foldable(group, copies) / 4096) * 4096 || 4096;
    columns.frees[group] = (columns.size[group] ?? 0) * foldable(group, copies);
    columns.place[group] = placeOf(group);
    columns.modified[group] = NOW - at(group, 12) ** 2 * 2000 * DAY;
  }
  return columns;
}
let made: Columns | null = null;
export function columns(): Columns {
  return (made ??= makeColumns());
}

/** Every seventh group of three and more has its last copy in a snapshot. */
function hasSnapshot(group: number, copies: number): boolean {
  return group % 7 === 3 && copies > 2;
}
/** Every eleventh has a copy that shares with the source already. */
function hasShared(group: number, copies: number): boolean {
  return group % 11 === 4 && copies > 3;
}
export function foldable(group: number, copies: number): number {
  return copies - 1 - Number(hasSnapshot(group, copies)) - Number(hasShared(group, copies));
}

export function kindOf(group: number): Kind {
  return pick((PLACES[columns().place[group] ?? 0] ?? { kinds: TYPES }).kinds, group, 13);
}
export function folderOf(group: number): string {
  const place = PLACES[columns().place[group] ?? 0]?.folder ?? "/";
  return group % 5 === 0 ? place : `${place}/${String(1 + (group % 37))}`;
}
export function nameOf(group: number): string {
  if (group === 6) return "invoice\u202exslx.exe";
  if (group === 8) return `two\nlines and a byte \udcff\udc80${ENDINGS[kindOf(group)]}`;
  if (group === 10) return `${"a very long name that goes on ".repeat(8)}${ENDINGS[kindOf(group)]}`;
  return `${pick(STEMS, group, 14)}_${String(group)}${ENDINGS[kindOf(group)]}`;
}

/** @param left files of the group that are unticked, by number */
export function fileOf(group: number, file: number, left: ReadonlySet<number> | "all"): FileRow {
  const copies = columns().copies[group] ?? 2;
  const inSnapshot = hasSnapshot(group, copies) && file === copies - 1;
  const shared = hasShared(group, copies) && file === 1;
  const ticked = !(left === "all" || left.has(file));
  const role = inSnapshot
    ? "snapshot"
    : file === 0
      ? "source"
      : shared
        ? "shared"
        : group % 29 === 2 && file === copies - 1 && copies > 4
          ? "fixed"
          : ticked
            ? "fold"
            : "left";
  const subvolume = SUBVOLUMES[inSnapshot ? 2 : file % 5 === 4 ? 1 : 0];
  const folder = file === 0 ? folderOf(group) : `${folderOf(group)}/copy ${String(file)}`;
  return {
    id: `${String(subvolume.id)}:${String(1000 + group * 64 + file)}:7`,
    path: `${inSnapshot ? "/.snapshots/118/snapshot" : ""}${folder}/${nameOf(group)}`,
    reachable: true,
    subvolume: subvolume.path,
    subvolumeId: subvolume.id,
    role,
    ticked: ticked && role !== "snapshot" && role !== "fixed",
    modified: (columns().modified[group] ?? NOW) - file * DAY,
    owner: OWNERS[group % 3 === 2 ? 1 : 0].name,
    place: shared ? 0 : file,
    sharing: (shared || file === 0) && hasShared(group, copies) ? 2 : 1,
  };
}

export function rowOf(group: number, left: ReadonlySet<number> | "all" | undefined): GroupRow {
  const { size, copies, modified } = columns();
  const count = copies[group] ?? 2;
  const toFold = foldable(group, count);
  const ticked = left === "all" ? 0 : toFold - (left?.size ?? 0);
  return {
    id: group.toString(16).padStart(8, "0"),
    name: nameOf(group),
    folder: folderOf(group),
    size: size[group] ?? 0,
    copies: count,
    toFold,
    frees: (size[group] ?? 0) * (ticked === 0 ? toFold : ticked),
    tick: ticked === 0 ? "none" : ticked === toFold ? "all" : "some",
    modified: Math.round(modified[group] ?? 0),
    snapshotCopies: hasSnapshot(group, count) ? 1 : 0,
  };
}

/** The groups that a filter shows. @param tickOf for the filter by ticks */
export function matching(filter: Filter, tickOf: (group: number) => GroupRow["tick"]): Uint32Array {
  const { size, modified } = columns();
  const search = filter.search.toLowerCase().replace(/[*?]/gu, "");
  const kept: number[] = [];
  for (let group = 0; group < GROUPS; group++) {
    const bytes = size[group] ?? 0;
    const time = modified[group] ?? 0;
    if (filter.minSize !== null && bytes < filter.minSize) continue;
    if (filter.maxSize !== null && bytes > filter.maxSize) continue;
    if (filter.modifiedFrom !== null && time < filter.modifiedFrom) continue;
    if (filter.modifiedTo !== null && time >= filter.modifiedTo) continue;
    if (filter.types.length > 0 && !filter.types.includes(kindOf(group))) continue;
    if (filter.owners.length > 0 && !filter.owners.includes(OWNERS[group % 3 === 2 ? 1 : 0].uid)) continue;
    if (filter.subvolumes.length > 0 && !filter.subvolumes.includes(256)) continue;
    if (filter.folder !== null && !`${folderOf(group)}/`.startsWith(`${filter.folder}/`)) continue;
    if (search !== "" && !`${folderOf(group)}/${nameOf(group)}`.toLowerCase().includes(search)) continue;
    if (filter.ticked === "ticked" && tickOf(group) === "none") continue;
    if (filter.ticked === "unticked" && tickOf(group) === "all") continue;
    kept.push(group);
  }
  return Uint32Array.from(kept);
}

/** Sorts in place; they come by what they free, largest first. */
export function sortGroups(groups: Uint32Array, sort: Sort): void {
  if (sort.by === "frees" && sort.descending) return;
  const { frees, size, copies, modified } = columns();
  const sign = sort.descending ? -1 : 1;
  if (sort.by === "name") {
    groups.sort((a, b) => sign * (nameOf(a) < nameOf(b) ? -1 : 1));
    return;
  }
  const column = { frees, size, copies, modified }[sort.by];
  groups.sort((a, b) => sign * ((column[a] ?? 0) - (column[b] ?? 0)) || a - b);
}
