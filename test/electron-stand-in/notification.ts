/** Notification: a model, and org.freedesktop.Notifications where that is on the bus. */
import { EventEmitter } from "node:events";
import type dbus from "@particle/dbus-next";
import { app } from "./app.ts";
import { callBus, hasSessionBus, openSessionBus } from "./dbus/session-bus.ts";
import { refuseUnknown, strict } from "./strict.ts";

const SERVICE = {
  destination: "org.freedesktop.Notifications",
  path: "/org/freedesktop/Notifications",
  interface: "org.freedesktop.Notifications",
};
const KNOWN = ["title", "body", "silent", "icon", "urgency", "timeoutType", "subtitle"];

/** All that were ever shown, in order. */
export const shownNotifications: NotificationImpl[] = [];
let bus: dbus.MessageBus | null = null;

export class NotificationImpl extends EventEmitter {
  title: string;
  body: string;
  silent: boolean;
  _state: "new" | "shown" | "closed" = "new";
  private busId = 0;

  constructor(options: Electron.NotificationConstructorOptions = {}) {
    super();
    refuseUnknown(options, KNOWN, "Notification");
    this.title = options.title ?? "";
    this.body = options.body ?? "";
    this.silent = options.silent ?? false;
    return strict(this, "Notification");
  }
  static isSupported(): boolean {
    return true;
  }
  show(): void {
    this._state = "shown";
    shownNotifications.push(this);
    this.emit("show", {});
    if (hasSessionBus()) void this.toDesktop();
  }
  close(): void {
    if (this._state !== "shown") return;
    this._state = "closed";
    this.emit("close", {});
  }
  /** As a person's click on it. */
  _click(): void {
    this.emit("click", {});
    this.close();
  }

  private async toDesktop(): Promise<void> {
    bus ??= openSessionBus();
    const { Variant } = (await import("@particle/dbus-next")).default;
    try {
      const [id] = await callBus(bus, {
        ...SERVICE,
        member: "Notify",
        signature: "susssasa{sv}i",
        body: [
          app.getName(),
          0,
          "",
          this.title,
          this.body,
          ["default", ""],
          { urgency: new Variant("y", 1) },
          -1,
        ],
      });
      this.busId = id as number;
      const own = {
        destination: "org.freedesktop.DBus",
        path: "/org/freedesktop/DBus",
        interface: "org.freedesktop.DBus",
      };
      const rule = `type='signal',interface='${SERVICE.interface}'`;
      await callBus(bus, { ...own, member: "AddMatch", signature: "s", body: [rule] });
      bus.on("message", ({ member, body }) => {
        if (body[0] !== this.busId) return;
        if (member === "ActionInvoked") this._click();
        if (member === "NotificationClosed") this.close();
      });
    } catch {
      // no notification daemon: the model alone
    }
  }
}
