import type { VolumeInfo } from "../../src-helper/rpc/protocol.ts";

/** How often the mount table is read while somebody looks: milliseconds. */
const MOUNTS_MS = 5000;
/** How often volumes are listed while somebody looks: what is free changes without any mount. */
const LIST_MS = 30_000;

export interface VolumeWatchOptions {
  readonly list: () => Promise<readonly VolumeInfo[]>;
  /** The text of /proc/self/mountinfo. */
  readonly mounts: () => Promise<string>;
  readonly onList: (volumes: readonly VolumeInfo[]) => void;
  readonly onError: (error: unknown) => void;
  readonly now?: () => number;
}

/** Keeps the list of volumes fresh. */
export interface VolumeWatch {
  /** Lists anew. Asked again while it lists, it lists once more after it. Never rejects. */
  refresh(): Promise<void>;
  /** Somebody looks, or nobody does: polling costs wake-ups. */
  setVisible(visible: boolean): void;
  stop(): void;
}

/** @returns a watch that polls only while it is visible; nothing is listed before refresh() */
export function createVolumeWatch(options: VolumeWatchOptions): VolumeWatch {
  const now = options.now ?? (() => performance.now());
  let running: Promise<void> | null = null;
  let again = false;
  let timer: NodeJS.Timeout | null = null;
  let listedAt = -Infinity;
  let mounts: string | null = null;

  async function listOnce(): Promise<void> {
    try {
      // read before the list: a mount that comes in between is seen by the next poll
      mounts = await btrfsMounts();
      options.onList(await options.list());
      listedAt = now();
    } catch (error) {
      options.onError(error);
    }
  }

  async function btrfsMounts(): Promise<string> {
    const text = await options.mounts();
    return text
      .split("\n")
      .filter((line) => line.includes(" - btrfs "))
      .join("\n");
  }

  function refresh(): Promise<void> {
    if (running !== null) {
      again = true;
      return running;
    }
    again = false;
    running = listOnce().then(async () => {
      running = null;
      if (again) await refresh();
    });
    return running;
  }

  async function poll(): Promise<void> {
    try {
      if ((await btrfsMounts()) !== mounts || now() - listedAt >= LIST_MS) await refresh();
    } catch (error) {
      options.onError(error);
    }
  }

  const stop = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
  };
  return {
    refresh,
    setVisible: (visible) => {
      if (!visible) stop();
      else if (timer === null) {
        timer = setInterval(() => void poll(), MOUNTS_MS);
        timer.unref();
        void poll();
      }
    },
    stop,
  };
}
