import { randomUUID } from "node:crypto";
import { MAX_PAGE, type FoldResultInfo, type Params, type Result } from "../../src-helper/rpc/protocol.ts";
import { jsonStringToBytes } from "../../src-helper/text/path-text.ts";
import type { HelperSupervisor } from "../helper/supervisor.ts";
import type { SettingsService } from "../settings/settings.ts";
import type { TaskList } from "../tasks/task-list.ts";
import { appError } from "./app-error.ts";
import { outcome } from "./outcome.ts";
import { deepOf } from "./ranges.ts";

export interface ReviewsDeps {
  readonly helper: Pick<HelperSupervisor, "request" | "ready">;
  readonly tasks: TaskList;
  readonly settings: Pick<SettingsService, "get" | "set">;
  /** Shows a file in the desktop's file manager. */
  readonly showFile: (path: string) => void;
  readonly onFolded: (volume: string, result: FoldResultInfo) => void;
}

/** What a page does with a review that is more than to pass it on. */
export interface Reviews {
  open(volume: string): Promise<Result<"review.open">>;
  /** Resolves when every name is known. */
  names(review: string): Promise<void>;
  /** The sum when parts of files are not being worked out any more. */
  ranges(review: string): Promise<Result<"review.ranges">>;
  /** Who keeps what a fold of the ticked lets go of in part. */
  pinned(review: string): Promise<Result<"review.pinned">>;
  /** What snapshots keep in parts of files; null where the review has none of them, or folds in snapshots too. */
  pinnedRanges(review: string): Promise<Result<"review.pinned-ranges">>;
  /** Adds a glob to the settings and leaves out of the review what it matches. */
  skip(review: string, glob: string): Promise<Result<"review.exclude">>;
  /** Shows a file of a group where it is; its path is the helper's word, never the page's. */
  show(review: string, group: string, file: string): Promise<void>;
  /** Begins to fold what is ticked. */
  fold(review: string, revision: number): Promise<void>;
  /** A new helper knows none of the reviews. */
  forget(): void;
}

/** @returns the reviews of the helper that runs */
export function createReviews({ helper, tasks, settings, showFile, onFolded }: ReviewsDeps): Reviews {
  const volumes = new Map<string, string>();

  function volumeOf(review: string): string {
    const volume = volumes.get(review);
    if (volume === undefined) {
      throw appError("stale", "This review is out of date.", {
        kept: "Nothing was changed.",
        next: "Open it again.",
      });
    }
    return volume;
  }

  async function find(review: string, group: string, file: string) {
    for (let offset = 0; ; offset += MAX_PAGE) {
      const page = await helper.request("review.files", { review, group, offset, limit: MAX_PAGE });
      const row = page.files.find(({ id }) => id === file);
      if (row !== undefined) return row;
      if (page.files.length === 0 || offset + page.files.length >= page.total) return null;
    }
  }

  return {
    open: async (volume) => {
      const { minSize, exclude, snapshots, ...rest } = settings.get();
      const info = await helper.request("review.open", {
        ...{ volume, minSize, exclude: [...exclude], snapshots },
        ...deepOf(rest),
      });
      for (const [review, of] of volumes) if (of === volume) volumes.delete(review);
      volumes.set(info.review, info.volume);
      return info;
    },
    names: async (review) => {
      const volume = volumeOf(review);
      const { done } = tasks.begin("names", volume, async (task) => {
        await helper.request("review.names", { review, task });
        return { kind: "done" };
      });
      outcome(await done);
    },
    // no task of the list: it has nothing to show but that it goes on, and the sum says so
    ranges: (review) => {
      volumeOf(review);
      return helper.request("review.ranges", { review, task: `ranges-${randomUUID().slice(0, 18)}` });
    },
    // nor here: the dialog that asked for it waits
    pinned: (review) => {
      volumeOf(review);
      return helper.request("review.pinned", { review, task: `pinned-${randomUUID().slice(0, 18)}` });
    },
    pinnedRanges: (review) => {
      volumeOf(review);
      return helper.request("review.pinned-ranges", { review, task: `pinned-${randomUUID().slice(0, 18)}` });
    },
    skip: async (review, glob) => {
      volumeOf(review);
      const before = settings.get().exclude;
      const exclude = before.includes(glob) ? [...before] : [...before, glob];
      // the helper first: what it does not take must not be in the settings
      const info = await helper.request("review.exclude", { review, exclude });
      settings.set({ exclude });
      return info;
    },
    show: async (review, group, file) => {
      const row = await find(review, group, file);
      if (row === null) {
        throw appError("stale", "This file is not in the group any more.", {
          next: "Open the review again.",
        });
      }
      if (!row.reachable || !row.path.startsWith("/")) {
        throw appError("failed", "This file is in a part of the filesystem that is not mounted.", {
          next: "Mount its subvolume to look at it.",
        });
      }
      if (!row.path.isWellFormed()) {
        const bytes = jsonStringToBytes(row.path).length;
        throw appError(
          "failed",
          `This file's path (${String(bytes)} bytes) is not UTF-8, and file managers are told names as UTF-8.`,
          { next: "Open its folder by hand." },
        );
      }
      showFile(row.path);
    },
    fold: async (review, revision) => {
      const volume = volumeOf(review);
      await helper.ready();
      const { lock, priority } = settings.get();
      const options: Params<"review.fold">["options"] = { lock, priority, defrag: false };
      const { done } = tasks.begin("fold", volume, async (task) => ({
        kind: "fold",
        result: await helper.request("review.fold", { review, task, revision, options }),
      }));
      void done.then((result) => {
        if (result.kind === "fold") onFolded(volume, result.result);
      });
    },
    forget: () => {
      volumes.clear();
    },
  };
}
