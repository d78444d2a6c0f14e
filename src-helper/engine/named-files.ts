import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { readInodeNow } from "../btrfs/inodes.ts";
import { foldFiles, type NamedMember } from "../dedupe/fold.ts";
import type { Member } from "../dedupe/types.ts";
import { call, callAsync, NativeError, RECORD } from "../native/library.ts";
import { readFsInfo } from "../volumes/fs-info.ts";
import { TreeAncestry } from "../rules/ancestry.ts";
import { readRulesFile } from "../rules/file.ts";
import { Verdicts } from "../rules/verdicts.ts";
import { selectVolumes } from "../volumes/select.ts";
import { VolumeHandle } from "../volumes/volume-handle.ts";
import type { FileOutcome, FoldFilesResult, FoldOptions, PathBytes, RunContext } from "./contract.ts";
import { RefoldError } from "./errors.ts";
import { foldVolumeOf, withWritableJournal } from "./folding.ts";

interface Places {
  readonly databaseDir: string;
  readonly rulesFile: string;
  readonly warn: (message: string) => void;
}

/** Folds files given by their paths; none of them need have been scanned. */
export async function foldNamedFiles(
  { databaseDir, rulesFile, warn }: Places,
  source: PathBytes,
  destinations: readonly PathBytes[],
  options: FoldOptions,
  ctx: RunContext,
): Promise<FoldFilesResult> {
  const named = identify(source);
  const [selected] = selectVolumes([named.uuid], warn);
  if (selected === undefined)
    throw new RefoldError("no-volume", `${source.toString()} is not on a mounted btrfs`);
  const handle = new VolumeHandle(selected.found);
  try {
    handle.lock();
    // what was just written has no extents yet
    await callAsync("rf_syncfs", handle.dir);
    const rules = readRulesFile(rulesFile)?.folders ?? [];
    const verdicts = new Verdicts(handle, rules, new TreeAncestry(handle));
    if (verdicts.leaves(named)) {
      throw new RefoldError("failed", `${source.toString()} is left alone: ${LEFT}`, {
        kept: "Nothing was folded.",
        next: "`refold rules` lists the rules of folders.",
      });
    }
    const readOnly = new Set(handle.subvolumes.filter((one) => one.readOnly).map((one) => one.id));
    const first = readMember(handle, named, readOnly);
    const outcomes: (FileOutcome | NamedMember)[] = destinations.map((path) => {
      const file = tryIdentify(path);
      if ("outcome" in file) return file;
      if (file.uuid !== named.uuid) {
        return refused(path, "other", "It is on another filesystem, and data is shared within one only.");
      }
      if (verdicts.leaves(file)) {
        return refused(path, "ruled-out", `It was left as it is: ${LEFT}.`);
      }
      const member = readMember(handle, file, readOnly);
      if (member.size !== first.size) {
        return refused(
          path,
          "differs",
          `It has ${member.size} bytes, the source has ${first.size}: they are not identical. It was left as it is.`,
        );
      }
      return { member, path };
    });
    const members = outcomes.filter((one): one is NamedMember => "member" in one);
    const result = await withWritableJournal(databaseDir, named.uuid, warn, (journal) =>
      foldFiles(foldVolumeOf(handle), { member: first, path: source }, members, options, journal, ctx),
    );
    let next = 0;
    const files = outcomes.map((one) => ("member" in one ? result.files[next++] : one));
    return {
      source,
      files: files.filter((one) => one !== undefined),
      freedBytes: result.freedBytes,
      cancelled: result.cancelled,
    };
  } finally {
    handle.close();
  }
}

const LEFT = "a rule of its folder, or an attribute of it or of a folder above, says never";

interface Identity {
  readonly uuid: string;
  readonly subvolume: number;
  readonly inode: number;
}

function refused(path: PathBytes, outcome: FileOutcome["outcome"], detail: string): FileOutcome {
  return { path, outcome, detail };
}

function tryIdentify(path: PathBytes): Identity | FileOutcome {
  try {
    return identify(path);
  } catch (error) {
    if (error instanceof RefoldError) return refused(path, "other", `${error.message}.`);
    throw error;
  }
}

/** Opens a path once, to learn which file it is; after that it goes by its handle. @throws RefoldError */
function identify(path: PathBytes): Identity {
  const shown = path.toString();
  let fd: number;
  try {
    // NONBLOCK: a FIFO must not hold us up
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new RefoldError("failed", `there is no file ${shown}`);
    if (code === "EACCES") throw new RefoldError("permission", `${shown} cannot be opened without root`);
    throw new RefoldError("failed", `${shown} cannot be opened (${code ?? "unknown error"})`, {
      cause: error,
    });
  }
  try {
    if (!fstatSync(fd).isFile()) throw new RefoldError("failed", `${shown} is not a regular file`);
    const { uuid } = readFsInfo(fd);
    const out = new Float64Array(8);
    call("rf_identity", fd, out);
    return { uuid, subvolume: out[0] ?? 0, inode: out[1] ?? 0 };
  } catch (error) {
    if (error instanceof NativeError && error.code === "ENOTTY") {
      throw new RefoldError("no-volume", `${shown} is not on btrfs`);
    }
    throw error;
  } finally {
    closeSync(fd);
  }
}

function readMember(handle: VolumeHandle, file: Identity, readOnly: ReadonlySet<number>): Member {
  const { subvolume, inode } = file;
  const { record, extents } = readInodeNow(handle, subvolume, inode);
  const field = (name: number): number => record[name] ?? 0;
  return {
    subvolume,
    inode,
    generation: field(RECORD.generation),
    size: field(RECORD.size),
    flags: field(RECORD.flags),
    layout: field(RECORD.layout),
    traits: field(RECORD.traits),
    extents,
    readOnly: readOnly.has(subvolume),
  };
}
