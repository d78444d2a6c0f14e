/** The results of the scale bench as docs/benchmarks-scale.md. */
import { added, beyondWalk, judge, SCRIPTS } from "./targets.mjs";

const count = (value) => value.toLocaleString("en");
const seconds = (value) => value.toFixed(value < 10 ? 3 : 1);
const mb = (bytes) => (bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0);

function table(head, rows) {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column].length)),
  );
  const pad = (cell, k) => (k > 0 ? cell.padStart(widths[k]) : cell.padEnd(widths[k]));
  const line = (cells) => `| ${cells.map(pad).join(" | ")} |`;
  const rule = widths.map((width, k) => (k > 0 ? `${"-".repeat(width - 1)}:` : "-".repeat(width)));
  return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}

function runTable(runs, columns) {
  const shown = Object.entries(runs).filter(([name]) => !SCRIPTS.has(name));
  const rows = shown.map(([name, run]) => [
    name,
    run.least === undefined || run.least === run.most
      ? seconds(run.seconds)
      : `${seconds(run.seconds)} (${seconds(run.least)}-${seconds(run.most)})`,
    seconds(run.cpu),
    mb(run.read),
    mb(run.memory),
    ...columns.map(([, show]) => show(run)),
  ]);
  const head = ["", "wall, s", "CPU, s", "read, MB", "memory, MB", ...columns.map(([title]) => title)];
  return table(head, rows);
}

const ROWS = [
  ["rows", (run) => (run.rows === undefined ? "-" : count(run.rows))],
  ["index, MB", (run) => (run.databaseBytes === undefined ? "-" : mb(run.databaseBytes))],
];

function targetTable(results) {
  return table(
    ["target", "measured", "met", "from the limit"],
    judge(results).map(({ target, measured, met, distance }) => [
      target,
      measured,
      met ? "yes" : "no",
      distance,
    ]),
  );
}

/** Where it went, of each target. */
function whyList(results) {
  return judge(results)
    .map(({ target, met, why }) => `- ${met ? "met" : "**missed**"}: ${target}: ${why}.`)
    .join("\n");
}

function sizeTable({ count: files, runs }) {
  const { tables, databaseBytes } = runs["full scan, cold"];
  const rows = [{ name: "all", bytes: databaseBytes }, ...tables.filter(({ bytes }) => bytes >= files / 10)];
  return table(
    ["table or index", "MB", "bytes a file"],
    rows.map(({ name, bytes }) => [name, mb(bytes), (bytes / files).toFixed(1)]),
  );
}

function reviewTable({ runs: { review, "groups --limit 100": groups } }) {
  const ms = (value) => value.toFixed(0);
  return table(
    ["", "ms"],
    [
      ["`refold groups --limit 100`, the start of the program included", ms(groups.seconds * 1000)],
      [`review of ${count(review.groups)} groups: open, sum and first page`, ms(review.openMs)],
      ["everything loaded, names and all", ms(review.loadedMs)],
      ["a page further down", review.pageMs.toFixed(1)],
      ["sorted otherwise, first page", review.sortMs.toFixed(1)],
      [`sum after ${count(review.tickedGroups)} groups were ticked or unticked`, review.tickMs.toFixed(1)],
    ],
  );
}

function filesPart(files) {
  const { count: number, changes, runs } = files;
  const cost = (temperature, field) => beyondWalk(files, temperature, field).toFixed(1);
  const { groups, duplicateFiles } = runs["full scan, cold"];
  return `## ${count(number)} files

Files of 4 to 64 KiB, most of them small, two hundred to a folder; a fifth are copies, a fiftieth are clones, a
tenth have one size. ${count(duplicateFiles)} of them are in ${count(groups)} groups.

${runTable(runs, ROWS)}

*walk* is \`native/bench/walk.c\`, which asks the kernel for every item of the subvolume trees and of the checksum
tree and does nothing else. Beyond it a full scan takes ${cost("cold", "seconds")} microseconds a file cold and
${cost("warm", "seconds")} warm; of processor time ${cost("cold", "cpu")} and ${cost("warm", "cpu")}. Of ${count(changes)} changed files nine in ten were
written in place and one in ten was removed and made anew: *together* in neighbouring folders, *scattered* evenly over
all of the volume. *memory* is the largest resident set of the process; ${mb(runs.review.memory)} MB for the review with all loaded.

${sizeTable(files)}

${reviewTable(files)}
`;
}

function snapshotsPart(snapshots) {
  const { count: number, snapshots: some, few, runs } = snapshots;
  const part = (what, field) => `${(100 * added(snapshots, what, field)).toFixed(1)} %`;
  return `## ${count(number)} files with ${count(some)} snapshots

The same steps without snapshots, with ${count(some)} read-only snapshots of the unchanged subvolume, and with ${count(some)} between
which ${count(few)} files were changed each time. Warm unless it says cold.

${runTable(runs, ROWS)}

Against the volume without snapshots the ${count(some)} unchanged ones add ${part("nothing changed", "rows")} of rows,
${part("nothing changed", "seconds")} to a rescan with nothing changed (processor time: ${part("nothing changed", "cpu")}), and
${part("full scan", "seconds")} to a full scan, of which the kernel's part is in *walk*.
`;
}

/** @returns {string} what the terminal shows */
export function renderText(results) {
  const { files, snapshots } = results;
  return [
    ...(files === null ? [] : [runTable(files.runs, ROWS), sizeTable(files), reviewTable(files)]),
    ...(snapshots === null ? [] : [runTable(snapshots.runs, ROWS)]),
    targetTable(results),
    whyList(results),
  ].join("\n\n");
}

/** @returns {string} docs/benchmarks-scale.md */
export function renderMarkdown(results) {
  const { machine, files, snapshots } = results;
  const runs = [...Object.values(files.runs), ...Object.values(snapshots.runs)];
  const disturbed = runs.filter((run) => run.foreign > 0.1).length;
  return `# Benchmarks: very many files

Written by \`sudo npm run bench:scale\` on ${machine.date}; do not edit by hand. Each run is a process of its own;
of three the one that takes the median time counts, with the most memory that any took, and the least and the most time are
in brackets. What comes once in a volume's history was run once. Compiled code of the program is kept between runs, as an installed Refold keeps it.
All figures are in \`benchmarks-scale.json\`. ${
    disturbed === 0
      ? "No other program took part of the processor meanwhile."
      : `In ${disturbed} of ${runs.length} runs other programs took more than a tenth of a core: the times there are too high.`
  }

${targetTable(results)}

Where the time went, by the account of the scan itself (\`scan --verbose\`). *trees*: reading the subvolume trees, and
writing what is in them to the index. *extents*: counting references of extents. *contents*: checksums, comparing,
groups. *indexes*: sorting what files are looked up by, in a first scan. *sums*: what all groups give back together.
*commit*: writing the index to the disk.

${whyList(results)}

${filesPart(files)}
${snapshotsPart(snapshots)}
## The machine

${machine.cpu}, ${machine.cores} cores, ${(machine.memory / 2 ** 30).toFixed(0)} GiB of memory; Linux ${machine.kernel}, ${machine.system};
${machine.btrfs}; the images lie on ${machine.below}. Node ${machine.node}. The whole bench took ${results.seconds} s.
`;
}
