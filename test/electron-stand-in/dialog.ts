/**
 * dialog: answers come from a test, or from zenity where a person is there to
 * ask. With neither, the answer is the one that changes nothing.
 */
import { spawn } from "node:child_process";
import { BrowserWindowImpl } from "./browser-window.ts";

type Method = "showMessageBox" | "showSaveDialog" | "showOpenDialog" | "showErrorBox";
export interface Asked {
  readonly method: Method;
  readonly options: unknown;
}

/** Every dialog that was opened, in order. */
export const askedDialogs: Asked[] = [];
const answers = new Map<Method, unknown[]>();

/** What the next dialog of that kind is answered. */
export function answerDialog(method: Method, answer: unknown): void {
  answers.set(method, [...(answers.get(method) ?? []), answer]);
}

/** Electron's optional first argument is the window. */
function optionsOf(args: readonly unknown[]): unknown {
  return args[0] instanceof BrowserWindowImpl || args[0] === undefined || args[0] === null
    ? args[1]
    : args[0];
}
function take(method: Method, options: unknown): { readonly value: unknown } | null {
  askedDialogs.push({ method, options });
  const [first, ...rest] = answers.get(method) ?? [];
  if (first === undefined) return null;
  answers.set(method, rest);
  return { value: first };
}

/** Runs zenity. null: it is not installed, or this is a test. */
function zenity(words: readonly string[]): Promise<{ code: number; text: string } | null> {
  if ((process.env["REFOLD_STAND_IN_CONTROL"] ?? "") !== "") return Promise.resolve(null);
  return new Promise((resolve) => {
    const child = spawn("zenity", words, { stdio: ["ignore", "pipe", "ignore"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    child.once("error", () => {
      resolve(null);
    });
    child.once("close", (code) => {
      resolve({ code: code ?? 1, text: text.replace(/\n$/, "") });
    });
  });
}

export const dialog = {
  showMessageBox: async (...args: unknown[]): Promise<Electron.MessageBoxReturnValue> => {
    const options = optionsOf(args) as Electron.MessageBoxOptions;
    const given = take("showMessageBox", options);
    if (given !== null) return given.value as Electron.MessageBoxReturnValue;
    const cancel = { response: options.cancelId ?? 0, checkboxChecked: false };
    const [first = "OK", second] = options.buttons ?? [];
    const shown = await zenity([
      second === undefined ? "--info" : "--question",
      `--text=${options.message}\n\n${options.detail ?? ""}`,
      "--no-markup",
      ...(second === undefined ? [] : [`--ok-label=${second}`, `--cancel-label=${first}`]),
    ]);
    return shown?.code === 0 && second !== undefined ? { ...cancel, response: 1 } : cancel;
  },
  showSaveDialog: async (...args: unknown[]): Promise<Electron.SaveDialogReturnValue> => {
    const options = optionsOf(args) as Electron.SaveDialogOptions;
    const given = take("showSaveDialog", options);
    if (given !== null) return given.value as Electron.SaveDialogReturnValue;
    const shown = await zenity(["--file-selection", "--save", `--filename=${options.defaultPath ?? ""}`]);
    return shown?.code === 0 ? { canceled: false, filePath: shown.text } : { canceled: true, filePath: "" };
  },
  showOpenDialog: async (...args: unknown[]): Promise<Electron.OpenDialogReturnValue> => {
    const given = take("showOpenDialog", optionsOf(args));
    if (given !== null) return given.value as Electron.OpenDialogReturnValue;
    const shown = await zenity(["--file-selection"]);
    return shown?.code === 0
      ? { canceled: false, filePaths: [shown.text] }
      : { canceled: true, filePaths: [] };
  },
  showErrorBox: (title: string, content: string): void => {
    take("showErrorBox", { title, content });
    console.error(`${title}\n${content}`);
  },
} satisfies Partial<Record<keyof Electron.Dialog, unknown>>;
