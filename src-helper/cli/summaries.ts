import { realpathSync, statfsSync } from "node:fs";
import type { VolumeSummary } from "../engine/contract.ts";
import { RefoldError } from "../engine/errors.ts";
import type { Session } from "./session.ts";
import { displayPath } from "./terminal-text.ts";

const BTRFS_SUPER_MAGIC = 0x9123683e;

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

/** The filesystem whose mount holds a directory: the one with the longest mount path above it. */
function summaryOfDirectory(summaries: readonly VolumeSummary[], name: string): VolumeSummary | null {
  let path: string;
  try {
    path = realpathSync(name);
    if (statfsSync(path).type !== BTRFS_SUPER_MAGIC) return null;
  } catch {
    return null;
  }
  let best: { summary: VolumeSummary; length: number } | null = null;
  for (const summary of summaries) {
    for (const mount of summary.mounts) {
      if (isBelow(path, mount.path) && mount.path.length > (best?.length ?? -1)) {
        best = { summary, length: mount.path.length };
      }
    }
  }
  return best?.summary ?? null;
}

/**
 * What names mean among the mounted filesystems, without root. A name that is
 * none of them is reported.
 */
export function matchSummaries(
  session: Session,
  summaries: readonly VolumeSummary[],
  names: readonly string[],
): readonly VolumeSummary[] {
  const found = new Set<VolumeSummary>();
  for (const name of names) {
    const summary =
      summaries.find(
        ({ uuid, label, devices }) =>
          uuid === name.toLowerCase() || (label !== "" && label === name) || devices.includes(name),
      ) ?? summaryOfDirectory(summaries, name);
    if (summary === null) {
      session.fail(new RefoldError("no-volume", `'${displayPath(name)}' names no mounted btrfs filesystem`));
    } else found.add(summary);
  }
  return [...found];
}
