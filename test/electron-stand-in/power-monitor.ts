/** powerMonitor, screen and clipboard: what the machine is like. */
import { EventEmitter } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { app } from "./app.ts";
import { Xlib } from "./x11/xlib.ts";

const SUPPLIES = "/sys/class/power_supply";

/** On battery: no mains adapter is online, and a battery discharges. */
function readOnBattery(): boolean {
  const read = (name: string, field: string): string => {
    try {
      return readFileSync(join(SUPPLIES, name, field), "utf8").trim();
    } catch {
      return "";
    }
  };
  let names: string[];
  try {
    names = readdirSync(SUPPLIES);
  } catch {
    return false;
  }
  if (names.some((name) => read(name, "online") === "1")) return false;
  return names.some((name) => read(name, "type") === "Battery" && read(name, "status") === "Discharging");
}

type IdleState = "active" | "idle" | "locked" | "unknown";

class PowerMonitorImpl extends EventEmitter {
  /** What a test says; what is left out is asked of the machine. */
  _told: { onBattery?: boolean; idleSeconds?: number; locked?: boolean } = {};

  get onBatteryPower(): boolean {
    return this.isOnBatteryPower();
  }
  isOnBatteryPower(): boolean {
    return this._told.onBattery ?? readOnBattery();
  }
  /** Seconds. 0 without a test's word: the stand-in does not watch the person. */
  getSystemIdleTime(): number {
    return this._told.idleSeconds ?? 0;
  }
  getSystemIdleState(threshold: number): IdleState {
    if (this._told.locked === true) return "locked";
    return this.getSystemIdleTime() >= threshold ? "idle" : "active";
  }
  getCurrentThermalState(): "unknown" {
    return "unknown";
  }
}
export const powerMonitor = new PowerMonitorImpl();

class ScreenImpl extends EventEmitter {
  getPrimaryDisplay() {
    const { width, height } = Xlib.get()?.size() ?? { width: 1280, height: 800 };
    const area = { x: 0, y: 0, width, height };
    const scaleFactor = Number(app.commandLine.getSwitchValue("force-device-scale-factor")) || 1;
    // a panel's part of the screen is not known
    return {
      id: 1,
      label: "",
      bounds: area,
      workArea: area,
      size: { width, height },
      workAreaSize: { width, height },
      scaleFactor,
      rotation: 0,
    };
  }
  getAllDisplays() {
    return [this.getPrimaryDisplay()];
  }
  getDisplayMatching() {
    return this.getPrimaryDisplay();
  }
  getCursorScreenPoint() {
    return { x: 0, y: 0 };
  }
}
export const screen = new ScreenImpl();

let clipboardText = "";
/** The program's own: nothing else of the desktop sees it. */
export const clipboard = {
  writeText: (text: string): void => {
    clipboardText = text;
  },
  readText: (): string => clipboardText,
};
