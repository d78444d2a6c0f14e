/**
 * The tray icon on the session bus.
 * https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem/
 */
import dbus from "@particle/dbus-next";
import type { NativeImageImpl } from "../native-image.ts";

export type Pixmap = [width: number, height: number, argb: Buffer];

/** Resolutions as the bus wants them: ARGB, big-endian. */
export function pixmaps(image: NativeImageImpl): Pixmap[] {
  return [...image._representations.values()].map(({ width, height, rgba }) => {
    const argb = Buffer.alloc(rgba.length);
    for (let k = 0; k < rgba.length; k += 4) {
      argb.set([rgba[k + 3] ?? 0, rgba[k] ?? 0, rgba[k + 1] ?? 0, rgba[k + 2] ?? 0], k);
    }
    return [width, height, argb];
  });
}

export interface ItemModel {
  readonly image: NativeImageImpl;
  readonly toolTip: string;
  readonly title: string;
  readonly activate: () => void;
}

export class StatusNotifierItem extends dbus.interface.Interface {
  private readonly model: () => ItemModel;
  constructor(model: () => ItemModel) {
    super("org.kde.StatusNotifierItem");
    this.model = model;
  }
  get Category(): string {
    return "ApplicationStatus";
  }
  get Id(): string {
    return this.model().title;
  }
  get Title(): string {
    return this.model().title;
  }
  get Status(): string {
    return "Active";
  }
  get WindowId(): number {
    return 0;
  }
  get IconName(): string {
    return "";
  }
  get IconPixmap(): Pixmap[] {
    return pixmaps(this.model().image);
  }
  get ToolTip(): [string, Pixmap[], string, string] {
    return ["", [], this.model().toolTip, ""];
  }
  get ItemIsMenu(): boolean {
    return false;
  }
  get Menu(): string {
    return "/MenuBar";
  }
  Activate(): void {
    this.model().activate();
  }
  SecondaryActivate(): void {
    this.model().activate();
  }
  ContextMenu(): void {
    // hosts show the menu that is at Menu
  }
  Scroll(): void {
    // nothing of Electron's on Linux
  }
  NewIcon(): void {
    // the library sends the signal
  }
  NewToolTip(): void {
    // as above
  }
}

const read = (signature: string) => ({ signature, access: "read" as const });
StatusNotifierItem.configureMembers({
  properties: {
    Category: read("s"),
    Id: read("s"),
    Title: read("s"),
    Status: read("s"),
    WindowId: read("u"),
    IconName: read("s"),
    IconPixmap: read("a(iiay)"),
    ToolTip: read("(sa(iiay)ss)"),
    ItemIsMenu: read("b"),
    Menu: read("o"),
  },
  methods: {
    Activate: { inSignature: "ii" },
    SecondaryActivate: { inSignature: "ii" },
    ContextMenu: { inSignature: "ii" },
    Scroll: { inSignature: "is" },
  },
  signals: { NewIcon: { signature: "" }, NewToolTip: { signature: "" } },
});
