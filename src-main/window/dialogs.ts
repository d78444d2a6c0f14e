import { join } from "node:path";
import type {
  BrowserWindow,
  Dialog,
  MessageBoxOptions,
  OpenDialogOptions,
  SaveDialogOptions,
} from "electron";
import type { ExportFormat } from "../app/history-export.ts";
import type { Texts } from "../locale/texts.ts";

/** Asks whether to stop a fold and quit. Closing the dialog keeps folding. */
export async function askQuit(
  dialog: Pick<Dialog, "showMessageBox">,
  window: BrowserWindow | null,
  texts: Texts["dialogs"]["quitFolding"],
): Promise<boolean> {
  const options: MessageBoxOptions = {
    type: "question",
    message: texts.message,
    detail: texts.detail,
    buttons: [texts.keep, texts.quit],
    defaultId: 0,
    cancelId: 0,
  };
  const { response } =
    window === null ? await dialog.showMessageBox(options) : await dialog.showMessageBox(window, options);
  return response === 1;
}

/** A volume's label as part of a file's name. */
export function fileNamePart(label: string): string {
  return (
    label
      .replaceAll(/[^\p{L}\p{N}._-]+/gu, "-")
      .replaceAll(/^[-.]+|[-.]+$/g, "")
      .slice(0, 60) || "btrfs"
  );
}

/** Asks where to save a history. null: the person changed their mind. */
export async function chooseExport(
  dialog: Pick<Dialog, "showSaveDialog">,
  window: BrowserWindow | null,
  ask: {
    readonly directory: string;
    readonly format: ExportFormat;
    readonly volume: string;
    readonly texts: Pick<Texts["dialogs"], "exportTitle" | "exportName">;
  },
): Promise<string | null> {
  const options: SaveDialogOptions = {
    title: ask.texts.exportTitle,
    defaultPath: join(ask.directory, `${ask.texts.exportName(fileNamePart(ask.volume))}.${ask.format}`),
    filters: [{ name: ask.format.toUpperCase(), extensions: [ask.format] }],
    properties: ["showOverwriteConfirmation", "createDirectory"],
  };
  const { canceled, filePath } =
    window === null ? await dialog.showSaveDialog(options) : await dialog.showSaveDialog(window, options);
  return canceled || filePath === "" ? null : filePath;
}

/** Asks for a folder. null: the person changed their mind. */
export async function chooseFolder(
  dialog: Pick<Dialog, "showOpenDialog">,
  window: BrowserWindow | null,
  texts: Pick<Texts["dialogs"], "folderTitle">,
): Promise<string | null> {
  const options: OpenDialogOptions = {
    title: texts.folderTitle,
    properties: ["openDirectory", "showHiddenFiles"],
  };
  const { canceled, filePaths } =
    window === null ? await dialog.showOpenDialog(options) : await dialog.showOpenDialog(window, options);
  const [path = ""] = filePaths;
  return canceled || path === "" ? null : path;
}
