/** The calls of a review on the invented groups. */
import type { Filter, Params, Result, Sum, VolumeInfo } from "../types.ts";
import {
  columns,
  fileOf,
  foldable,
  folderOf,
  GROUPS,
  kindOf,
  KINDS,
  matching,
  rowOf,
  sortGroups,
  SUBVOLUMES,
} from "./groups.ts";

const PINNED = Math.round(6.1 * 2 ** 30);

export interface FakeReview {
  info(): Result<"review.open">;
  setNamesReady(): void;
  rows(params: Params<"review.rows">): Result<"review.rows">;
  files(params: Params<"review.files">): Result<"review.files">;
  tick(params: Params<"review.tick">): Sum;
  folders(params: Params<"review.folders">): Result<"review.folders">;
  facets(): Result<"review.facets">;
  pinned(snapshots: boolean): Result<"review.pinned">;
  pinnedRanges(settings: {
    readonly ranges: boolean;
    readonly snapshots: boolean;
  }): Result<"review.pinned-ranges">;
  compare(params: Params<"review.compare">): Result<"review.compare">;
  skip(): Result<"review.exclude">;
  readonly revision: number;
}

export function createFakeReview(volume: VolumeInfo, ready: boolean): FakeReview {
  let revision = 0;
  let namesReady = ready;
  const left = new Map<number, Set<number> | "all">();
  let sum = sumUp();
  let shown: { key: string; groups: Uint32Array; bytes: number } | null = null;

  function tickOf(group: number): "all" | "some" | "none" {
    const of = left.get(group);
    return of === undefined ? "all" : of === "all" ? "none" : rowOf(group, of).tick;
  }

  function sumUp(): Sum {
    const { size, copies } = columns();
    const total = { groups: 0, files: 0, foldBytes: 0 };
    for (let group = 0; group < GROUPS; group++) {
      const of = left.get(group);
      if (of === "all") continue;
      const files = foldable(group, copies[group] ?? 2) - (of?.size ?? 0);
      if (files === 0) continue;
      total.groups += 1;
      total.files += files;
      total.foldBytes += files * (size[group] ?? 0);
    }
    return { revision, ...total, predictedBytes: total.foldBytes, pinnedBytes: PINNED };
  }

  function select(
    filter: Filter,
    sort: Params<"review.rows">["sort"],
  ): { groups: Uint32Array; bytes: number } {
    const key = JSON.stringify([filter, sort, filter.ticked === "any" ? 0 : revision]);
    if (shown?.key === key) return shown;
    const groups = matching(filter, tickOf);
    sortGroups(groups, sort);
    let bytes = 0;
    for (const group of groups) bytes += columns().frees[group] ?? 0;
    shown = { key, groups, bytes };
    return shown;
  }

  function setTick(group: number, ticked: boolean): void {
    if (ticked) left.delete(group);
    else left.set(group, "all");
  }
  function setFile(group: number, file: number, ticked: boolean): void {
    const copies = columns().copies[group] ?? 2;
    const of = left.get(group);
    const files = new Set(of === "all" ? foldableFiles(group, copies) : of);
    if (ticked) files.delete(file);
    else files.add(file);
    if (files.size === 0) left.delete(group);
    else left.set(group, files.size >= foldable(group, copies) ? "all" : files);
  }
  function foldableFiles(group: number, copies: number): number[] {
    return Array.from({ length: copies }, (_, k) => k).filter(
      (file) => fileOf(group, file, new Set()).role === "fold",
    );
  }

  const review: FakeReview = {
    get revision() {
      return revision;
    },
    info: () => ({
      review: "r-1",
      volume: volume.uuid,
      scannedAt: volume.lastScan?.at ?? 0,
      groups: volume.lastScan?.groups === 0 ? 0 : GROUPS,
      files: 612_004,
      sum:
        volume.lastScan?.groups === 0
          ? { ...sum, groups: 0, files: 0, foldBytes: 0, predictedBytes: 0 }
          : sum,
      namesReady,
    }),
    setNamesReady() {
      namesReady = true;
    },
    rows({ filter, sort, offset, limit }) {
      const { groups, bytes } = select(filter, sort);
      const page = [...groups.subarray(offset, offset + limit)];
      let all = true;
      let none = true;
      if (left.size === 0) none = groups.length === 0;
      else
        for (const group of groups) {
          const tick = tickOf(group);
          if (tick !== "all") all = false;
          if (tick !== "none") none = false;
        }
      return {
        revision,
        total: groups.length,
        reclaimableBytes: bytes,
        tick: none ? "none" : all ? "all" : "some",
        rows: page.map((group) => rowOf(group, left.get(group))),
      };
    },
    files({ group, offset, limit }) {
      const index = Number.parseInt(group, 16);
      const copies = columns().copies[index] ?? 0;
      const of = left.get(index) ?? new Set<number>();
      return {
        total: copies,
        files: Array.from({ length: Math.max(0, Math.min(limit, copies - offset)) }, (_, k) =>
          fileOf(index, offset + k, of),
        ),
      };
    },
    tick({ target, ticked }) {
      if (target.kind === "groups") for (const id of target.ids) setTick(Number.parseInt(id, 16), ticked);
      else if (target.kind === "files") {
        const group = Number.parseInt(target.group, 16);
        for (const id of target.ids) setFile(group, (Number(id.split(":")[1]) - 1000) % 64, ticked);
      } else if (target.kind === "folder") {
        for (let group = 0; group < GROUPS; group++)
          if (`${folderOf(group)}/`.startsWith(`${target.path}/`)) setTick(group, ticked);
      } else for (const group of matching(target.filter, tickOf)) setTick(group, ticked);
      revision += 1;
      sum = sumUp();
      return sum;
    },
    folders({ filter, folder }) {
      const { groups } = select(
        { ...filter, folder: folder ?? filter.folder },
        { by: "frees", descending: true },
      );
      const base = folder ?? "";
      const nodes = new Map<string, { bytes: number; files: number; deeper: boolean }>();
      for (const group of groups) {
        const path = folderOf(group);
        const [name = "", ...rest] = path.slice(base.length + 1).split("/");
        if (name === "") continue;
        const node = nodes.get(name) ?? { bytes: 0, files: 0, deeper: false };
        node.bytes += columns().frees[group] ?? 0;
        node.files += foldable(group, columns().copies[group] ?? 2);
        node.deeper ||= rest.length > 0;
        nodes.set(name, node);
      }
      return [...nodes]
        .map(([name, node]) => ({
          path: `${base}/${name}`,
          name,
          reclaimableBytes: node.bytes,
          files: node.files,
          deeper: node.deeper,
        }))
        .sort((a, b) => b.reclaimableBytes - a.reclaimableBytes)
        .slice(0, 40);
    },
    facets() {
      const types = new Map(KINDS.map((kind) => [kind, { groups: 0, reclaimableBytes: 0 }]));
      const owners = [
        { uid: 1000, name: "me", groups: 0, reclaimableBytes: 0 },
        { uid: 1001, name: "family", groups: 0, reclaimableBytes: 0 },
      ];
      for (let group = 0; group < GROUPS; group++) {
        const bytes = columns().frees[group] ?? 0;
        for (const one of [types.get(kindOf(group)), owners[group % 3 === 2 ? 1 : 0]]) {
          if (one === undefined) continue;
          one.groups += 1;
          one.reclaimableBytes += bytes;
        }
      }
      return {
        types: [...types].map(([type, facet]) => ({ type, ...facet })),
        owners,
        subvolumes: SUBVOLUMES.map((one, k) => ({
          ...one,
          groups: GROUPS >> k,
          reclaimableBytes: 48e9 / 2 ** k,
        })),
      };
    },
    pinned: (snapshots) => ({
      aloneBytes: Math.round(PINNED * 0.6),
      sharedBytes: Math.round(PINNED * 0.3),
      otherBytes: PINNED - Math.round(PINNED * 0.6) - Math.round(PINNED * 0.3),
      total: 12,
      snapshots: Array.from({ length: 12 }, (_, k) => ({
        path: `.snapshots/${String(412 - k)}/snapshot`,
        bytes: Math.round(PINNED * 0.6 * 0.8 ** k),
        aloneBytes: k % 3 === 1 ? 0 : Math.round(PINNED * 0.12 * 0.6 ** k),
      })),
      foldedBytes: snapshots ? 0 : Math.round(PINNED * 0.9),
      metadataBytes: 38 * 2 ** 20,
    }),
    pinnedRanges: ({ ranges, snapshots }) =>
      !ranges || snapshots
        ? null
        : {
            bytes: Math.round(PINNED * 0.2),
            total: 2,
            snapshots: [412, 411].map((k) => ({
              path: `.snapshots/${String(k)}/snapshot`,
              bytes: Math.round(PINNED * 0.2),
              aloneBytes: 0,
            })),
            foldedBytes: Math.round(PINNED * 0.15),
          },
    compare({ group, a, b }) {
      const index = Number.parseInt(group, 16);
      const size = columns().size[index] ?? 0;
      const head = btoa(
        String.fromCharCode(...Array.from({ length: 4096 }, (_, k) => (k * 37 + index) % 256)),
      );
      const side = (id: string): Result<"review.compare">["a"] => {
        const file = fileOf(index, (Number(id.split(":")[1]) - 1000) % 64, new Set());
        return { path: file.path, size, modified: Math.round(file.modified), head };
      };
      return { a: side(a), b: side(b), comparedBytes: Math.min(size, 2 ** 20), equal: true };
    },
    skip() {
      revision += 1;
      sum = { ...sum, revision };
      return review.info();
    },
  };
  return review;
}
