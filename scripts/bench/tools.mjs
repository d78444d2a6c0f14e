/**
 * How each program is asked to scan and to fold, and how its answer is read.
 * Every one gets what it does best on whole files: where there was a choice of
 * settings, the choice is explained in `note` and printed with the results.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Files below this are left out by every tool that can be told to: Refold's own default. */
export const MIN_SIZE = 4096;

/**
 * @typedef {object} Adapter
 * @property {string} program the command's usual name
 * @property {(path: string) => string} version
 * @property {string} [scanNote]
 * @property {string} [foldNote]
 * @property {(context: Context) => string[]} [scan]
 * @property {(context: Context) => { groups: number | null, reclaimable?: number | null }} [answer]
 * @property {(context: Context) => string[]} [fold]
 *
 * @typedef {object} Context
 * @property {string} path the program
 * @property {string} root the mounted volume
 * @property {string} work an empty directory, on another filesystem
 * @property {string} output what the program wrote to stdout, as a file
 */

const firstLine = (path, ...args) => execFileSync(path, args, { encoding: "utf8" }).split("\n")[0].trim();
const countLines = (path, pattern) => readFileSync(path, "latin1").match(pattern)?.length ?? 0;
const quote = (word) => `'${word.replaceAll("'", "'\\''")}'`;

/** @type {Record<string, Adapter>} */
export const adapters = {
  refold: {
    program: "refold",
    version: (path) => firstLine(path, "--version"),
    scan: ({ path, root, work }) => [path, "scan", root, "--db", join(work, "db"), "--json"],
    answer: ({ output }) => {
      const [volume] = JSON.parse(readFileSync(output, "utf8")).volumes;
      return { groups: volume.groups, reclaimable: volume.reclaimableBytes };
    },
    fold: ({ path, root, work }) => [path, "dedup", root, "--yes", "--db", join(work, "db"), "--json"],
  },
  jdupes: {
    program: "jdupes",
    version: (path) => firstLine(path, "-v"),
    scan: ({ path, root }) => [path, "-r", "-q", "-X", `size+=:${MIN_SIZE}`, root],
    // Sets are parted by an empty line, the last of them not always.
    answer: ({ output }) => ({ groups: countLines(output, /[^\n](?=\n\n|\n$)/g) }),
    fold: ({ path, root }) => [path, "-r", "-q", "-B", "-X", `size+=:${MIN_SIZE}`, root],
  },
  duperemove: {
    program: "duperemove",
    version: (path) => firstLine(path, "--version"),
    scanNote: "groups extents, not files, so its groups cannot be counted against the others'",
    foldNote: "its default blocks of 128 KiB",
    scan: ({ path, root, work }) => [path, "-r", "-q", `--hashfile=${join(work, "hashes")}`, root],
    answer: () => ({ groups: null }),
    fold: ({ path, root, work }) => [path, "-r", "-d", "-q", `--hashfile=${join(work, "hashes")}`, root],
  },
  // What 128 KiB blocks do not reach, at the price of hashing 32 times as many.
  "duperemove-4k": {
    program: "duperemove",
    version: (path) => firstLine(path, "--version"),
    foldNote: "the same with blocks of 4 KiB",
    fold: ({ path, root, work }) => [
      ...[path, "-r", "-d", "-q", "-b", "4096", `--hashfile=${join(work, "hashes")}`, root],
    ],
  },
  rmlint: {
    program: "rmlint",
    version: (path) =>
      /version\s+([\d.]+)/.exec(versionText(path))?.[0].replace("version", "rmlint") ?? "rmlint",
    foldNote: "the scan, then the script it writes (sh:handler=clone), which calls rmlint once a file",
    scan: ({ path, root, work }) => [
      ...[path, "-T", "df", "-s", String(MIN_SIZE), "-VVV"],
      ...["-o", `json:${join(work, "found.json")}`, root],
    ],
    answer: ({ work }) => {
      const found = JSON.parse(readFileSync(join(work, "found.json"), "utf8"));
      return { groups: found.filter((entry) => entry.type === "duplicate_file" && entry.is_original).length };
    },
    fold: ({ path, root, work }) => {
      const script = join(work, "rmlint.sh");
      const scan = [path, "-T", "df", "-s", String(MIN_SIZE), "-VVV", "-o", `sh:${script}`];
      const words = [...scan, "-c", "sh:handler=clone", root].map(quote).join(" ");
      return ["sh", "-c", `cd ${quote(work)} && ${words} && sh ${quote(script)} -d -q`];
    },
  },
  rdfind: {
    program: "rdfind",
    version: (path) => `rdfind ${firstLine(path, "--version").replace(/^.*?([\d.]+)$/, "$1")}`,
    scan: ({ path, root, work }) => [
      ...[
        path,
        "-dryrun",
        "true",
        "-minsize",
        String(MIN_SIZE),
        "-outputname",
        join(work, "results.txt"),
        root,
      ],
    ],
    answer: ({ work }) => ({ groups: countLines(join(work, "results.txt"), /^DUPTYPE_FIRST_OCCURRENCE /gm) }),
  },
};

/** rmlint says its version on stderr. */
function versionText(path) {
  return execFileSync("sh", ["-c", `${quote(path)} --version 2>&1`], { encoding: "utf8" });
}

/**
 * The tools to measure: Refold, those of the distribution that are installed, and those named by hand.
 * @param {string} refold path of the launcher
 * @param {string[]} named NAME=PATH, NAME beginning with a known program ("jdupes-1.31=/opt/jdupes")
 * @param {string[] | null} only names to keep; null for all
 * @returns {{ name: string, path: string, version: string, adapter: Adapter }[]}
 */
export function findTools(refold, named, only) {
  const found = [];
  const add = (name, path, adapter) => {
    if (only?.includes(name) ?? true) found.push({ name, path, adapter, version: adapter.version(path) });
  };
  if (existsSync(refold)) add("refold", refold, adapters.refold);
  for (const [name, adapter] of Object.entries(adapters)) {
    if (name === "refold") continue;
    const path = which(adapter.program);
    if (path !== null) add(name, path, adapter);
  }
  for (const word of named) {
    const [name, path] = word.split(/=(.*)/s);
    // The longest: duperemove-4k-0.15 is a duperemove-4k.
    const known = Object.keys(adapters).filter((prefix) => name.startsWith(prefix));
    const adapter = adapters[known.sort((a, b) => b.length - a.length)[0]];
    if (adapter === undefined || path === undefined || !existsSync(path)) {
      throw new Error(
        `--tool ${word}: want NAME=PATH, NAME beginning with ${Object.keys(adapters).join(", ")}`,
      );
    }
    add(name, path, adapter);
  }
  return found;
}

function which(program) {
  for (const folder of ["/usr/bin", "/usr/local/bin", "/usr/sbin", "/usr/local/sbin"]) {
    if (existsSync(join(folder, program))) return join(folder, program);
  }
  return null;
}
