import type { Menu, NativeImage, Tray, nativeImage } from "electron";
import type { IconImages } from "./icon.ts";
import type { TrayHost } from "./tray.ts";

interface ElectronParts {
  readonly Tray: new (
    image: NativeImage,
  ) => Pick<Tray, "setImage" | "setToolTip" | "setContextMenu" | "on" | "destroy">;
  readonly Menu: Pick<typeof Menu, "buildFromTemplate">;
  readonly nativeImage: Pick<typeof nativeImage, "createEmpty">;
}

/** Electron's tray behind TrayHost. On Linux it is a StatusNotifierItem. */
export function electronTrayHost(electron: ElectronParts): TrayHost {
  const image = (images: IconImages): NativeImage => {
    const made = electron.nativeImage.createEmpty();
    for (const { scaleFactor, size, png } of images) {
      made.addRepresentation({ scaleFactor, width: size, height: size, buffer: png });
    }
    return made;
  };
  return (images, onClick) => {
    const tray = new electron.Tray(image(images));
    tray.on("click", onClick);
    return {
      setImage: (next) => {
        tray.setImage(image(next));
      },
      setToolTip: (text) => {
        tray.setToolTip(text);
      },
      setMenu: (rows, onChoose) => {
        tray.setContextMenu(
          electron.Menu.buildFromTemplate(
            rows.map((row) =>
              row.kind === "separator"
                ? { type: "separator" as const }
                : {
                    // a single & marks a key of the keyboard in a menu
                    label: row.label.replaceAll("&", "&&"),
                    enabled: row.enabled,
                    click: () => {
                      onChoose(row.action);
                    },
                  },
            ),
          ),
        );
      },
      destroy: () => {
        tray.destroy();
      },
    };
  };
}
