import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { parseSize } from "../cli/units.ts";
import { RefoldError } from "../engine/errors.ts";
import { distrust, type FileFacts } from "../hardening/program-files.ts";

/** What may be folded with nobody watching; man page refold-rules(5). */
export const RULES_FILE = "/etc/refold/rules.json";
const MAX_BYTES = 1024 * 1024;

const size = z.string().refine((text) => parseSize(text) !== null, "is written like 4096, 64K, 1M or 1.5G");
const text = z
  .string()
  .min(1)
  .refine((value) => !value.includes("\0"), "has a NUL byte in it");

const ruleSchema = z.strictObject({
  /** As on the command line: a path, uuid, label or device. */
  volume: text,
  enabled: z.boolean().default(true),
  minSize: size.optional(),
  exclude: z.array(text).max(1000).default([]),
  snapshots: z.boolean().default(false),
  crossVolume: z.boolean().default(true),
  lock: z.enum(["immutable", "lease"]).default("immutable"),
});
const rulesSchema = z.strictObject({ version: z.literal(1), rules: z.array(ruleSchema).max(1000) });
export type Rule = z.infer<typeof ruleSchema>;

function refuse(path: string, what: string, cause?: unknown): never {
  throw new RefoldError("usage", `${path} ${what}`, {
    kept: "Nothing was folded.",
    next: "Its form is in refold-rules(5).",
    ...(cause === undefined ? {} : { cause }),
  });
}

function checkOwner(path: string, stat: FileFacts): void {
  const reason = distrust(stat);
  if (reason !== null) refuse(path, `${reason}, so its rules are not followed`);
}

/** @throws RefoldError "usage" where the text is no list of rules */
export function parseRules(path: string, content: string): Rule[] {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    refuse(path, `is not JSON: ${(error as Error).message}`, error);
  }
  const parsed = rulesSchema.safeParse(json);
  if (parsed.success) return parsed.data.rules;
  const [issue] = parsed.error.issues;
  const place = issue?.path.map(String).join(".") ?? "";
  refuse(path, `is not understood${place === "" ? "" : ` at ${place}`}: ${issue?.message ?? "unknown"}`);
}

/**
 * The rules of a file that only root can have written; null where there is none.
 * @throws RefoldError "usage" where somebody else could change it, or it is not understood
 */
export function readRules(path: string = RULES_FILE): Rule[] | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    refuse(
      path,
      code === "ELOOP" ? "is a symbolic link" : `cannot be read (${code ?? "unknown error"})`,
      error,
    );
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) refuse(path, "is not a file");
    checkOwner(path, stat);
    for (let at = dirname(path); ; at = dirname(at)) {
      checkOwner(at, lstatSync(at));
      if (at === "/") break;
    }
    if (stat.size > MAX_BYTES) refuse(path, "is larger than a megabyte");
    return parseRules(path, readFileSync(fd, "utf8"));
  } finally {
    closeSync(fd);
  }
}

/** The call of the command line that a rule stands for. */
export function wordsOf(rule: Rule): string[] {
  return [
    "dedup",
    "--yes",
    ...(rule.minSize === undefined ? [] : ["--min-size", rule.minSize]),
    ...rule.exclude.flatMap((glob) => ["--exclude", glob]),
    ...(rule.snapshots ? ["--snapshots"] : []),
    ...(rule.crossVolume ? [] : ["--no-crossvol"]),
    ...["--lock", rule.lock, "--priority", "idle"],
    ...["--", rule.volume],
  ];
}
