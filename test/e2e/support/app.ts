/** An app that was started for a test, on the stand-in or on Electron. */
import type { Page } from "@playwright/test";
import type { NotificationState, TrayState } from "../../electron-stand-in/control.ts";
import type { ShellCall } from "../../electron-stand-in/shell.ts";

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}
export interface DialogAnswers {
  readonly showMessageBox: { readonly response: number; readonly checkboxChecked?: boolean };
  readonly showSaveDialog: { readonly canceled: boolean; readonly filePath: string };
  readonly showOpenDialog: { readonly canceled: boolean; readonly filePaths: readonly string[] };
}
export interface PowerState {
  readonly onBattery?: boolean;
  readonly idleSeconds?: number;
}

export interface App {
  /** The page of the app's window. */
  readonly page: Page;
  readonly mainPid: number;
  /** What the main process wrote so far, both streams. */
  readonly logs: () => string;
  /** When the main process has ended. */
  readonly exited: Promise<Exit>;
  /** null while there is no icon. */
  tray(): Promise<TrayState | null>;
  /** The main click on the icon; with a label, on that entry of its menu. */
  clickTray(label?: string): Promise<void>;
  /** All that were shown, the oldest first. */
  notifications(): Promise<readonly NotificationState[]>;
  /** @param index from the end where it is negative */
  clickNotification(index: number): Promise<void>;
  /** What the next dialog of that kind is answered. */
  setDialogAnswer<M extends keyof DialogAnswers>(method: M, answer: DialogAnswers[M]): Promise<void>;
  /** What was asked of the file manager and the browser; nothing of it is done. */
  shellCalls(): Promise<readonly ShellCall[]>;
  setPower(state: PowerState): Promise<void>;
  emitPower(event: "suspend" | "resume" | "on-ac" | "on-battery"): Promise<void>;
  /** The desktop's preference. */
  setDark(dark: boolean): Promise<void>;
  windowVisible(): Promise<boolean>;
  windowFocused(): Promise<boolean>;
  /** As a person closes it. */
  closeWindow(): Promise<void>;
  /** Runs an expression beside the preload, in the frame whose URL contains a text. */
  evaluateInPreload(frame: string, expression: string): Promise<unknown>;
  /** Starts the program again, as a person does, and waits until that one has ended. */
  startSecond(args?: readonly string[]): Promise<Exit>;
  /** Quits it as the session's end would, and waits. */
  close(): Promise<Exit>;
  /** SIGKILL, and waits. */
  kill(): Promise<Exit>;
}

export interface LaunchOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** dist/main/main.mjs, or another program for the stand-in's own tests. */
  readonly main?: string;
  /**
   * The only btrfs mounts that the app sees, by mount point, in a mount
   * namespace of its own; FROM=TO: at another place there. Without: those of the machine.
   */
  readonly volumes?: readonly string[];
  /** Milliseconds until the page is shown. Default 60,000. */
  readonly timeoutMs?: number;
}
