/** What a window may be made with. What is not on the lists is refused rather than overlooked. */
import { refuseUnknown } from "./strict.ts";

const KNOWN = [
  "x", "y", "width", "height", "minWidth", "minHeight", "show", "title", "backgroundColor", "autoHideMenuBar",
  "webPreferences", "icon", "resizable", "frame", "center", "useContentSize", "paintWhenInitiallyHidden", "darkTheme",
]; // prettier-ignore

const KNOWN_PREFERENCES = [
  "preload",
  "contextIsolation",
  "sandbox",
  "nodeIntegration",
  "nodeIntegrationInWorker",
  "nodeIntegrationInSubFrames",
  "webSecurity",
  "allowRunningInsecureContent",
  "experimentalFeatures",
  "webviewTag",
  "spellcheck",
  "zoomFactor",
  "backgroundThrottling",
  "additionalArguments",
  "devTools",
  "navigateOnDragDrop",
  "safeDialogs",
  "enableWebSQL",
  "webgl",
  "images",
  "textAreasAreResizable",
  "disableBlinkFeatures",
  "enableBlinkFeatures",
  "defaultEncoding",
];

/**
 * The page's preferences.
 *
 * @throws Error where the page would not be sandboxed and apart from the preload: nothing here could do that
 */
export function checkedPreferences(
  options: Electron.BrowserWindowConstructorOptions,
): Electron.WebPreferences {
  refuseUnknown(options, KNOWN, "BrowserWindow");
  const preferences = options.webPreferences ?? {};
  refuseUnknown(preferences, KNOWN_PREFERENCES, "BrowserWindow.webPreferences");
  if (preferences.sandbox === false)
    throw new Error("electron-stand-in: webPreferences.sandbox must not be off");
  if (preferences.contextIsolation === false) {
    throw new Error("electron-stand-in: webPreferences.contextIsolation must not be off");
  }
  if (preferences.nodeIntegration === true || preferences.nodeIntegrationInWorker === true) {
    throw new Error("electron-stand-in: webPreferences.nodeIntegration must not be on");
  }
  if (preferences.webSecurity === false || preferences.allowRunningInsecureContent === true) {
    throw new Error("electron-stand-in: webPreferences.webSecurity must not be off");
  }
  return preferences;
}
