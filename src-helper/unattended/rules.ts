import * as z from "zod/mini";
import { parseSize } from "../cli/units.ts";
import { firstIssue, readRulesFile, refuseRules, RULES_FILE, type StoredFolderRule } from "../rules/file.ts";

const size = z
  .string()
  .check(z.refine((text) => parseSize(text) !== null, "is written like 4096, 64K, 1M or 1.5G"));
const text = z.string().check(
  z.minLength(1),
  z.refine((value) => !value.includes("\0"), "has a NUL byte in it"),
);

const ruleSchema = z.strictObject({
  /** As on the command line: a path, uuid, label or device. */
  volume: text,
  enabled: z._default(z.boolean(), true),
  minSize: z.optional(size),
  exclude: z._default(z.array(text).check(z.maxLength(1000)), []),
  snapshots: z._default(z.boolean(), false),
  crossVolume: z._default(z.boolean(), true),
  lock: z._default(z.enum(["immutable", "lease"]), "immutable"),
});

/** A volume that the timer folds. */
export type Rule = z.infer<typeof ruleSchema>;

/** What the timer goes by. */
export interface UnattendedRules {
  readonly volumes: readonly Rule[];
  readonly folders: readonly StoredFolderRule[];
}

/**
 * The rules of a file that only root can have written; null where there is none.
 * @throws RefoldError "failed" where somebody else could change it, or it is not understood
 */
export function readRules(path: string = RULES_FILE): UnattendedRules | null {
  const file = readRulesFile(path);
  if (file === null) return null;
  const volumes = z.array(ruleSchema).safeParse(file.rules);
  if (!volumes.success) refuseRules(path, firstIssue(volumes.error, ["rules"]));
  return { volumes: volumes.data, folders: file.folders };
}

/**
 * The call of the command line that a rule stands for.
 * @param always only what lies in folders that may be folded without asking
 */
export function wordsOf(rule: Rule, always: boolean): string[] {
  return [
    "dedup",
    "--yes",
    ...(always ? ["--always"] : []),
    ...(rule.minSize === undefined ? [] : ["--min-size", rule.minSize]),
    ...rule.exclude.flatMap((glob) => ["--exclude", glob]),
    ...(rule.snapshots ? ["--snapshots"] : []),
    ...(rule.crossVolume ? [] : ["--no-crossvol"]),
    ...["--lock", rule.lock, "--priority", "idle"],
    ...["--", rule.volume],
  ];
}
