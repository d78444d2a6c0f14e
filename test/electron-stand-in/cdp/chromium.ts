/** Finds and starts Chromium as one window of the app. */
import { spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { CdpConnection } from "./connection.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Absolute path of a Chromium; null where none is installed. REFOLD_STAND_IN_CHROMIUM names one. */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | null {
  const chosen = env["REFOLD_STAND_IN_CHROMIUM"];
  if (chosen !== undefined && chosen !== "") return chosen;
  for (const folder of (env["PATH"] ?? "").split(delimiter)) {
    for (const name of NAMES) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // the next one
      }
    }
  }
  return null;
}

/** Nothing of the browser that the app did not ask for: no network of its own, no questions. */
const FLAGS = [
  "--remote-debugging-pipe",
  "--no-first-run",
  "--no-default-browser-check",
  "--disable-background-networking",
  "--disable-breakpad",
  "--disable-client-side-phishing-detection",
  "--disable-component-extensions-with-background-pages",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-domain-reliability",
  "--disable-extensions",
  "--disable-field-trial-config",
  "--disable-infobars",
  "--disable-search-engine-choice-screen",
  "--disable-session-crashed-bubble",
  "--disable-sync",
  "--hide-crash-restore-bubble",
  "--metrics-recording-only",
  "--noerrdialogs",
  "--no-pings",
  "--password-store=basic",
  "--use-mock-keychain",
  // no bar in the window about the flags below
  "--test-type",
  "--class=refold",
  // no name is looked up; what a test serves itself can be reached
  "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
  "--disable-features=Translate,MediaRouter,OptimizationHints,AutofillServerCommunication,InterestFeedContentSuggestions,CertificateTransparencyComponentUpdater,DialMediaRouteProvider,GlobalMediaControls,HttpsUpgrades",
] as const;

export interface ChromiumOptions {
  readonly profile: string;
  readonly bounds: {
    readonly x?: number;
    readonly y?: number;
    readonly width: number;
    readonly height: number;
  };
  readonly backgroundColor: string;
  readonly title: string;
  /** Further switches, as app.commandLine has them. */
  readonly switches: readonly string[];
}

export interface Chromium {
  readonly process: ChildProcess;
  readonly connection: CdpConnection;
  /** Resolves when the process has ended. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** @throws Error where there is no Chromium, or no display */
export function startChromium(options: ChromiumOptions): Chromium {
  const program = findChromium();
  if (program === null) throw new Error(`no ${NAMES.join(" or ")} on PATH: install the package "chromium"`);
  const { x, y, width, height } = options.bounds;
  const blank = `<title>${options.title.replaceAll("<", "&lt;")}</title><body style="background:${options.backgroundColor}">`;
  const child = spawn(
    program,
    [
      ...FLAGS,
      // Chromium does not start its sandbox as root
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      `--user-data-dir=${options.profile}`,
      `--window-size=${width},${height}`,
      ...(x === undefined || y === undefined ? [] : [`--window-position=${x},${y}`]),
      // X first, also on Wayland where XWayland is: only there can a window be hidden
      `--ozone-platform=${(process.env["DISPLAY"] ?? "") === "" ? "wayland" : "x11"}`,
      ...options.switches,
      // an app's window has no tabs and no address; the page itself is loaded when the pipe is read
      `--app=data:text/html,${encodeURIComponent(blank)}`,
    ],
    {
      stdio: [
        "ignore",
        "ignore",
        process.env["REFOLD_STAND_IN_VERBOSE"] === undefined ? "ignore" : "inherit",
        "pipe",
        "pipe",
      ],
    },
  );
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("exit", (code, signal) => {
      resolve({ code, signal });
    });
    child.once("error", () => {
      resolve({ code: 127, signal: null });
    });
  });
  const connection = new CdpConnection(child.stdio[4] as Readable, child.stdio[3] as Writable);
  void exited.then(() => {
    connection.close();
  });
  return { process: child, connection, exited };
}
