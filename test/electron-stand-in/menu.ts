/** Menu and MenuItem: a model. On Linux it is shown by the tray's host. */
import { EventEmitter } from "node:events";
import { NotImplementedError, refuseUnknown, strict } from "./strict.ts";

type Template = Electron.MenuItemConstructorOptions;
type ItemType = "normal" | "separator" | "submenu" | "checkbox" | "radio";

const KNOWN = ["label", "type", "enabled", "visible", "checked", "click", "submenu", "id", "accelerator", "sublabel", "toolTip", "role", "registerAccelerator"]; // prettier-ignore
let nextCommand = 1;

export class MenuItemImpl {
  readonly id: string;
  readonly type: ItemType;
  readonly label: string;
  readonly sublabel: string;
  readonly toolTip: string;
  readonly role: string | null;
  readonly accelerator: string | null;
  readonly submenu: MenuImpl | null;
  readonly commandId = nextCommand++;
  enabled: boolean;
  visible: boolean;
  checked: boolean;
  readonly click: () => void;
  menu: MenuImpl | null = null;

  constructor(options: Template) {
    refuseUnknown(options, KNOWN, "MenuItem");
    if (options.role !== undefined && options.role !== "quit")
      throw new NotImplementedError(`MenuItem.role "${options.role}"`);
    const submenu = options.submenu;
    this.submenu = Array.isArray(submenu)
      ? MenuImpl.buildFromTemplate(submenu)
      : ((submenu as unknown as MenuImpl | undefined) ?? null);
    this.type =
      options.type === "header" || options.type === "palette"
        ? "normal"
        : (options.type ?? (this.submenu === null ? "normal" : "submenu"));
    this.id = options.id ?? "";
    this.label = options.label ?? "";
    this.sublabel = options.sublabel ?? "";
    this.toolTip = options.toolTip ?? "";
    this.role = options.role ?? null;
    this.accelerator = options.accelerator ?? null;
    this.enabled = options.enabled ?? true;
    this.visible = options.visible ?? true;
    this.checked = options.checked ?? false;
    const { click } = options;
    const self = strict(this, "MenuItem");
    this.click = () => {
      if (this.type === "checkbox") this.checked = !this.checked;
      if (this.type === "radio") {
        for (const item of this.menu?.items ?? []) if (item.type === "radio") item.checked = false;
        this.checked = true;
      }
      (click as unknown as ((item: MenuItemImpl, window: undefined, event: object) => void) | undefined)?.(
        self,
        undefined,
        {},
      );
    };
    return self;
  }
}

export class MenuImpl extends EventEmitter {
  readonly items: MenuItemImpl[] = [];

  static buildFromTemplate(template: readonly (Template | MenuItemImpl)[]): MenuImpl {
    const menu = new MenuImpl();
    for (const item of template) menu.append(item instanceof MenuItemImpl ? item : new MenuItemImpl(item));
    return strict(menu, "Menu");
  }
  private static application: MenuImpl | null = null;
  static setApplicationMenu(menu: MenuImpl | null): void {
    MenuImpl.application = menu;
  }
  static getApplicationMenu(): MenuImpl | null {
    return MenuImpl.application;
  }

  append(item: MenuItemImpl): void {
    item.menu = this;
    this.items.push(item);
  }
  insert(position: number, item: MenuItemImpl): void {
    item.menu = this;
    this.items.splice(position, 0, item);
  }
  getMenuItemById(id: string): MenuItemImpl | null {
    for (const item of this.items) {
      const found = item.id === id ? item : (item.submenu?.getMenuItemById(id) ?? null);
      if (found !== null) return found;
    }
    return null;
  }
  /** Noted for tests: nothing is shown at the pointer. */
  popup(): void {
    this.emit("menu-will-show");
  }
  closePopup(): void {
    this.emit("menu-will-close");
  }
}

/** A label as it is read: a single & marks a key, a double one is itself. */
export function plainLabel(label: string): string {
  return label.replaceAll(/&(.)/gs, "$1");
}

/** A menu as plain data. */
export interface MenuTree {
  readonly type: ItemType;
  readonly label: string;
  readonly enabled: boolean;
  readonly visible: boolean;
  readonly checked: boolean;
  readonly items?: readonly MenuTree[];
}
export function menuTree(menu: MenuImpl): MenuTree[] {
  return menu.items.map(({ type, label, enabled, visible, checked, submenu }) => ({
    type,
    label: plainLabel(label),
    enabled,
    visible,
    checked,
    ...(submenu === null ? {} : { items: menuTree(submenu) }),
  }));
}
