/** What `refold --json` prints, as types, and the commands that the tests run most. */
import { expect } from "vitest";
import { refoldHere } from "./run-here.ts";
import { refold, type RunOptions } from "./run.ts";

export interface ScanVolume {
  readonly uuid: string;
  readonly label: string;
  readonly mountPath: string;
  readonly generation: number;
  readonly incremental: boolean;
  readonly files: number;
  readonly bytes: number;
  readonly groups: number;
  readonly duplicateFiles: number;
  readonly reclaimableBytes: number;
  readonly bytesRead: number;
  readonly elapsedMs: number;
}

export interface GroupLine {
  readonly volume: string;
  readonly id: string;
  readonly size: number;
  readonly reclaimableBytes: number;
  readonly files: readonly {
    /** From the top level of the filesystem. */
    readonly subvolume: string;
    readonly path: string;
    readonly inode: number;
    readonly readOnly: boolean;
    /** How many of the group, itself included, it shares all its data with. */
    readonly shared: number;
  }[];
}

export interface DedupVolume {
  readonly uuid: string;
  readonly groups: number;
  readonly files: number;
  readonly predictedBytes: number;
  readonly freedBytes: number;
  readonly elapsedMs: number;
  readonly skipped: readonly { readonly path: string; readonly reason: string; readonly detail: string }[];
  readonly differences: readonly { readonly cause: string; readonly bytes: number }[];
}

export interface Target {
  /** Mount path, or anything else that names a volume. */
  readonly volume: string;
  readonly db: string;
  readonly minSize?: number;
}

/** `refold scan --flush` and `refold groups` in this process: see run-here.ts. */
export async function scanAndGroupsHere(target: Target): Promise<{ scan: ScanVolume; groups: GroupLine[] }> {
  const scanned = JSON.parse(await refoldHere(["scan", ...words(target), "--flush"])) as {
    volumes: ScanVolume[];
  };
  const lines = (await refoldHere(["groups", ...words(target)])).split("\n").filter((line) => line !== "");
  return { scan: only(scanned.volumes), groups: lines.map((line) => JSON.parse(line) as GroupLine) };
}

function words(target: Target): string[] {
  const minSize = target.minSize === undefined ? [] : ["--min-size", String(target.minSize)];
  return [target.volume, "--json", "--db", target.db, ...minSize];
}

function only<T>(list: readonly T[]): T {
  const [first] = list;
  expect(list).toHaveLength(1);
  if (first === undefined) throw new Error("no volume in the answer");
  return first;
}

/** `refold scan --flush`, which must succeed. */
export async function scan(
  target: Target,
  extra: readonly string[] = [],
  options: RunOptions = {},
): Promise<ScanVolume> {
  const run = await refold(["scan", ...words(target), "--flush", ...extra], options);
  return only((run.expectCode(0).json() as { volumes: ScanVolume[] }).volumes);
}

/** `refold groups`, which must succeed. Needs a scan. */
export async function groups(target: Target, extra: readonly string[] = []): Promise<GroupLine[]> {
  const run = await refold(["groups", ...words(target), ...extra]);
  return run.expectCode(0).jsonLines() as GroupLine[];
}

/** `refold dedup --yes`, which may skip files but must not fail. */
export async function dedup(target: Target, extra: readonly string[] = []): Promise<DedupVolume> {
  const run = await refold(["dedup", ...words(target), "--yes", ...extra]);
  const result = only((run.expectCode(0, 1).json() as { volumes: DedupVolume[] }).volumes);
  expect(run.code, "exit code 1 says that something was skipped").toBe(result.skipped.length > 0 ? 1 : 0);
  return result;
}

/**
 * The bytes of a path in JSON: UTF-8, where each byte that is no part of valid
 * UTF-8 stands as the lone surrogate U+DC00 + byte.
 */
export function decodePath(text: string): Buffer {
  const parts: Buffer[] = [];
  for (const character of text.match(/[\udc80-\udcff]|(?:[\ud800-\udbff][\udc00-\udfff])|[^]/gu) ?? []) {
    const code = character.codePointAt(0) ?? 0;
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Buffer.from([code - 0xdc00]) : Buffer.from(character));
  }
  return Buffer.concat(parts);
}
