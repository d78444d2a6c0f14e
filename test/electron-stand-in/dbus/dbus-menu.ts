/**
 * The tray's menu on the session bus.
 * https://github.com/AyatanaIndicators/libdbusmenu/blob/master/libdbusmenu-glib/dbus-menu.xml
 */
import dbus from "@particle/dbus-next";
import type { MenuImpl, MenuItemImpl } from "../menu.ts";

type Properties = Record<string, dbus.Variant>;
type Layout = [id: number, properties: Properties, children: dbus.Variant[]];

/** A label's key is marked with _ on the bus, with & in Electron. */
function busLabel(label: string): string {
  return label
    .replaceAll("_", "__")
    .replaceAll(/&(.)/gs, (_whole, char: string) => (char === "&" ? "&" : `_${char}`));
}

function properties(item: MenuItemImpl): Properties {
  const { Variant } = dbus;
  if (item.type === "separator") return { type: new Variant("s", "separator") };
  const toggle = item.type === "checkbox" ? "checkmark" : item.type === "radio" ? "radio" : null;
  return {
    label: new Variant("s", busLabel(item.label)),
    enabled: new Variant("b", item.enabled),
    visible: new Variant("b", item.visible),
    ...(toggle === null
      ? {}
      : { "toggle-type": new Variant("s", toggle), "toggle-state": new Variant("i", item.checked ? 1 : 0) }),
    ...(item.submenu === null ? {} : { "children-display": new Variant("s", "submenu") }),
  };
}

export class DbusMenu extends dbus.interface.Interface {
  private readonly menu: () => MenuImpl | null;
  private revision = 1;
  constructor(menu: () => MenuImpl | null) {
    super("com.canonical.dbusmenu");
    this.menu = menu;
  }
  get Version(): number {
    return 3;
  }
  get TextDirection(): string {
    return "ltr";
  }
  get Status(): string {
    return "normal";
  }
  get IconThemePath(): string[] {
    return [];
  }

  private find(id: number, menu: MenuImpl | null = this.menu()): MenuItemImpl | null {
    for (const item of menu?.items ?? []) {
      const found = item.commandId === id ? item : item.submenu === null ? null : this.find(id, item.submenu);
      if (found !== null) return found;
    }
    return null;
  }
  private layout(id: number, own: Properties, menu: MenuImpl | null, depth: number): Layout {
    const items = depth === 0 ? [] : (menu?.items ?? []);
    return [
      id,
      own,
      items.map(
        (item) =>
          new dbus.Variant(
            "(ia{sv}av)",
            this.layout(item.commandId, properties(item), item.submenu, depth - 1),
          ),
      ),
    ];
  }
  private layoutOf(id: number, depth: number): Layout {
    if (id === 0)
      return this.layout(0, { "children-display": new dbus.Variant("s", "submenu") }, this.menu(), depth);
    const item = this.find(id);
    if (item === null) throw new dbus.DBusError("org.freedesktop.DBus.Error.InvalidArgs", `no item ${id}`);
    return this.layout(id, properties(item), item.submenu, depth);
  }

  GetLayout(parent: number, depth: number): [number, Layout] {
    return [this.revision, this.layoutOf(parent, depth)];
  }
  GetGroupProperties(ids: number[]): [number, Properties][] {
    return ids.flatMap((id) => {
      const item = this.find(id);
      return item === null ? [] : [[id, properties(item)] as [number, Properties]];
    });
  }
  GetProperty(id: number, name: string): dbus.Variant {
    const item = this.find(id);
    const value = item === null ? undefined : properties(item)[name];
    if (value === undefined) throw new dbus.DBusError("org.freedesktop.DBus.Error.InvalidArgs", `no ${name}`);
    return value;
  }
  Event(id: number, type: string): void {
    const item = this.find(id);
    if (type === "clicked" && item?.enabled === true) item.click();
  }
  EventGroup(events: [number, string][]): number[] {
    for (const [id, type] of events) this.Event(id, type);
    return [];
  }
  AboutToShow(): boolean {
    return false;
  }
  AboutToShowGroup(): [number[], number[]] {
    return [[], []];
  }
  LayoutUpdated(): [number, number] {
    return [++this.revision, 0];
  }
}

const read = (signature: string) => ({ signature, access: "read" as const });
DbusMenu.configureMembers({
  properties: { Version: read("u"), TextDirection: read("s"), Status: read("s"), IconThemePath: read("as") },
  methods: {
    GetLayout: { inSignature: "iias", outSignature: "u(ia{sv}av)" },
    GetGroupProperties: { inSignature: "aias", outSignature: "a(ia{sv})" },
    GetProperty: { inSignature: "is", outSignature: "v" },
    Event: { inSignature: "isvu" },
    EventGroup: { inSignature: "a(isvu)", outSignature: "ai" },
    AboutToShow: { inSignature: "i", outSignature: "b" },
    AboutToShowGroup: { inSignature: "ai", outSignature: "aiai" },
  },
  signals: { LayoutUpdated: { signature: "ui" } },
});
