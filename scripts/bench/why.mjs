/** Why targets were missed, in the words of what was measured: nothing is said of one that was met. */
import { spread } from "./measure.mjs";

const of = (runs, field) => spread(runs, field).median;
const mebibytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;
const twoDigits = (seconds) => `${seconds.toFixed(2)} s`;

/**
 * @param {object} results of bench.mjs
 * @param {{ id: string, rival: string | null, met: boolean }[]} judged of targets.mjs
 * @returns {string[]} a sentence or two each
 */
export function explain(results, judged) {
  const missed = judged.filter((target) => !target.met);
  const reasons = missed.map(({ id, rival }) => REASONS[id]?.(results, rival) ?? null);
  return [...new Set(reasons.filter((reason) => reason !== null)), ...oddRuns(results)];
}

const REASONS = {
  "scan-speed": ({ scans }, rival) =>
    `Scan: the bare walk alone takes ${twoDigits(of(scans.walk, "seconds"))} here, and ${rival} ` +
    `${twoDigits(of(scans[rival], "seconds"))}: no scan on this road can be more than ` +
    `${(of(scans[rival], "seconds") / of(scans.walk, "seconds")).toFixed(0)} times as fast on storage this quick. ` +
    `${restOfScan(scans)}`,
  "scan-walk": ({ scans }) => `Scan and walk: ${restOfScan(scans)}`,
  "scan-read": ({ scans }) =>
    `Bytes read: the bare walk reads ${mebibytes(of(scans.walk, "read"))} too. That is every leaf of the trees once; ` +
    `the data of files of up to 2 KiB lies in them and is read along.`,
  rescan: () => null,
  "fold-speed": ({ folds }, rival) => {
    const own = of(folds.refold, "read");
    const other = of(folds[rival], "read");
    return (
      `Fold, against ${rival}: the kernel reads and compares both sides of each fold, ${mebibytes(own)} for Refold; ` +
      `${rival} reads ${mebibytes(other)} in all. By bytes alone Refold can be ${(other / own).toFixed(1)} times as ` +
      `fast where storage is the limit. The corpus fits into this machine's memory, so what ${rival} has read ` +
      `to compare is not read again to fold.`
    );
  },
  "fold-freed": ({ folds, corpus }, rival) => {
    const more = of(folds[rival], "freed") - of(folds.refold, "freed");
    return (
      `Freed, against ${rival}: it frees ${(more / 1e6).toFixed(1)} MB more. Copies below ${corpus.minSize} bytes, which Refold ` +
      `leaves out unless told otherwise, come to ${(corpus.smallRedundantBytes / 1e6).toFixed(1)} MB.`
    );
  },
};

function restOfScan(scans) {
  const start = of(scans["refold --version"], "seconds");
  const rest = of(scans.refold, "seconds") - of(scans.walk, "seconds") - start;
  return (
    `Of Refold's ${twoDigits(of(scans.refold, "seconds"))}, ${twoDigits(of(scans.walk, "seconds"))} is that walk, ` +
    `${twoDigits(start)} the start of the program (\`refold --version\`), and the remaining ${twoDigits(rest)} mostly ` +
    `fingerprints, grouping, and the index that makes the next scan fast.`
  );
}

/** Runs that read far less than the others of their kind did: in the figures, and said. */
function oddRuns({ scans }) {
  return Object.entries(scans)
    .filter(([, runs]) => spread(runs, "read").min < spread(runs, "read").median / 2)
    .filter(([, runs]) => spread(runs, "read").median > 2 ** 20)
    .map(([name, runs]) => {
      const { min, median } = spread(runs, "read");
      return `One run of ${name} read ${mebibytes(min)} where ${mebibytes(median)} is usual, and ended without an error; why is not known.`;
    });
}
