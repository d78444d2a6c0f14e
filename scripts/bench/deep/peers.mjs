/** How each program is asked to fold what is equal in part, and what it says that it freed. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {object} Context
 * @property {string} path the program
 * @property {string} root the mounted volume
 * @property {string} work an empty directory, on another filesystem
 * @property {number} limit seconds that it may take
 *
 * @typedef {object} Adapter
 * @property {string} name the row's
 * @property {string} program which of the programs below
 * @property {string} note what is special about the settings
 * @property {(context: Context) => string[]} command
 * @property {(context: Context, output: string) => number | null} said bytes that it said it freed
 * @property {(context: Context) => { seconds?: number, limited?: boolean }} [took] where the wall time says too much
 */

const refold = (name, note, ...words) => ({
  name,
  program: "refold",
  note,
  command: ({ path, root, work }) => [
    ...[path, "dedup", root, "--yes", ...words, "--json", "--db", join(work, "db")],
  ],
  said: (_, output) => JSON.parse(output).volumes[0].predictedBytes,
});

/** duperemove and oans: one line of words at the end of the output. */
const netChange = (_, output) => {
  const found = /net change in shared extents of: (\d+)/.exec(output);
  return found === null ? null : Number(found[1]);
};
const UNITS = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
const reclaimed = (_, output) => {
  const found = /Reclaimed\s+([\d.]+) (B|KiB|MiB|GiB)/.exec(output);
  return found === null ? null : Number(found[1]) * UNITS[found[2]];
};

const duperemove = (name, program, note, ...words) => ({
  name,
  program,
  note,
  command: ({ path, root, work }) => [
    ...[path, "-r", "-d", "-q", ...words, `--hashfile=${join(work, "hashes")}`, root],
  ],
  said: netChange,
});

const PARTIAL = ["--dedupe-options=partial,same", "-b", "4096"];

/** @type {Adapter[]} */
export const adapters = [
  refold("refold", "whole files only"),
  refold("refold --deep", "the default: at most half of what goes is written anew", "--deep"),
  refold("refold --deep, all", "whatever frees anything", "--deep", "--max-rewrite", "100"),
  refold(
    "refold --deep, all, snapshots",
    "files in the read-only snapshot are folded too, which else keeps what it refers to",
    ...["--deep", "--max-rewrite", "100", "--snapshots"],
  ),
  duperemove("duperemove 0.11", "duperemove-0.11", "its default, extents; -A for the snapshot", "-A"),
  duperemove(
    "duperemove 0.11 partial",
    "duperemove-0.11",
    "parts of extents, blocks of 4 KiB",
    "-A",
    ...PARTIAL,
  ),
  duperemove("duperemove 0.15 partial", "duperemove", "parts of extents, blocks of 4 KiB", ...PARTIAL),
  {
    name: "oans partial",
    program: "oans",
    note: "parts of extents, blocks of 4 KiB",
    command: ({ path, root, work }) => [
      ...[path, "-r", "-d", "--no-color", ...PARTIAL, `--hashfile=${join(work, "hashes")}`, root],
    ],
    said: reclaimed,
  },
  {
    name: "bees",
    program: "bees",
    note:
      "a daemon that never ends: ended when it has taken next to no CPU for 6 s, which are not counted; its hash " +
      "table of 64 MiB has room for every block",
    command: ({ path, root, work, limit }) => [
      ...["sh", join(import.meta.dirname, "bees.sh"), path, root, work, String(limit)],
    ],
    said: () => null,
    took: ({ work }) => ({
      seconds: Number(readFileSync(join(work, "busy"), "utf8")) / 1000,
      limited: existsSync(join(work, "limited")),
    }),
  },
];

/**
 * @param {string} home the repository
 * @param {string} built what peers.sh filled
 * @returns {Record<string, { path: string | null, version: string, reason: string | null }>} reason: why there is
 *   none
 */
export function findPrograms(home, built) {
  const places = {
    refold: join(home, "bin/refold"),
    "duperemove-0.11": "/usr/sbin/duperemove",
    duperemove: join(built, "duperemove"),
    oans: join(built, "oans"),
    bees: join(built, "bees"),
  };
  const entries = Object.entries(places).map(([name, wanted]) => {
    const path = [wanted, wanted.replace("/sbin/", "/bin/")].find((place) => existsSync(place)) ?? null;
    const failed = join(built, `${name}.failed`);
    const reason = existsSync(failed) ? readFileSync(failed, "utf8").trim() : "it is not installed";
    return [
      name,
      path === null ? { path, version: name, reason } : { path, version: versionOf(path), reason: null },
    ];
  });
  return Object.fromEntries(entries);
}

/** The first line that it has to say; bees' is on stderr. */
function versionOf(path) {
  const { stdout, stderr } = spawnSync(path, ["--version"], { encoding: "utf8" });
  return `${stdout}${stderr}`.split("\n")[0].trim();
}
