import type { PowerMonitor } from "electron";

/** What the schedule asks of the machine. */
export interface Power {
  onBattery(): boolean;
  /** Seconds since the last key or movement of the mouse. */
  idleSeconds(): number;
  /** After the machine woke up. @returns what ends it */
  onResume(listener: () => void): () => void;
}

/**
 * Electron's powerMonitor behind three questions. Where the desktop does not
 * tell how long it has been idle (some Wayland compositors), Electron says 0:
 * a scan "when idle" then never starts by itself, and daily or weekly is the
 * schedule to choose.
 */
export function createPower(
  monitor: Pick<PowerMonitor, "isOnBatteryPower" | "getSystemIdleTime" | "on" | "off">,
): Power {
  return {
    onBattery: () => monitor.isOnBatteryPower(),
    idleSeconds: () => monitor.getSystemIdleTime(),
    onResume: (listener) => {
      monitor.on("resume", listener);
      return () => {
        monitor.off("resume", listener);
      };
    },
  };
}
