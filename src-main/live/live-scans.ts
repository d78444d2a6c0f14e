import { randomUUID } from "node:crypto";
import type { Method } from "../../src-helper/rpc/protocol.ts";
import { appError } from "../app/app-error.ts";
import { countedOf } from "../app/counted.ts";
import type { HelperSupervisor } from "../helper/supervisor.ts";
import type { SettingsService } from "../settings/settings.ts";
import { ReviewHold } from "./review-hold.ts";

/** What a person asks for and a scan would be in the way of. */
const FIRST: readonly Method[] = [
  ...(["scan", "stuck", "repair", "review.open", "review.fold", "demo.create", "demo.remove"] as const),
];

/** Live scans of a helper that others use: theirs comes first. */
export interface LiveScans {
  /** The helper as everybody else is to use it: a live scan steps aside for what they ask. */
  readonly helper: HelperSupervisor;
  /** Whether a live scan of the volume would be in somebody's way. */
  held(volume: string): boolean;
  /**
   * @param parts parts of files are looked for too
   * @returns whether anything was new. @throws AppError, also where it stepped aside
   */
  scan(volume: string, parts: boolean): Promise<boolean>;
  /** Another helper, or none. */
  forget(): void;
}

/** @param helper whose requests are told apart */
export function createLiveScans(
  helper: HelperSupervisor,
  settings: Pick<SettingsService, "get">,
  now: () => number = Date.now,
): LiveScans {
  const hold = new ReviewHold(now);
  let running: { readonly task: string; readonly ended: Promise<unknown> } | null = null;
  let others = 0;

  async function stepAside(): Promise<void> {
    if (running === null) return;
    const { task, ended } = running;
    // it may have ended by itself
    await helper.request("cancel", { task }).catch(() => undefined);
    await ended;
  }

  const request: HelperSupervisor["request"] = async (method, params) => {
    const first = FIRST.includes(method);
    if (first) others += 1;
    try {
      if (first) await stepAside();
      const result = await helper.request(method, params);
      hold.answered(method, params, result);
      return result;
    } finally {
      if (first) others -= 1;
    }
  };

  return {
    helper: {
      get state() {
        return helper.state;
      },
      begin: () => helper.begin(),
      ready: (method) => helper.ready(method),
      restart: () => helper.restart(),
      end: () => helper.end(),
      request,
    },
    held: (volume) => running !== null || others > 0 || hold.holds(volume),
    scan: async (volume, parts) => {
      const { status } = helper.state;
      // with less, the request would ask for a password
      if ((status !== "running" && status !== "observing") || running !== null || others > 0) {
        throw appError("busy", "Something else is being done.");
      }
      const task = `live-${randomUUID().slice(0, 18)}`;
      const { deep, ...counted } = countedOf(settings.get());
      const answer = helper.request("scan", {
        ...{ task, volume, ...counted, flush: false, live: true },
        ...(parts && deep !== undefined ? { deep } : {}),
      });
      running = { task, ended: answer.catch(() => undefined) };
      try {
        return (await answer).unchanged !== true;
      } finally {
        running = null;
      }
    },
    forget: () => {
      hold.forget();
    },
  };
}
