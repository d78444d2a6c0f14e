import type { Difference, DifferenceCause } from "../engine/contract.ts";
import { bytesToJsonString } from "../text/path-text.ts";
import type { Style } from "./style.ts";
import { displayPath } from "./terminal-text.ts";
import { formatBytes } from "./units.ts";

/** What a person reads beside the bytes that a cause took from a promise. */
export const DIFFERENCE_SENTENCES: Readonly<Record<DifferenceCause, string>> = {
  "in-use": "in files that a program may write to",
  changed: "in data that changed, or was let go of, since the scan",
  differs: "in files that are not identical",
  immutable: "in files that were immutable",
  nocow: "in files with copy-on-write off on one side only",
  "swap-file": "in active swap files",
  "read-only": "in a read-only subvolume or mount",
  "no-space": "for want of room for the metadata that sharing needs",
  "io-error": "in files that could not be read",
  "not-permitted": "in files that the kernel did not permit to fold",
  "send-running": "in a snapshot that a btrfs send holds",
  "ruled-out": "in files that a rule or an attribute leaves alone",
  cancelled: "in files that were not reached before the run was cancelled",
  pinned: "kept by what came since the scan",
  rewritten: "written anew, more or less than reckoned with",
  replanned: "in parts of files that were planned anew when whole files were folded",
  mended: "from ending what an earlier run had left half done",
  other: "for another reason",
};

/** How many holders of pinned data are named. */
const LISTED = 5;

/** Why something else came back than was promised; nothing where it did not. */
export function describeDifferences(style: Style, differences: readonly Difference[]): string[] {
  const sum = differences.reduce((total, { bytes }) => total + bytes, 0);
  if (differences.length === 0) return [];
  const title =
    sum === 0
      ? "As much came back as was promised, but not the same data:"
      : `${formatBytes(Math.abs(sum))} ${sum > 0 ? "less" : "more"} came back than was promised:`;
  const width = Math.max(...differences.map(({ bytes }) => formatBytes(bytes).length));
  return [
    style.yellow(title),
    ...differences.map(({ cause, bytes, subvolumes = [] }) => {
      const names = subvolumes.slice(0, LISTED).map(({ path }) => displayPath(named(path)));
      const more = subvolumes.length > LISTED ? ` and ${String(subvolumes.length - LISTED)} more` : "";
      const by = names.length === 0 ? "" : `: ${names.join(", ")}${more}`;
      return `  ${formatBytes(bytes).padStart(width)} ${DIFFERENCE_SENTENCES[cause]}${by}`;
    }),
  ];
}

function named(path: Buffer): Buffer {
  return path.length === 0 ? Buffer.from("the top level") : path;
}

export function differencesJson(differences: readonly Difference[]): Record<string, unknown>[] {
  return differences.map(({ cause, bytes, subvolumes }) => ({
    cause,
    bytes,
    ...(subvolumes === undefined
      ? {}
      : {
          subvolumes: subvolumes.map((one) => ({ path: bytesToJsonString(one.path), bytes: one.bytes })),
        }),
  }));
}
