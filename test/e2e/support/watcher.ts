/**
 * A panel for tests: org.kde.StatusNotifierWatcher with a host that shows
 * nothing, and can do what a person does with the icons.
 * https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem/
 */
import { EventEmitter, once } from "node:events";
import dbus from "@particle/dbus-next";
import { closeBus } from "../../electron-stand-in/dbus/session-bus.ts";

const NAME = "org.kde.StatusNotifierWatcher";
const ITEM = "org.kde.StatusNotifierItem";
const MENU = "com.canonical.dbusmenu";
const PROPERTIES = "org.freedesktop.DBus.Properties";

/** One row of a menu as the bus has it. */
export interface MenuEntry {
  readonly id: number;
  readonly label: string;
  readonly enabled: boolean;
  readonly separator: boolean;
  readonly items: readonly MenuEntry[];
}
/** A resolution of an icon; alpha, red, green, blue. */
export interface Pixmap {
  readonly width: number;
  readonly height: number;
  readonly argb: Buffer;
}
export interface ItemInfo {
  readonly id: string;
  readonly status: string;
  readonly toolTip: string;
  readonly icons: readonly Pixmap[];
}

class WatcherInterface extends dbus.interface.Interface {
  readonly items = new Map<string, { readonly sender: string; readonly path: string }>();
  readonly changed = new EventEmitter();
  get RegisteredStatusNotifierItems(): string[] {
    return [...this.items.keys()];
  }
  get IsStatusNotifierHostRegistered(): boolean {
    return true;
  }
  get ProtocolVersion(): number {
    return 0;
  }
  RegisterStatusNotifierItem(service: string): void {
    // a path is meant at the sender's own name; this host is told names only
    this.items.set(service, { sender: service, path: "/StatusNotifierItem" });
    this.StatusNotifierItemRegistered(service);
    this.changed.emit("items");
  }
  RegisterStatusNotifierHost(): void {
    this.StatusNotifierHostRegistered();
  }
  StatusNotifierItemRegistered(service: string): string {
    return service;
  }
  StatusNotifierItemUnregistered(service: string): string {
    return service;
  }
  StatusNotifierHostRegistered(): void {
    // the library sends the signal
  }
}
WatcherInterface.configureMembers({
  properties: {
    RegisteredStatusNotifierItems: { signature: "as", access: "read" },
    IsStatusNotifierHostRegistered: { signature: "b", access: "read" },
    ProtocolVersion: { signature: "i", access: "read" },
  },
  methods: {
    RegisterStatusNotifierItem: { inSignature: "s" },
    RegisterStatusNotifierHost: { inSignature: "s" },
  },
  signals: {
    StatusNotifierItemRegistered: { signature: "s" },
    StatusNotifierItemUnregistered: { signature: "s" },
    StatusNotifierHostRegistered: { signature: "" },
  },
});

type Layout = [number, Record<string, dbus.Variant>, dbus.Variant<Layout>[]];

function entry([id, properties, children]: Layout): MenuEntry {
  const text = (name: string): string => String(properties[name]?.value ?? "");
  return {
    id,
    // _ marks a key, and __ is one
    label: text("label").replaceAll(/_(.)/gs, "$1"),
    enabled: properties["enabled"]?.value !== false,
    separator: text("type") === "separator",
    items: children.map(({ value }) => entry(value)),
  };
}

export class Watcher {
  private readonly bus: dbus.MessageBus;
  private readonly own = new WatcherInterface(NAME);
  private constructor(bus: dbus.MessageBus) {
    this.bus = bus;
  }

  /** @param busAddress of a session bus */
  static async start(busAddress: string): Promise<Watcher> {
    const watcher = new Watcher(dbus.sessionBus({ busAddress }));
    const { bus, own } = watcher;
    bus.on("error", () => undefined);
    bus.on("message", ({ member, body }) => {
      if (member !== "NameOwnerChanged" || body[2] !== "" || !own.items.delete(String(body[0]))) return;
      own.StatusNotifierItemUnregistered(String(body[0]));
      own.changed.emit("items");
    });
    bus.export("/StatusNotifierWatcher", own);
    await watcher.call(
      "org.freedesktop.DBus",
      "/org/freedesktop/DBus",
      "org.freedesktop.DBus",
      "AddMatch",
      "s",
      ["type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'"],
    );
    await bus.requestName(NAME, 0);
    return watcher;
  }
  /** The panel goes away. */
  async stop(): Promise<void> {
    await this.bus.releaseName(NAME);
    closeBus(this.bus);
  }

  private async call(
    destination: string,
    path: string,
    face: string,
    member: string,
    signature = "",
    body: unknown[] = [],
  ): Promise<unknown[]> {
    const message = new dbus.Message({ destination, path, interface: face, member, signature, body });
    return ((await this.bus.call(message))?.body ?? []) as unknown[];
  }
  private async property<T>(service: string, path: string, face: string, name: string): Promise<T> {
    const [value] = await this.call(service, path, PROPERTIES, "Get", "ss", [face, name]);
    return (value as dbus.Variant<T>).value;
  }

  /** Names of the icons there are now. */
  get items(): readonly string[] {
    return [...this.own.items.keys()];
  }
  /** Resolves as soon as there are so many icons. */
  async waitForItems(count: number): Promise<readonly string[]> {
    while (this.own.items.size !== count) await once(this.own.changed, "items");
    return this.items;
  }

  async info(item: string): Promise<ItemInfo> {
    const get = <T>(name: string): Promise<T> => this.property<T>(item, "/StatusNotifierItem", ITEM, name);
    const [id, status, toolTip, icons] = await Promise.all([
      get<string>("Id"),
      get<string>("Status"),
      get<[string, unknown, string, string]>("ToolTip"),
      get<[number, number, Buffer][]>("IconPixmap"),
    ]);
    return {
      id,
      status,
      // title and text; a program may use either
      toolTip: [toolTip[2], toolTip[3]].filter((part) => part !== "").join("\n"),
      icons: icons.map(([width, height, argb]) => ({ width, height, argb: Buffer.from(argb) })),
    };
  }
  /** The main click. */
  async activate(item: string): Promise<void> {
    await this.call(item, "/StatusNotifierItem", ITEM, "Activate", "ii", [0, 0]);
  }
  async menu(item: string): Promise<readonly MenuEntry[]> {
    const path = await this.property<string>(item, "/StatusNotifierItem", ITEM, "Menu");
    const [, layout] = await this.call(item, path, MENU, "GetLayout", "iias", [0, -1, []]);
    return entry(layout as Layout).items;
  }
  /** Clicks an entry by its words. @throws Error with those that there are */
  async choose(item: string, label: string): Promise<void> {
    const path = await this.property<string>(item, "/StatusNotifierItem", ITEM, "Menu");
    const entries = await this.menu(item);
    const found = entries.find((each) => each.label === label);
    if (found === undefined) {
      throw new Error(
        `no "${label}" in the menu; it has ${entries.map((each) => `"${each.label}"`).join(", ")}`,
      );
    }
    await this.call(item, path, MENU, "Event", "isvu", [found.id, "clicked", new dbus.Variant("i", 0), 0]);
  }
}
