import type { SkipReason } from "../engine/contract.ts";
import { errnoName, LOCK_STAGE } from "../native/library.ts";

/** Where in the fold of a file something was refused. */
export type Stage = "open" | "flag" | "lease" | "clear" | "read" | "defrag" | "dedupe";

/** A refusal, as it is told: detail is made of sentences. */
export interface Refusal {
  readonly reason: SkipReason;
  readonly detail: string;
}

/** The stage that a failed rf_lock_files names. */
export function stageOfLock(stage: number): Stage {
  switch (stage) {
    case LOCK_STAGE.open:
    case LOCK_STAGE.flags:
      return "open";
    case LOCK_STAGE.immutable:
      return "flag";
    default:
      return "lease";
  }
}

const LATER = "It was left as it is; the next run tries it again.";
const KEPT = "It was left as it is.";

const DOING: Record<Stage, string> = {
  open: "could not be opened",
  flag: "could not be made immutable for the time of the fold",
  lease: "could not be locked against writers",
  clear: "could not be released for folding",
  read: "could not be looked up",
  defrag: "could not be defragmented",
  dedupe: "could not be folded",
};

/**
 * Why the kernel refused a file.
 * @param errno positive
 */
export function refusal(errno: number, stage: Stage): Refusal {
  const name = errnoName(errno);
  switch (name) {
    case "ESTALE":
    case "ENOENT":
      return {
        reason: "changed",
        detail: "It was deleted or replaced since the scan. The next scan sees what is there now.",
      };
    case "EAGAIN":
    case "EWOULDBLOCK":
      if (stage === "dedupe") {
        return {
          reason: "send-running",
          detail: `A btrfs send of its subvolume is running. ${KEPT} Run Refold again when the send is done.`,
        };
      }
      return inUse(null);
    case "ETXTBSY":
      return swapFile();
    case "EROFS":
      return {
        reason: "read-only",
        detail: `Its subvolume or mount is read-only. ${KEPT} Make it writable to fold it.`,
      };
    case "ENOSPC":
    case "EDQUOT":
      return {
        reason: "no-space",
        detail:
          name === "EDQUOT"
            ? `The quota of its subvolume has no room for the metadata that this takes. ${KEPT} Raise the quota and run Refold again.`
            : `The filesystem has no room for the metadata that this takes. ${KEPT} Free a little space and run Refold again.`,
      };
    case "EIO":
    case "EUCLEAN":
      return ioError();
    case "EPERM":
    case "EACCES":
      return {
        reason: "not-permitted",
        detail: `It ${DOING[stage]}: the kernel does not permit it (${name}). ${KEPT} Look for flags (lsattr) or a security policy that forbids it.`,
      };
    default:
      return { reason: "other", detail: `It ${DOING[stage]} (${name}). ${KEPT}` };
  }
}

/** @param holder "name (pid N)", or null where no process could be found */
export function inUse(holder: string | null): Refusal {
  const who = holder ?? "a process that cannot be seen";
  return { reason: "in-use", detail: `It is open for writing, or mapped writable, by ${who}. ${LATER}` };
}

/** A writer came while the fold was going on. */
export function wanted(shared: boolean): Refusal {
  const state = shared
    ? "A part of it was folded before; its content is as it was."
    : "It was left as it is.";
  return {
    reason: "in-use",
    detail: `A process began to open it for writing during the fold, and was let through at once. ${state} The next run tries it again.`,
  };
}

export function swapFile(): Refusal {
  return { reason: "swap-file", detail: `It is an active swap file. ${KEPT} Use swapoff first to fold it.` };
}

export function ioError(): Refusal {
  return {
    reason: "io-error",
    detail: `Its data cannot be read: the disk failed, or a checksum does not match. ${KEPT} Run btrfs scrub and restore it from a backup.`,
  };
}

export function nocow(): Refusal {
  return {
    reason: "nocow",
    detail: `It is NOCOW (without checksums) and the file to share with is not, or the other way round; btrfs does not let such files share data. ${KEPT}`,
  };
}

export function immutableBefore(): Refusal {
  return {
    reason: "immutable",
    detail: `It was immutable before Refold came, and is never changed then. Use chattr -i on it first to fold it.`,
  };
}

/** Immutable, and an earlier run says that it set the flag. */
export function stuckBefore(): Refusal {
  return {
    reason: "immutable",
    detail: `An earlier run of Refold was cut off and left it immutable. ${KEPT} \`refold repair\` mends it.`,
  };
}

/** The kernel compared the bytes and they are not the same. */
export function differs(change: "destination" | "source" | "none", shared: boolean): Refusal {
  const part = shared ? "Ranges that are the same were folded; its content is as it was." : KEPT;
  if (change === "destination")
    return { reason: "changed", detail: `It was changed since the scan. ${part}` };
  if (change === "source") {
    return {
      reason: "differs",
      detail: `The file that it was to share data with was changed since the scan. ${part} The next scan finds what is the same now.`,
    };
  }
  return { reason: "differs", detail: `The kernel compared the bytes, and they are not the same. ${part}` };
}

export function sizeChanged(size: number, expected: number): Refusal {
  return {
    reason: "changed",
    detail: `It has ${size} bytes now and had ${expected} when it was scanned. ${KEPT} The next scan sees it as it is now.`,
  };
}

export function otherSize(size: number, expected: number): Refusal {
  return { reason: "differs", detail: `It has ${size} bytes, the source ${expected}. ${KEPT}` };
}

/** The source that the caller named cannot serve. */
export function noSource(why: Refusal): Refusal {
  return {
    reason: why.reason,
    detail: `It was left as it is, because the source cannot be used. Of the source: ${why.detail}`,
  };
}
