/** A window must not be hidden where nothing would bring it back. */
import type { Clock } from "../schedule/clock.ts";

/** A panel that starts later than the app, or starts anew, gets so long: milliseconds. */
const GRACE_MS = 10_000;

export interface HidingDeps {
  /** The icon is in a tray that somebody sees. */
  readonly tray: () => boolean;
  readonly hidden: () => boolean;
  readonly show: () => void;
  readonly clock: Clock;
}

/**
 * Shows a hidden window when there has been no tray for a while.
 *
 * @returns to be called at start, and whenever the tray came or went
 */
export function createHidingGuard(deps: HidingDeps): () => void {
  let disarm: (() => void) | null = null;
  return () => {
    disarm?.();
    disarm = null;
    if (deps.tray() || !deps.hidden()) return;
    disarm = deps.clock.after(GRACE_MS, () => {
      disarm = null;
      if (!deps.tray() && deps.hidden()) deps.show();
    });
  };
}
