/** Volumes and questions that the tests of the RPC server share. */
import { mkdirSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { LoopVolume } from "../support/volume.ts";
import type { Params } from "../../src-helper/rpc/protocol.ts";

/** Pairs of equal files, each pair its own content and all of one size. */
export interface Pairs {
  readonly count: number;
  readonly size: number;
}

/** A volume with pairs of equal files in the subvolume "data". */
export function volumeOfPairs({ count, size }: Pairs): LoopVolume {
  const volume = LoopVolume.create({ size: "2G", label: "pairs" });
  const root = volume.createSubvolume("data");
  for (let k = 0; k < count; k++) {
    const folder = join(root, `folder-${k % 16}`);
    mkdirSync(folder, { recursive: true });
    const content = randomBytes(size);
    writeFileSync(join(folder, `${k}-a`), content);
    writeFileSync(join(folder, `${k}-b`), content);
  }
  volume.sync();
  return volume;
}

export function scanParams(volume: string, task = "scan"): Params<"scan"> {
  return { task, volume, minSize: 4096, exclude: [], flush: true };
}
