import type { PowerMonitor } from "electron";

/** What the schedule asks of the machine. */
export interface Power {
  onBattery(): boolean;
  /** Seconds since the last key or movement of the mouse. */
  idleSeconds(): number;
  /** The screen is locked: nobody sees the tray. false where the desktop does not tell. */
  locked(): boolean;
  /** After the machine woke up. @returns what ends it */
  onResume(listener: () => void): () => void;
}

const LONG_SECONDS = 3600;

/**
 * Electron's powerMonitor behind four questions. Where the desktop does not
 * tell how long it has been idle (some Wayland compositors), Electron says 0:
 * a scan "when idle" then never starts by itself, and daily or weekly is the
 * schedule to choose.
 */
export function createPower(
  monitor: Pick<PowerMonitor, "isOnBatteryPower" | "getSystemIdleTime" | "getSystemIdleState" | "on" | "off">,
): Power {
  return {
    onBattery: () => monitor.isOnBatteryPower(),
    idleSeconds: () => monitor.getSystemIdleTime(),
    // the threshold is about idle and active, and not asked for
    locked: () => monitor.getSystemIdleState(LONG_SECONDS) === "locked",
    onResume: (listener) => {
      monitor.on("resume", listener);
      return () => {
        monitor.off("resume", listener);
      };
    },
  };
}
