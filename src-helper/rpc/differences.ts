import type { Difference } from "../engine/contract.ts";
import { bytesToJsonString } from "../text/path-text.ts";
import { MAX_HOLDERS, type DifferenceInfo } from "./protocol.ts";

/** As the protocol has them: of many holders the first. */
export function differenceInfos(differences: readonly Difference[]): DifferenceInfo[] {
  return differences.map(({ cause, bytes, subvolumes }) => ({
    cause,
    bytes,
    ...(subvolumes === undefined
      ? {}
      : {
          subvolumes: subvolumes
            .slice(0, MAX_HOLDERS)
            .map((one) => ({ path: bytesToJsonString(one.path), bytes: one.bytes })),
        }),
  }));
}
