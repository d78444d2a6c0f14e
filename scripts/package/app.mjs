/**
 * npm run package: the desktop app's packages, with electron-builder.
 *
 *     node scripts/package/app.mjs [--electron DIRECTORY] [--builder PROGRAM] [TARGET...]
 *
 * TARGET: deb, rpm, pacman, AppImage (all four without one), or dir, which is
 * the unpacked app alone. --electron: the folder of an unpacked Electron; without it electron-builder
 * downloads one. Needs dist/ (npm run build), and electron-builder in node_modules, on PATH or named.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { packageTime, put, settle, stage } from "./stage.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
/** Made by fpm, which lays the staged tree into the root directory. */
const INSTALLED = ["deb", "rpm", "pacman"];
const TARGETS = [...INSTALLED, "AppImage", "dir"];

const { values, positionals } = parseArgs({
  options: {
    electron: { type: "string" },
    builder: { type: "string" },
    output: { type: "string", default: join(root, "release") },
  },
  allowPositionals: true,
});
const targets = positionals.length > 0 ? positionals : TARGETS.filter((name) => name !== "dir");
const unknown = targets.filter((name) => !TARGETS.includes(name));
if (unknown.length > 0)
  throw new Error(`no such target: ${unknown.join(", ")} (there are ${TARGETS.join(", ")})`);
const electron = values.electron === undefined ? [] : [`-c.electronDist=${resolve(values.electron)}`];
const output = resolve(values.output);
process.chdir(root);
if (!existsSync("dist/main/main.mjs")) throw new Error("the app is not built yet: npm run build");
const architecture = { x64: "amd64", arm64: "arm64" }[process.arch];
if (architecture === undefined) throw new Error(`there is no package for ${process.arch}`);

process.umask(0o022);
const { version } = JSON.parse(readFileSync("package.json", "utf8"));
const time = packageTime(root);
const tree = join(root, "release/stage/root");
await stageApp();

const installed = targets.filter((name) => INSTALLED.includes(name));
if (installed.length > 0) build(installed, []);
if (targets.includes("dir")) build(["dir"], []);
// it cannot be started as root out of its own mount: it carries what it would install
if (targets.includes("AppImage")) {
  build(["AppImage"], ["-c.extraResources.from=release/stage/root", "-c.extraResources.to=root"]);
}

/** The helper's tree, and what the desktop looks for. */
async function stageApp() {
  const scratch = mkdtempSync(join(tmpdir(), "refold-package-"));
  try {
    await stage({ root, target: tree, scratch, version, time, architecture });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const id = "org.refold.Refold";
  const date = new Date(time * 1000).toISOString().slice(0, 10);
  const metainfo = readFileSync(`packaging/desktop/${id}.metainfo.xml`, "utf8");
  put(
    tree,
    `usr/share/metainfo/${id}.metainfo.xml`,
    metainfo.replace("@VERSION@", version).replace("@DATE@", date),
  );
  for (const size of readdirSync("assets/hicolor")) {
    cpSync(`assets/hicolor/${size}`, join(tree, "usr/share/icons/hicolor", size), { recursive: true });
  }
  put(tree, `usr/share/icons/hicolor/scalable/apps/${id}.svg`, readFileSync("assets/icon.svg"));
  put(
    tree,
    `usr/share/icons/hicolor/symbolic/apps/${id}-symbolic.svg`,
    readFileSync("assets/icon-symbolic.svg"),
  );
  settle(tree, time);
}

function build(names, more) {
  const own = join(root, "node_modules/electron-builder/cli.js");
  const found = existsSync(own) ? [process.execPath, own] : ["electron-builder"];
  const [program, ...first] = values.builder === undefined ? found : [values.builder];
  const words = [
    ...first,
    "--linux",
    ...names,
    "--publish=never",
    ...electron,
    `-c.directories.output=${output}`,
    ...more,
  ];
  const run = spawnSync(program, words, {
    stdio: "inherit",
    env: { ...process.env, SOURCE_DATE_EPOCH: String(time) },
  });
  if (run.error !== undefined)
    throw new Error(`${program}: ${run.error.message}: is electron-builder installed?`);
  if (run.status !== 0) process.exit(run.status ?? 1);
}
