/** The `electron` module of the main process, for the members that the app uses. See README.md. */
import { app as appImpl } from "./app.ts";
import { BrowserWindowImpl, latestChromium } from "./browser-window.ts";
import { serveCdp } from "./cdp/playwright.ts";
import { serveControl } from "./control.ts";
import { dialog as dialogImpl } from "./dialog.ts";
import { ipcMain as ipcMainImpl } from "./ipc-main.ts";
import { MenuImpl, MenuItemImpl } from "./menu.ts";
import { nativeImage as nativeImageImpl } from "./native-image.ts";
import { nativeTheme as nativeThemeImpl } from "./native-theme.ts";
import { NotificationImpl } from "./notification.ts";
import {
  clipboard as clipboardImpl,
  powerMonitor as powerMonitorImpl,
  screen as screenImpl,
} from "./power-monitor.ts";
import { defaultSession, protocol as protocolImpl } from "./session.ts";
import { shell as shellImpl } from "./shell.ts";
import { absent, strict } from "./strict.ts";
import { TrayImpl } from "./tray.ts";

export const app = strict(appImpl, "app");
export const BrowserWindow = strict(BrowserWindowImpl, "BrowserWindow");
export const clipboard = strict(clipboardImpl, "clipboard");
export const dialog = strict(dialogImpl, "dialog");
export const ipcMain = strict(ipcMainImpl, "ipcMain");
export const Menu = strict(MenuImpl, "Menu");
export const MenuItem = strict(MenuItemImpl, "MenuItem");
export const nativeImage = strict(nativeImageImpl, "nativeImage");
export const nativeTheme = strict(nativeThemeImpl, "nativeTheme");
export const Notification = strict(NotificationImpl, "Notification");
export const powerMonitor = strict(powerMonitorImpl, "powerMonitor");
export const protocol = strict(protocolImpl, "protocol");
export const screen = strict(screenImpl, "screen");
export const session = strict({ defaultSession }, "session");
export const shell = strict(shellImpl, "shell");
export const Tray = strict(TrayImpl, "Tray");

// named so that importing them is no syntax error, and using them says what is missing
export const autoUpdater: never = absent("autoUpdater");
export const BaseWindow: never = absent("BaseWindow");
export const BrowserView: never = absent("BrowserView");
export const ClipboardItem: never = absent("ClipboardItem");
export const contentTracing: never = absent("contentTracing");
export const contextBridge: never = absent("contextBridge");
export const crashReporter: never = absent("crashReporter");
export const desktopCapturer: never = absent("desktopCapturer");
export const globalShortcut: never = absent("globalShortcut");
export const ImageView: never = absent("ImageView");
export const inAppPurchase: never = absent("inAppPurchase");
export const IpcMainServiceWorker: never = absent("IpcMainServiceWorker");
export const ipcRenderer: never = absent("ipcRenderer");
export const LanguageModelUtility: never = absent("LanguageModelUtility");
export const localAIHandler: never = absent("localAIHandler");
export const MessageChannelMain: never = absent("MessageChannelMain");
export const net: never = absent("net");
export const netLog: never = absent("netLog");
export const parentPort: never = absent("parentPort");
export const powerSaveBlocker: never = absent("powerSaveBlocker");
export const pushNotifications: never = absent("pushNotifications");
export const safeStorage: never = absent("safeStorage");
export const sharedTexture: never = absent("sharedTexture");
export const ShareMenu: never = absent("ShareMenu");
export const systemPreferences: never = absent("systemPreferences");
export const TouchBar: never = absent("TouchBar");
export const utilityProcess: never = absent("utilityProcess");
export const View: never = absent("View");
export const webContents: never = absent("webContents");
export const WebContentsView: never = absent("WebContentsView");
export const webFrame: never = absent("webFrame");
export const webFrameMain: never = absent("webFrameMain");
export const WebSocket: never = absent("WebSocket");
export const webUtils: never = absent("webUtils");

const socketPath = (name: string): string | null => process.env[name] || null;
const cdp = socketPath("REFOLD_STAND_IN_CDP");
if (cdp !== null) serveCdp(cdp, () => latestChromium()?.connection ?? null);
const control = socketPath("REFOLD_STAND_IN_CONTROL");
if (control !== null) serveControl(control);
