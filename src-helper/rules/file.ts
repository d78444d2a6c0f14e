import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import en from "zod/v4/locales/en.js";
import * as z from "zod/mini";
import { RefoldError } from "../engine/errors.ts";
import { distrust, type FileFacts } from "../hardening/program-files.ts";
import { call, NativeError } from "../native/library.ts";
import { jsonStringToBytes } from "../text/path-text.ts";

/** The rules of this machine, for the command line, the timer and the app's helper; man page refold-rules(5). */
export const RULES_FILE = "/etc/refold/rules.json";
const MAX_BYTES = 1024 * 1024;
const MAX_RULES = 1000;
const MAX_PATH = 8192; // PATH_MAX twice

// the small zod, which is in every command, says only that something is wrong unless it is given words
z.config(en());

const text = z.string().check(
  z.minLength(1),
  z.maxLength(MAX_PATH),
  z.refine((value) => !value.includes("\0"), "has a NUL byte in it"),
);

/** "/home/anna/vm": absolute, no part of it empty, "." or ".."; as text/path-text.ts writes bytes. */
const folderPath = text.check(
  z.refine((value) => value.startsWith("/"), "does not begin with /"),
  z.refine(
    (value) =>
      value === "/" ||
      !value
        .slice(1)
        .split("/")
        .some((part) => ["", ".", ".."].includes(part)),
    "is not written out: it has //, /./, /../ or a / at its end",
  ),
  z.refine(isBytes, "has half a surrogate pair in it"),
);

const folderRuleSchema = z.strictObject({
  path: folderPath,
  fold: z.enum(["always", "never"]),
  /** Where the folder was when the rule was made: a filesystem, and the path from its top level. */
  on: z.optional(
    z.strictObject({
      volume: z.string().check(z.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)),
      folder: z.string().check(z.maxLength(MAX_PATH), z.refine(isBytes)),
    }),
  ),
});

/** A folder with everything below it: folded without asking, or not touched. The nearest rule holds. */
export type StoredFolderRule = z.infer<typeof folderRuleSchema>;

function isBytes(value: string): boolean {
  try {
    jsonStringToBytes(value);
    return true;
  } catch {
    return false;
  }
}

/** Only what says the same of no folder twice. */
const foldersSchema = z.array(folderRuleSchema).check(
  z.maxLength(MAX_RULES),
  z.refine((rules) => new Set(rules.map(({ path }) => path)).size === rules.length, "names a folder twice"),
);

/** The whole file; the timer's own rules, of volumes, are unattended/rules.ts's. */
const fileSchema = z.strictObject({
  version: z.literal(1),
  rules: z._default(z.array(z.unknown()).check(z.maxLength(MAX_RULES)), []),
  folders: z._default(foldersSchema, []),
});
export type RulesFile = z.infer<typeof fileSchema>;

const NOTHING: RulesFile = { version: 1, rules: [], folders: [] };

/** @throws RefoldError "failed" */
export function refuseRules(path: string, what: string, cause?: unknown): never {
  throw new RefoldError("failed", `${path} ${what}`, {
    kept: "Nothing was folded.",
    next: "Its form is in refold-rules(5).",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What a schema says against a value, with the place in it. */
export function firstIssue(error: z.core.$ZodError, before: readonly (string | number)[] = []): string {
  const [issue] = error.issues;
  const place = [...before, ...(issue?.path ?? [])].map(String).join(".");
  return `is not understood${place === "" ? "" : ` at ${place}`}: ${issue?.message ?? "unknown"}`;
}

function checkOwner(path: string, stat: FileFacts): void {
  const reason = distrust(stat);
  if (reason !== null) refuseRules(path, `${reason}, so its rules are not followed`);
}

function checkDirectories(directory: string): void {
  for (let at = directory; ; at = dirname(at)) {
    checkOwner(at, lstatSync(at));
    if (at === "/") return;
  }
}

/** @throws RefoldError "failed" where the text is no file of rules */
function parse(path: string, content: string): RulesFile {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    refuseRules(path, `is not JSON: ${(error as Error).message}`, error);
  }
  const parsed = fileSchema.safeParse(json);
  return parsed.success ? parsed.data : refuseRules(path, firstIssue(parsed.error));
}

/**
 * The rules of a file that only root can have written; null where there is none.
 * @throws RefoldError "failed" where somebody else could change it, or it is not understood
 */
export function readRulesFile(path: string): RulesFile | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    refuseRules(
      path,
      code === "ELOOP" ? "is a symbolic link" : `cannot be read (${code ?? "unknown error"})`,
      error,
    );
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) refuseRules(path, "is not a file");
    checkOwner(path, stat);
    checkDirectories(dirname(path));
    if (stat.size > MAX_BYTES) refuseRules(path, "is larger than a megabyte");
    return parse(path, readFileSync(fd, "utf8"));
  } finally {
    closeSync(fd);
  }
}

/** Changes whenever the file does; "" where there is none. */
export function rulesStamp(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}

/**
 * Changes the rules of folders, and nothing else in the file; it is replaced
 * whole. A new one can be read by root alone, since it names people's folders.
 * @throws RefoldError "failed" as readRulesFile, or where it cannot be written; "busy"
 */
export function changeFolderRules(
  path: string,
  change: (rules: readonly StoredFolderRule[]) => readonly StoredFolderRule[],
): void {
  const directory = dirname(path);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    const lock = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      lockDirectory(lock, directory);
      checkDirectories(directory);
      const before = readRulesFile(path) ?? NOTHING;
      const after = { ...before, folders: [...change(before.folders)] };
      const checked = fileSchema.safeParse(after);
      if (!checked.success) refuseRules(path, `was not changed, since then it ${firstIssue(checked.error)}`);
      const content = `${JSON.stringify(after, null, 2)}\n`;
      if (Buffer.byteLength(content) > MAX_BYTES) refuseRules(path, "would become larger than a megabyte");
      replace(path, content, lock);
    } finally {
      closeSync(lock);
    }
  } catch (error) {
    if (error instanceof RefoldError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new RefoldError("failed", `${path} cannot be written (${code ?? "unknown error"})`, {
      kept: "The rules are as they were.",
      cause: error,
    });
  }
}

function lockDirectory(fd: number, directory: string): void {
  try {
    call("rf_flock", fd);
  } catch (error) {
    if (!(error instanceof NativeError) || error.code !== "EAGAIN") throw error;
    throw new RefoldError("busy", `somebody else is changing the rules in ${directory}`, {
      kept: "The rules are as they were.",
      next: "Try again.",
    });
  }
}

/** @param directory an fd of the directory that the file is in */
function replace(path: string, content: string, directory: number): void {
  const next = `${path}.new`;
  rmSync(next, { force: true });
  const fd = openSync(
    next,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    // who may read it is for root to say
    const before = statSync(path, { throwIfNoEntry: false });
    if (before !== undefined) fchmodSync(fd, before.mode & 0o644);
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(next, path);
  fsyncSync(directory);
}
