/** Lays out what every package of Refold puts on a machine, the app apart. */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { build, mergeConfig } from "vite";
import helperConfig from "../../vite.helper.config.ts";
import { bashCompletion, fishCompletion, zshCompletion } from "./completions.mjs";
import { manPage } from "./man.mjs";
import { describe, loadProgram } from "./program.mjs";

const LIBRARY = "usr/lib/refold";

/** Runs a program; what it says is shown where it fails. @throws Error then */
export function runTool(program, words, options = {}) {
  const run = spawnSync(program, words, { encoding: "utf8", maxBuffer: 64 << 20, ...options });
  if (run.error !== undefined) throw new Error(`${program}: ${run.error.message}`);
  if (run.status !== 0)
    throw new Error(`${program} ${words.join(" ")}: exit ${run.status}: ${run.stderr}${run.stdout}`);
  return run.stdout;
}

/** Seconds since the epoch that every file and date of a package has. */
export function packageTime(root) {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined) {
    if (!/^\d+$/.test(given)) throw new Error(`SOURCE_DATE_EPOCH is no number of seconds: ${given}`);
    return Number(given);
  }
  return Number(runTool("git", ["-C", root, "log", "-1", "--format=%ct"]).trim());
}

/** gzip with no name and no time in it. */
export const gzip = (text) => gzipSync(text, { level: 9 });

function put(root, path, content, mode = 0o644) {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
}

/** The C library, built from a copy so that its debug paths are not this machine's. */
function buildNative(root, scratch) {
  const copy = join(scratch, "native");
  cpSync(join(root, "native"), copy, {
    recursive: true,
    filter: (path) => relative(join(root, "native"), path) !== "build",
  });
  const flags = `-O2 -g -ffile-prefix-map=${copy}=native`;
  // stdout stays ours: make says each command it runs
  runTool("make", ["-s", "-C", copy, `CFLAGS=${flags}`]);
  return join(copy, "build/librefold.so");
}

async function buildHelper(root, outDir) {
  await build(
    mergeConfig(helperConfig, {
      root,
      configFile: false,
      logLevel: "warn",
      build: {
        outDir,
        emptyOutDir: true,
        sourcemap: false,
        rolldownOptions: { input: { unattended: "src-helper/unattended/main.ts" } },
      },
    }),
  );
}

/** Only what runs here: no sources, no other platforms' binaries. */
function copyModules(root, target, architecture) {
  const platform = { amd64: "x64", arm64: "arm64" }[architecture];
  const koffi = `@koromix/koffi-linux-${platform}`;
  const native = koffi.replace("@koromix/koffi-", "").replace("-", "_");
  const wanted = {
    "better-sqlite3": ["package.json", "LICENSE", "lib", `prebuilds/linux-${platform}.node`],
    koffi: [
      "package.json",
      "LICENSE.txt",
      "index.js",
      "index.cjs",
      "indirect.js",
      "indirect.cjs",
      "lib",
      "src/koffi",
    ],
    [koffi]: ["package.json", "index.js", `${native}/koffi.node`],
  };
  for (const [name, paths] of Object.entries(wanted)) {
    for (const path of paths) {
      const from = join(root, "node_modules", name, path);
      const unwanted =
        /\.(cc|cpp|h|hh|hpp|inc|S|asm|txt|md|d\.ts)$|\/(win32|linuxmusl|darwin)-|\/(trampolines\.cjs|uv\.def|abi|native)$/;
      cpSync(from, join(target, name, path), {
        recursive: true,
        filter: (file) => file === from || !unwanted.test(file),
      });
    }
  }
}

/** Files 0644, or 0755 where they are programs; directories 0755; in one time. */
function settle(directory, time) {
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const isProgram =
      entry.isFile() &&
      (readFileSync(path).subarray(0, 2).toString() === "#!" || path.endsWith(`${LIBRARY}/node`));
    chmodSync(path, entry.isDirectory() || isProgram ? 0o755 : 0o644);
  }
  chmodSync(directory, 0o755);
  runTool("find", [directory, "-depth", "-exec", "touch", "--no-dereference", `--date=@${time}`, "{}", "+"]);
}

/**
 * Everything below `target`, as it is to lie below the root directory: the
 * helper with its Node, /usr/bin/refold, man pages, completions, the systemd
 * units and the polkit policy.
 *
 * @param {{ root: string, target: string, scratch: string, version: string, time: number, architecture: "amd64" | "arm64" }} options
 */
export async function stage({ root, target, scratch, version, time, architecture }) {
  rmSync(target, { recursive: true, force: true });
  const library = join(target, LIBRARY);
  const packaging = join(root, "packaging");
  await buildHelper(root, join(library, "helper"));
  copyModules(root, join(library, "helper/node_modules"), architecture);
  cpSync(buildNative(root, scratch), join(library, "helper/librefold.so"));
  cpSync(join(root, "node_modules/node/bin/node"), join(library, "node"));
  const binaries = runTool("find", [
    library,
    "(",
    "-name",
    "*.so",
    "-o",
    "-name",
    "*.node",
    "-o",
    "-path",
    `${library}/node`,
    ")",
    "-type",
    "f",
  ]);
  // the symbols that others link to stay: they are in .dynsym
  runTool("strip", ["--strip-unneeded", "--remove-section=.comment", ...binaries.trim().split("\n")]);

  for (const name of ["refold-observe", "refold-manage", "refold-unattended"]) {
    put(library, name, readFileSync(join(packaging, "launchers", name)));
  }
  put(target, "usr/bin/refold", readFileSync(join(packaging, "launchers/refold")));
  const policy = "org.refold.Refold.policy";
  put(target, `usr/share/polkit-1/actions/${policy}`, readFileSync(join(packaging, "polkit", policy)));
  for (const unit of ["refold-dedup.service", "refold-dedup.timer"]) {
    put(target, `usr/lib/systemd/system/${unit}`, readFileSync(join(packaging, "systemd", unit)));
  }

  const program = describe(await loadProgram(root, version));
  const date = new Date(time * 1000).toISOString().slice(0, 10);
  put(target, "usr/share/man/man1/refold.1.gz", gzip(manPage(program, { version, date })));
  const rules = readFileSync(join(packaging, "man/refold-rules.5"), "utf8");
  put(
    target,
    "usr/share/man/man5/refold-rules.5.gz",
    gzip(rules.replace("@DATE@", date).replace("@VERSION@", version)),
  );
  put(target, "usr/share/bash-completion/completions/refold", bashCompletion(program));
  put(target, "usr/share/zsh/vendor-completions/_refold", zshCompletion(program));
  put(target, "usr/share/fish/vendor_completions.d/refold.fish", fishCompletion(program));
  settle(target, time);
}

export { put, settle };
