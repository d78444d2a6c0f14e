/** docs/benchmarks-live.md: what the live figure costs, and how soon it follows. */

const number = (value, digits = 1) =>
  value === 0 ? "0" : value.toFixed(value < 10 ? Math.max(digits, value < 1 ? 2 : digits) : 0);
const mib = (bytes) => `${number(bytes / 2 ** 20)} MiB`;

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, k) => (k === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.length === 0 ? null : sorted[Math.floor(sorted.length / 2)];
}

/** What is synced is to be in the figure so soon: seconds. */
const TARGET = 60;

const delaysOf = (run, synced) =>
  run.delays.filter((one) => one.synced === synced).map(({ seconds }) => seconds ?? Infinity);

/** "41 s, 47 s (3)" */
function delays(run, synced) {
  const all = delaysOf(run, synced);
  const known = all.filter(Number.isFinite);
  if (all.length === 0) return "";
  if (known.length < all.length)
    return `${String(all.length - known.length)} of ${String(all.length)} not in time`;
  return `${median(known).toFixed(0)} s, ${Math.max(...known).toFixed(0)} s (${String(known.length)})`;
}

function target(run) {
  const all = delaysOf(run, true);
  return all.length === 0 ? "" : Math.max(...all) < TARGET ? "met" : "**not met**";
}

const writes = ({ grow, pairs }) =>
  [
    grow > 0 ? `${grow.toLocaleString("en")} files a minute grow` : null,
    pairs ? "three new pairs in two minutes" : null,
  ]
    .filter(Boolean)
    .join(", ") || "nothing";

/** @returns {string} the page */
export function renderLive({ runs, machine, load }) {
  const [first] = runs;
  const short = first.minutes < 59;
  return `# Benchmarks of the live figure

Written by \`sudo npm run bench:live\` on ${machine.date}; do not edit by hand. All figures are in \`benchmarks-live.json\`.

The app's core and its helper run beside a volume of ${first.files.toLocaleString("en")} files that somebody writes to. Refold's databases lie on that volume
too, as they do where / is a btrfs: its own writing is part of what it has to look at.
${short ? `\nMeasured for ${number(first.minutes, 0)} minutes each; figures an hour are extrapolated from that.\n` : ""}
## What it costs in an hour

${table(
  [
    "written meanwhile",
    "live scans",
    "of them with news",
    "CPU of the app",
    "CPU of the helper",
    "written by both",
  ],
  runs.map((run) => [
    writes(run),
    number(run.scans, 0),
    number(run.found, 0),
    `${number(run.cpuMain)} s`,
    `${number(run.cpuHelper)} s`,
    mib(run.written),
  ]),
)}

A live scan took ${runs
    .filter(({ scanMs }) => scanMs.length > 0)
    .map((run) => `${median(run.scanMs).toFixed(0)} ms (${writes(run)})`)
    .join("; ")}, by the clock, with the list of volumes after it where it found something.

## How soon the figure follows

Median and longest, and of how many, from the write of a pair of equal files until the state that tray and window show has it.

${table(
  [
    "written meanwhile",
    "the pair was synced",
    `target: the longest below ${String(TARGET)} s`,
    "the pair was left to the kernel",
  ],
  runs
    .filter(({ pairs }) => pairs)
    .map((run) => [writes(run), delays(run, true), target(run), delays(run, false)]),
)}

What is left to the kernel is written back after some 35 seconds and committed 30 seconds later: that is in the
right-hand column. No live scan makes the filesystem write sooner. "Not in time": the figure did not have the pair before
the end of the measurement. Live scans have one part in fifty of the time, so the target is for volumes where one takes no
more than a second; where one takes three, they are two and a half minutes apart.

## How it was measured

${machine.cpu}, ${String(machine.cores)} cores, Linux ${machine.kernel}, ${machine.system}, Node ${machine.node}. Each line is a volume, an app and a helper of its own, all at the same
time; a load average of ${load.toFixed(1)} when they ended${load > machine.cores / 2 ? ": **the machine was busy with other things**, which the clock's figures have in them" : ""}. That the machine is idle and on mains power is taken as given. CPU is
user and system time of the processes; bytes are what they wrote (\`write_bytes\` of /proc/PID/io), metadata of the filesystem apart. The app is its core without window and tray.
`;
}
