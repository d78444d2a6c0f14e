import type { NativeImage } from "electron";
import { expect, test } from "vitest";
import { electronTrayHost } from "../../../src-main/tray/electron-host.ts";
import type { TrayAction } from "../../../src-main/tray/model.ts";

type Parts = Parameters<typeof electronTrayHost>[0];
type Representation = Parameters<NativeImage["addRepresentation"]>[0];
type Template = Parameters<Parts["Menu"]["buildFromTemplate"]>[0];

/** Stands where Electron would, and keeps what it was given. */
function parts() {
  const representations: Representation[][] = [];
  const templates: Template[] = [];
  const said: string[] = [];
  const clicks: (() => void)[] = [];
  class Tray {
    constructor() {
      said.push("made");
    }
    setImage(): void {
      said.push("image");
    }
    setToolTip(text: string): void {
      said.push(`tooltip ${text}`);
    }
    setContextMenu(): void {
      said.push("menu");
    }
    on(event: string, listener: () => void): this {
      if (event === "click") clicks.push(listener);
      return this;
    }
    destroy(): void {
      said.push("destroyed");
    }
  }
  const electron = {
    Tray,
    Menu: {
      buildFromTemplate: (template: Template) => {
        templates.push(template);
        return {};
      },
    },
    nativeImage: {
      createEmpty: () => {
        const mine: Representation[] = [];
        representations.push(mine);
        return { addRepresentation: (one: Representation) => mine.push(one) };
      },
    },
  };
  return { electron: electron as unknown as Parts, representations, templates, said, clicks };
}

const images = [
  { scaleFactor: 1, size: 22, png: Buffer.from("small") },
  { scaleFactor: 2, size: 44, png: Buffer.from("large") },
];

test("both densities go into one image; a click on the icon is passed on", () => {
  const { electron, representations, clicks, said } = parts();
  let clicked = 0;
  const tray = electronTrayHost(electron)(images, () => clicked++);
  tray.setImage(images.slice(0, 1));
  tray.setToolTip("two\nlines");
  tray.destroy();
  expect(representations).toEqual([
    [
      { scaleFactor: 1, width: 22, height: 22, buffer: Buffer.from("small") },
      { scaleFactor: 2, width: 44, height: 44, buffer: Buffer.from("large") },
    ],
    [{ scaleFactor: 1, width: 22, height: 22, buffer: Buffer.from("small") }],
  ]);
  expect(said).toEqual(["made", "image", "tooltip two\nlines", "destroyed"]);
  clicks[0]?.();
  expect(clicked).toBe(1);
});

test("the menu: separators, what is off, and an & in a volume's name", () => {
  const { electron, templates } = parts();
  const chosen: TrayAction[] = [];
  electronTrayHost(electron)(images, () => undefined).setMenu(
    [
      { kind: "item", label: "R&D: 5 GiB", enabled: false, action: { kind: "open" } },
      { kind: "separator" },
      { kind: "item", label: "Quit", enabled: true, action: { kind: "quit" } },
    ],
    (action) => chosen.push(action),
  );
  expect(templates[0]).toMatchObject([
    { label: "R&&D: 5 GiB", enabled: false },
    { type: "separator" },
    { label: "Quit", enabled: true },
  ]);
  (templates[0]?.[2]?.click as (() => void) | undefined)?.();
  expect(chosen).toEqual([{ kind: "quit" }]);
});
