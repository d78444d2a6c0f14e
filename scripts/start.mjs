/**
 * npm start: opens the app. On Electron where its binary is, or can be had;
 * otherwise on the stand-in, which needs a Chromium. Words after `--` go to
 * the app: npm start -- --view=history
 *
 * ELECTRON_OVERRIDE_DIST_PATH  a directory with another Electron
 * REFOLD_STAND_IN=1            the stand-in in any case
 */
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const { env } = process;
const main = join(root, "dist", "main", "main.mjs");
const BUILT = [main, "dist/preload/preload.cjs", "dist/renderer/index.html", "dist/helper/refold.cjs"];
const BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/** A network that does not answer so soon is taken for none. */
const PROBE_MS = 4000;
const DOWNLOAD_MS = 300_000;

function refuse(...lines) {
  for (const line of lines) console.error(`refold: ${line}`);
  process.exit(1);
}

function isOnPath(program) {
  return (env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The project's own Node, also where this was started without npm by an older one. */
function nodeProgram() {
  const own = join(root, "node_modules", "node", "bin", "node");
  if (existsSync(own)) return own;
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  return refuse(`it needs Node.js 24 and found ${process.versions.node}: run 'npm ci', which brings one`);
}

function installedElectron() {
  const folder = env.ELECTRON_OVERRIDE_DIST_PATH || join(root, "node_modules", "electron", "dist");
  const program = join(folder, "electron");
  return existsSync(program) ? program : null;
}

/** Whether there is a network that has Electron. */
async function isReachable(version) {
  const mirror =
    env.ELECTRON_MIRROR ||
    env.npm_config_electron_mirror ||
    "https://github.com/electron/electron/releases/download/";
  try {
    const url = `${mirror}v${version}/SHASUMS256.txt`;
    const { ok } = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(PROBE_MS) });
    return ok;
  } catch {
    return false;
  }
}

/** Tries once for each version to download it; null where that did not work, now or before. */
async function downloadedElectron(node) {
  const offline = env.npm_config_offline === "true" || env.ELECTRON_SKIP_BINARY_DOWNLOAD;
  const folder = join(root, "node_modules", "electron");
  if (offline || env.ELECTRON_OVERRIDE_DIST_PATH || !existsSync(join(folder, "install.js"))) return null;
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const tried = join(root, "node_modules", ".cache", "refold", `no-electron-${version}`);
  if (existsSync(tried)) return null;
  if (await isReachable(version)) {
    console.error(`refold: downloading Electron ${version}, once`);
    spawnSync(node, [join(folder, "install.js")], {
      stdio: ["ignore", "ignore", "inherit"],
      timeout: DOWNLOAD_MS,
    });
  }
  const program = installedElectron();
  if (program === null) {
    try {
      mkdirSync(dirname(tried), { recursive: true });
      writeFileSync(tried, "Electron could not be downloaded. Remove this file to have it tried again.\n");
    } catch {
      // node_modules belongs to somebody else: it is tried again next time
    }
  }
  return program;
}

function build() {
  if (BUILT.every((file) => existsSync(join(root, file.replace(`${root}/`, ""))))) return;
  console.error("refold: it is not built yet: building");
  const { status } = spawnSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "inherit" });
  if (status !== 0) refuse("it could not be built; what the build said is above");
}

/** Runs it as this process's stand-in: signals go on to it, and its exit code is ours. */
function run(program, words) {
  const child = spawn(program, words, { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.once("error", (error) => refuse(`${program} cannot be started: ${error.message}`));
  child.once("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
}

const words = process.argv.slice(2);
if (!env.DISPLAY && !env.WAYLAND_DISPLAY) {
  refuse(
    "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)",
    "in a terminal: bin/refold --help",
  );
}
const node = nodeProgram();
build();
const electron =
  env.REFOLD_STAND_IN === "1" ? null : (installedElectron() ?? (await downloadedElectron(node)));
if (electron !== null) {
  // Electron does not start its sandbox as root
  run(electron, [...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), main, ...words]);
} else {
  const findBrowser = () => env.REFOLD_STAND_IN_CHROMIUM || BROWSERS.find(isOnPath);
  if (!findBrowser()) spawnSync("sh", [join(root, "scripts", "setup.sh"), "app"], { stdio: "inherit" });
  const browser = findBrowser();
  if (!browser) {
    refuse(
      "there is neither Electron's binary nor a Chromium to open the app with",
      'install the package "chromium", or give the directory of an Electron in ELECTRON_OVERRIDE_DIST_PATH',
    );
  }
  console.error(
    `refold: Electron's binary is not here: opening the app on ${browser} (test/electron-stand-in)`,
  );
  const register = join(root, "test", "electron-stand-in", "register.mjs");
  run(node, ["--disable-warning=ExperimentalWarning", "--import", register, main, ...words]);
}
