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
  const missed = Map.groupBy(
    judged.filter((target) => !target.met),
    (target) => target.id,
  );
  const rivals = (id) => (missed.get(id) ?? []).map((target) => target.rival);
  const reasons = [];
  if (missed.has("scan-speed")) reasons.push(whyScanSpeed(results, rivals("scan-speed")[0]));
  if (missed.has("scan-speed") || missed.has("scan-walk")) reasons.push(whyScanWalk(results));
  if (missed.has("scan-read")) reasons.push(whyScanRead(results));
  if (missed.has("fold-speed")) reasons.push(whyFoldSpeed(results, rivals("fold-speed")));
  for (const rival of rivals("fold-freed")) reasons.push(whyFreed(results, rival));
  return [...reasons, ...oddRuns(results)];
}

function whyScanSpeed({ scans }, rival) {
  const walk = of(scans.walk, "seconds");
  const other = of(scans[rival], "seconds");
  return (
    `Scan: the bare walk alone takes ${twoDigits(walk)} here and ${rival} ${twoDigits(other)}: on storage this quick ` +
    `no scan on this road can be more than ${(other / walk).toFixed(0)} times as fast.`
  );
}

function whyScanWalk({ scans }) {
  const own = of(scans.refold, "seconds");
  const walk = of(scans.walk, "seconds");
  const start = of(scans["refold --version"], "seconds");
  return (
    `Of the scan's ${twoDigits(own)}, ${twoDigits(walk)} is what the walk takes and ${twoDigits(start)} the start of the ` +
    `program (\`refold --version\`); the other ${twoDigits(own - walk - start)} go to fingerprints, grouping, and the ` +
    `index that makes the next scan fast.`
  );
}

function whyScanRead({ scans }) {
  return (
    `Bytes read: the bare walk reads ${mebibytes(of(scans.walk, "read"))}, which is every leaf of the trees once; the ` +
    `data of files of up to 2 KiB lies in them and is read along.`
  );
}

function whyFoldSpeed({ folds, corpus, machine }, rivals) {
  const own = of(folds.refold, "read");
  const others = rivals.map((rival) => {
    const read = of(folds[rival], "read");
    return `${rival} ${mebibytes(read)}, ${(read / own).toFixed(1)} times that`;
  });
  return (
    `Fold: the kernel compares both sides of each fold, which makes ${mebibytes(own)} to be read, however the copies ` +
    `were found. The others read in all: ${others.join("; ")}.` +
    (machine.memory > 2 * corpus.bytes
      ? " The corpus fits into this machine's memory, so what they have read to find copies is not read again when " +
        "they are compared."
      : "")
  );
}

function whyFreed({ folds, corpus }, rival) {
  const more = of(folds[rival], "freed") - of(folds.refold, "freed");
  return (
    `Freed: ${rival} frees ${(more / 1e6).toFixed(1)} MB more. Copies of less than ${corpus.minSize} bytes, which Refold ` +
    `leaves out unless told otherwise, come to ${(corpus.smallRedundantBytes / 1e6).toFixed(1)} MB.`
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
