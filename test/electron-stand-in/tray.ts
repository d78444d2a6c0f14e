/** Tray: a model, and a StatusNotifierItem wherever there is a session bus. */
import { EventEmitter } from "node:events";
import type dbus from "@particle/dbus-next";
import { app } from "./app.ts";
import { DbusMenu } from "./dbus/dbus-menu.ts";
import { callBus, closeBus, hasSessionBus, openSessionBus } from "./dbus/session-bus.ts";
import { StatusNotifierItem } from "./dbus/status-notifier-item.ts";
import type { MenuImpl } from "./menu.ts";
import { nativeImage, type NativeImageImpl } from "./native-image.ts";
import { strict } from "./strict.ts";

const WATCHER = "org.kde.StatusNotifierWatcher";
const trays = new Set<TrayImpl>();
/** Those that are not destroyed. */
export const allTrays = (): readonly TrayImpl[] => [...trays];
let nextItem = 1;

export class TrayImpl extends EventEmitter {
  _image: NativeImageImpl;
  _toolTip = "";
  _menu: MenuImpl | null = null;
  private destroyed = false;
  private bus: dbus.MessageBus | null = null;
  private readonly item: StatusNotifierItem;
  private readonly busMenu: DbusMenu;
  private name = "";

  constructor(image: NativeImageImpl | string) {
    super();
    this._image = this.toImage(image);
    this.item = new StatusNotifierItem(() => ({
      image: this._image,
      toolTip: this._toolTip,
      title: app.getName(),
      activate: () => {
        this._click();
      },
    }));
    this.busMenu = new DbusMenu(() => this._menu);
    const guarded = strict(this, "Tray");
    trays.add(guarded);
    if (hasSessionBus()) void this.register();
    return guarded;
  }

  private toImage(image: NativeImageImpl | string): NativeImageImpl {
    return typeof image === "string" ? nativeImage.createFromPath(image) : image;
  }

  /** Puts the item on the bus and tells the watcher; again whenever a new watcher comes. */
  private async register(): Promise<void> {
    const bus = openSessionBus();
    this.bus = bus;
    try {
      this.name = `org.kde.StatusNotifierItem-${process.pid}-${nextItem++}`;
      bus.export("/StatusNotifierItem", this.item);
      bus.export("/MenuBar", this.busMenu);
      await bus.requestName(this.name, 0);
      const rule = `type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='${WATCHER}'`;
      bus.on("message", ({ member, body }) => {
        if (member === "NameOwnerChanged" && body[0] === WATCHER && body[2] !== "") void this.announce(bus);
      });
      const own = {
        destination: "org.freedesktop.DBus",
        path: "/org/freedesktop/DBus",
        interface: "org.freedesktop.DBus",
      };
      await callBus(bus, { ...own, member: "AddMatch", signature: "s", body: [rule] });
      await this.announce(bus);
    } catch (error) {
      if (!this.destroyed) console.error(`electron-stand-in: the tray is not on the bus: ${String(error)}`);
    }
  }
  private async announce(bus: dbus.MessageBus): Promise<void> {
    await callBus(bus, {
      destination: WATCHER,
      path: "/StatusNotifierWatcher",
      interface: WATCHER,
      member: "RegisterStatusNotifierItem",
      signature: "s",
      body: [this.name],
    }).catch(() => undefined); // no watcher: it comes, or not
  }

  setImage(image: NativeImageImpl | string): void {
    this._image = this.toImage(image);
    if (this.bus !== null) this.item.NewIcon();
  }
  setToolTip(toolTip: string): void {
    this._toolTip = toolTip;
    if (this.bus !== null) this.item.NewToolTip();
  }
  setTitle(): void {
    // macOS
  }
  setContextMenu(menu: MenuImpl | null): void {
    this._menu = menu;
    if (this.bus !== null) this.busMenu.LayoutUpdated();
  }
  isDestroyed(): boolean {
    return this.destroyed;
  }
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    for (const tray of trays) if (tray.isDestroyed()) trays.delete(tray);
    if (this.bus !== null) closeBus(this.bus);
    this.bus = null;
  }
  /** As a person's click on the icon. */
  _click(): void {
    const bounds = { x: 0, y: 0, width: 0, height: 0 };
    this.emit("click", { altKey: false, shiftKey: false, ctrlKey: false, metaKey: false }, bounds, {
      x: 0,
      y: 0,
    });
  }
}
