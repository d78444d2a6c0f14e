/** Rectangles for "Where it is": each folder as large as what it gives back. */
import { hierarchy, treemap, treemapSquarify } from "d3-hierarchy";
import type { FolderNode } from "../../../src-helper/rpc/protocol.ts";

export interface Tile {
  readonly node: FolderNode;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** What fits into it: nothing, the name, or the name and the amount below. */
  readonly label: "none" | "name" | "full";
  /** 0 to 5: which of the muted tones it has. Neighbours differ; tone says nothing. */
  readonly tone: number;
}

const GAP = 2; // pixels between tiles
const TONES = 6;
const LEAST_SHARE = 1 / 400; // of the whole area, for one folder
const NAME_MIN = { width: 44, height: 22 };
const FULL_MIN = { width: 56, height: 40 };

/** @param width and height - of the whole, in pixels */
export function layoutTiles(nodes: readonly FolderNode[], width: number, height: number): Tile[] {
  const shown = nodes.filter((node) => node.reclaimableBytes > 0);
  if (shown.length === 0 || width < 8 || height < 8) return [];
  // the smallest are drawn larger than they are: they can be seen, and clicked
  const least = shown.reduce((sum, node) => sum + node.reclaimableBytes, 0) * LEAST_SHARE;
  interface Datum {
    readonly node: FolderNode | null;
    readonly children?: readonly Datum[];
  }
  const root = hierarchy<Datum>(
    { node: null, children: shown.map((node) => ({ node })) },
    (datum) => datum.children,
  ).sum((datum) => (datum.node === null ? 0 : Math.max(datum.node.reclaimableBytes, least)));
  const laid = treemap<Datum>()
    .tile(treemapSquarify.ratio(1.3))
    .size([width, height])
    .paddingInner(GAP)
    .round(true)(root);
  return laid.leaves().flatMap(({ data: { node }, x0, y0, x1, y1 }, at) => {
    if (node === null) return [];
    const size = { width: x1 - x0, height: y1 - y0 };
    return [{ node, x: x0, y: y0, ...size, label: labelFor(size), tone: at % TONES }];
  });
}

function labelFor({ width, height }: { width: number; height: number }): Tile["label"] {
  if (width >= FULL_MIN.width && height >= FULL_MIN.height) return "full";
  return width >= NAME_MIN.width && height >= NAME_MIN.height ? "name" : "none";
}
