/** The results of the deep bench as tables: for the terminal and for docs/benchmarks-deep.md. */
import { spread } from "../measure.mjs";
import { KINDS } from "./corpus.mjs";

const mib = (bytes) => (bytes / 2 ** 20).toFixed(bytes < 100 * 2 ** 20 ? 1 : 0);
const mb = (bytes) => (bytes / 1e6).toFixed(1);
const seconds = (value) => value.toFixed(value < 10 ? 2 : 1);
const percent = (share) => `${(100 * share).toFixed(1)}%`;
const shown = ({ median, min, max }, format) =>
  min === max ? format(median) : `${format(median)} (${format(min)}-${format(max)})`;

function table(head, rows) {
  const widths = head.map((title, k) => Math.max(title.length, ...rows.map((row) => row[k].length)));
  const line = (cells) =>
    `| ${cells.map((cell, k) => (k > 0 ? cell.padStart(widths[k]) : cell.padEnd(widths[k]))).join(" | ")} |`;
  const rule = widths.map((width, k) => (k > 0 ? `${"-".repeat(width - 1)}:` : "-".repeat(width)));
  return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}

/** What a row said that it would free, or had freed, against what it did. */
function claim(runs) {
  const [{ said, freed }] = runs;
  if (said === null || said === undefined) return ["-", "-"];
  return [mb(said), freed === 0 ? "-" : `${(said / freed).toFixed(3)} times`];
}

export function resultTable({ corpus, rows }) {
  const [all] = corpus.redundant;
  const measured = rows.filter(({ runs }) => runs.length > 0);
  const cells = measured.map(({ name, runs }) => {
    const freed = spread(runs, "freed");
    return [
      runs.some(({ limited }) => limited) ? `${name} (ended)` : name,
      shown(spread(runs, "seconds"), seconds),
      shown(spread(runs, "withSync"), seconds),
      seconds(spread(runs, "cpu").median),
      mib(spread(runs, "memory").median),
      mib(spread(runs, "read").median),
      shown(freed, mb),
      percent(freed.median / all),
      ...claim(runs),
    ];
  });
  const head = ["", "wall, s", "with sync, s", "CPU, s", "memory, MiB", "read, MiB"];
  return table([...head, "freed, MB", "of what is there", "said, MB", "said : freed"], cells);
}

function truthText({ corpus }) {
  const [all, long] = corpus.redundant;
  const share = percent(all / corpus.used);
  return (
    `Of the ${mb(corpus.used)} MB on disk ${mb(all)} MB (${share}) are there more than once, block by block; ` +
    `${mb(long)} MB of them in runs of ${corpus.runs[1] / 1024} KiB and more. That is found by reading everything ` +
    `(\`test/deep/truth.ts\`), with no code of Refold's.`
  );
}

/** @returns {string} what the terminal shows */
export function renderText(results) {
  const missing = results.rows.filter(({ runs }) => runs.length === 0);
  const notes = missing.map(({ name, reason }) => `${name}: not measured: ${reason}`);
  return [truthText(results), resultTable(results), ...notes].join("\n\n");
}

const unique = (list) => [...new Set(list)];

/** @returns {string} docs/benchmarks-deep.md */
export function renderMarkdown(results) {
  const { machine, corpus, rows } = results;
  const all = rows.flatMap(({ runs }) => runs);
  const disturbed = all.filter((run) => run.foreign > 0.1).length;
  const kinds = Object.values(KINDS).map(
    ({ share, words }) => `- ${percent(share).replace(".0", "")}: ${words}`,
  );
  const missing = rows.filter(({ runs }) => runs.length === 0);
  const ended = rows.filter(({ runs }) => runs.some(({ limited }) => limited));
  const versions = unique(
    rows.filter(({ runs }) => runs.length > 0).map(({ program, version }) => `- ${program}: ${version}`),
  );
  const settings = rows.map(
    ({ name, note, command }) => `- ${name}: ${note}${command === null ? "" : `: \`${command}\``}`,
  );
  const left = [
    ...missing.map(({ name, reason }) => `- ${name} is not measured: ${reason}`),
    ...ended.map(
      ({ name }) =>
        `- ${name} was ended after ${Math.round(spread(runs, "seconds").median)} s; what it had freed by then counts`,
    ),
  ];
  return `# Benchmarks: parts of files

Written by \`sudo npm run bench:deep\` on ${machine.date}; do not edit by hand. ${
    results.rounds === 1
      ? "One run of each."
      : `Medians of ${results.rounds} runs, with the least and the most in brackets.`
  }
Whole files are in [benchmarks.md](benchmarks.md).

${truthText(results)}

${resultTable(results)}

*freed* is the fall of the data bytes in use that \`btrfs filesystem df\` shows, after a sync; *of what is there* its share
of all that is there more than once. *said* is the program's own figure: what Refold predicts before it folds, what the
others tell at the end (duperemove the "net change in shared extents", oans what it "reclaimed"; bees tells none). More
than all can be freed: an extent that goes takes along what nothing refers to any more.
${disturbed > all.length / 2 ? "\n**Other programs kept the machine busy: the times say little.**\n" : ""}${left.length === 0 ? "" : `\n${left.join("\n")}\n`}
To share a part of an extent frees nothing while anything refers to the rest of it. Refold and bees write the rest anew, so
that the extent goes; the others share and leave the extent.

## How it was measured

- Corpus: ${corpus.files} files, ${(corpus.bytes / 2 ** 30).toFixed(2)} GiB, made from seed ${results.seed} by \`scripts/bench/deep/corpus.mjs\`, in three
  subvolumes and a read-only snapshot of one of them, after which some of its files were overwritten in part or removed.
  Content is incompressible, crc32c, no compression:

${kinds.join("\n")}

- Volume: btrfs with mkfs's defaults in an image on ${machine.below}, through a loop device, mounted noatime. Read from its
  beginning, uncached, the image comes at ${(machine.readRate / 1e9).toFixed(1)} GB/s.
- Cold: each program has a fresh copy of the volume. It is unmounted, \`sync\`, \`echo 3 > /proc/sys/vm/drop_caches\`, mounted;
  then the program is called with \`--version\`, so that its binaries are in memory and the data is not.
- *read* is what the device's own counters say (\`/sys/block/loopN/stat\`). *memory* is the largest resident size
  of the process and all it started, together (\`native/bench/measure.c\`); a hash table in a mapped file is part of it.
- Each run waited for an idle machine. In ${disturbed} of the ${all.length} runs other programs took more than a tenth of a core
  meanwhile.
- Machine: ${machine.cpu}, ${machine.cores} cores, ${(machine.memory / 2 ** 30).toFixed(0)} GiB; ${machine.system}, Linux ${machine.kernel},
  ${machine.btrfs}, Node ${machine.node}.

Versions; those that Debian does not have are built by \`scripts/bench/deep/peers.sh\`:

${versions.join("\n")}

Settings and commands (VOLUME is the mount, WORK an empty directory elsewhere):

${settings.join("\n")}

Every figure is in [benchmarks-deep.json](benchmarks-deep.json).
`;
}
