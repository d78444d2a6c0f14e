/** The results as tables: for the terminal and for docs/benchmarks.md. */
import { spread } from "./measure.mjs";
import { judge } from "./targets.mjs";
import { explain } from "./why.mjs";

const mib = (bytes) => (bytes / 2 ** 20).toFixed(bytes < 100 * 2 ** 20 ? 1 : 0);
const seconds = (value) => value.toFixed(value < 1 ? 3 : value < 10 ? 2 : 1);
/** "median (least-most)"; one number where there was one run. */
function shown({ median, min, max }, format) {
  return min === max ? format(median) : `${format(median)} (${format(min)}-${format(max)})`;
}
const count = (value) => (value === null || value === undefined ? "-" : value.toLocaleString("en"));

function table(head, rows) {
  const right = head.map((_, column) => column > 0);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column].length)),
  );
  const line = (cells) =>
    `| ${cells.map((cell, k) => (right[k] ? cell.padStart(widths[k]) : cell.padEnd(widths[k]))).join(" | ")} |`;
  const rule = widths.map((width, k) => (right[k] ? `${"-".repeat(width - 1)}:` : "-".repeat(width)));
  return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}

export function scanTable(results) {
  const rows = Object.entries(results.scans).map(([name, runs]) => [
    name,
    shown(spread(runs, "seconds"), seconds),
    shown(spread(runs, "cpu"), seconds),
    mib(spread(runs, "read").median),
    mib(spread(runs, "memory").median),
    count(runs[0].groups),
  ]);
  return table(["scan", "wall, s", "CPU, s", "read, MiB", "memory, MiB", "groups"], rows);
}

export function foldTable(results) {
  const rows = Object.entries(results.folds).map(([name, runs]) => [
    name,
    shown(spread(runs, "seconds"), seconds),
    shown(spread(runs, "withSync"), seconds),
    shown(spread(runs, "cpu"), seconds),
    mib(spread(runs, "read").median),
    mib(spread(runs, "memory").median),
    shown(spread(runs, "freed"), (bytes) => (bytes / 1e6).toFixed(1)),
  ]);
  return table(["fold", "wall, s", "with sync, s", "CPU, s", "read, MiB", "memory, MiB", "freed, MB"], rows);
}

export function targetTable(results) {
  const rows = judge(results).map(({ target, measured, met, shortBy }) => [
    target,
    measured,
    met ? "yes" : `no, ${(100 * shortBy).toFixed(shortBy < 0.01 ? 1 : 0)}% short`,
  ]);
  return table(["target", "measured", "met"], rows);
}

function truthText({ corpus }) {
  const { truth } = corpus;
  return (
    `Planted: ${count(truth.groups)} groups of equal files of ${corpus.minSize} bytes or more; in ` +
    `${count(truth.reclaimableGroups)} of them at least two copies do not share their data yet, and folding ` +
    `those frees ${(truth.redundantBytes / 1e6).toFixed(1)} MB.`
  );
}

/** @returns {string} what the terminal shows */
export function renderText(results) {
  const parts = [truthText(results)];
  if (Object.keys(results.scans).length > 0) parts.push(scanTable(results));
  if (Object.keys(results.folds).length > 0) parts.push(foldTable(results));
  parts.push(targetTable(results));
  return parts.join("\n\n");
}

/** @returns {string} the part of the README that is between its bench marks */
export function renderReadme(results) {
  const { corpus, machine } = results;
  const middle = (runs, field) => spread(runs, field).median;
  const scans = Object.entries(results.scans).filter(
    ([name]) => !name.startsWith("walk") && name !== "refold --version",
  );
  const scanRows = scans.map(([name, runs]) => [
    name,
    `${seconds(middle(runs, "seconds"))} s`,
    `${mib(middle(runs, "read"))} MiB`,
    `${mib(middle(runs, "memory"))} MiB`,
  ]);
  const foldRows = Object.entries(results.folds).map(([name, runs]) => [
    name,
    `${seconds(middle(runs, "seconds"))} s`,
    `${mib(middle(runs, "read"))} MiB`,
    `${(middle(runs, "freed") / 1e6).toFixed(1)} MB`,
  ]);
  return `Medians of ${results.rounds} runs, cold, on ${count(corpus.files)} files, ${(corpus.truth.bytes / 2 ** 30).toFixed(1)} GiB, about a quarter of it duplicates; ${machine.cores} cores.
The storage below gives ${(machine.readRate / 1e9).toFixed(1)} GB/s, uncached.

${table(["scan", "time", "read from disk", "memory"], scanRows)}

${table(["fold", "time", "read from disk", "freed"], foldRows)}
`;
}

function whyText(results) {
  const reasons = explain(results, judge(results));
  return reasons.length === 0 ? "" : `\n${reasons.map((reason) => `- ${reason}`).join("\n")}\n`;
}

/** @returns {string} docs/benchmarks.md */
export function renderMarkdown(results) {
  const { machine, corpus } = results;
  const every = [...Object.values(results.scans), ...Object.values(results.folds)].flat();
  const disturbed = every.filter((run) => run.foreign > 0.1).length;
  const versions = results.tools.map((tool) => `- ${tool.name}: ${tool.version}`);
  const command = (words, note) =>
    words === null ? [] : [`- \`${words}\`${note === null ? "" : `: ${note}`}`];
  const commands = results.tools.flatMap((tool) => [
    ...command(tool.scanCommand, tool.scanNote),
    ...command(tool.foldCommand, tool.foldNote),
  ]);
  return `# Benchmarks

Written by \`sudo npm run bench\` on ${machine.date}; do not edit by hand. Figures are medians of
${results.rounds} runs, with the least and the most in brackets.

What the desktop app takes to start, to open a review and to scroll it is in [benchmarks-app.md](benchmarks-app.md).
Files that are equal in part (\`--deep\`), beside programs that look for them too: [benchmarks-deep.md](benchmarks-deep.md).

${targetTable(results)}
${whyText(results)}
## Scans

${truthText(results)}
Refold counts the latter groups only; the other tools count all of them.

${scanTable(results)}

*walk* is \`native/bench/walk.c\`: a C program that asks the kernel for every item of the subvolume trees and of
the checksum tree, and does nothing else: the floor for any scan that takes this road. *nothing changed* is the
same \`refold scan\` again, cold and then warm. *--version* is what starting the program costs. *wall* is the
whole command, its start included.

## Folds

${foldTable(results)}

*freed* is the fall of the data bytes in use that \`btrfs filesystem df\` shows, after a sync. *with sync* is the
command and the \`btrfs filesystem sync\` after it: a tool that ends before its work is on disk pays there.

## How it was measured

- Corpus: ${count(corpus.files)} files, ${(corpus.truth.bytes / 2 ** 30).toFixed(2)} GiB, in three subvolumes, made from seed ${results.seed} by
  \`scripts/bench/corpus.mjs\`: 70% of the files below 16 KiB, the biggest about 60 MiB,
  ${((100 * corpus.truth.duplicateBytes) / corpus.truth.bytes).toFixed(0)}% of the bytes duplicates, content incompressible; some files of equal size and unequal content,
  some that differ in their last byte, some copies that are reflinks already. crc32c, no compression.
- Volume: btrfs with mkfs's defaults in an image on ${machine.below}, through a loop device, mounted noatime. Read from its
  beginning, uncached, the image comes at ${(machine.readRate / 1e9).toFixed(1)} GB/s.
- Cold: before each run the volume is unmounted, \`sync\`, \`echo 3 > /proc/sys/vm/drop_caches\`, mounted; then
  the program is called with \`--version\`, so that its binaries are in memory and the data is not.
- Order: A B C, A B C, ...; each fold on a fresh copy of the image.
- *read* is what the device's own counters say (\`/sys/block/loopN/stat\`). *memory* is the largest resident size
  of the process and all it started, together (\`native/bench/measure.c\`).
- Each run waited for an idle machine. In ${disturbed} of the ${every.length} runs other programs took more than a tenth of a core
  meanwhile.
- Machine: ${machine.cpu}, ${machine.cores} cores, ${(machine.memory / 2 ** 30).toFixed(0)} GiB; ${machine.system}, Linux ${machine.kernel},
  ${machine.btrfs}, Node ${machine.node}.

Versions:

${versions.join("\n")}

Commands (VOLUME is the mount, WORK an empty directory elsewhere):

${commands.join("\n")}
`;
}
