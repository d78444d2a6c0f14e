/** The targets, each held against what was measured. */
import { spread } from "./measure.mjs";

const of = (runs, field) => spread(runs, field).median;
const times = (ratio) => `${ratio.toFixed(1)} times`;

/**
 * @param {object} results of bench.mjs
 * @returns {{ id: string, rival: string | null, target: string, measured: string, met: boolean, shortBy: number }[]}
 *   only those that these runs can answer; shortBy: what is missing to the target, as a part of it
 */
export function judge(results) {
  const { scans, folds } = results;
  const rivals = results.tools.filter((tool) => tool.program !== "refold").map((tool) => tool.name);
  const judged = [];
  /** ratio: measured over target, 1 or more where it is met. */
  const add = (id, rival, target, measured, ratio) => {
    judged.push({ id, rival, target, measured, met: ratio >= 1, shortBy: Math.max(0, 1 - ratio) });
  };

  if (scans.refold !== undefined) {
    const rivalScans = rivals.filter((name) => scans[name] !== undefined);
    if (rivalScans.length > 0) {
      const fastest = rivalScans.reduce((a, b) =>
        of(scans[a], "seconds") <= of(scans[b], "seconds") ? a : b,
      );
      const faster = of(scans[fastest], "seconds") / of(scans.refold, "seconds");
      add(
        "scan-speed",
        fastest,
        `full scan 20 times as fast as the fastest other (${fastest})`,
        times(faster),
        faster / 20,
      );
      const least = Math.min(...rivalScans.map((name) => of(scans[name], "read")));
      const part = of(scans.refold, "read") / least;
      add(
        "scan-read",
        null,
        "under 1% of the bytes that the others read",
        `${(100 * part).toFixed(2)}%`,
        0.01 / part,
      );
    }
    for (const [label, name] of [
      ["cold", "refold, nothing changed"],
      ["warm", "refold, nothing changed, warm"],
    ]) {
      const rescan = of(scans[name], "seconds");
      add(
        "rescan",
        null,
        `rescan with nothing changed under 0.2 s, ${label}`,
        `${rescan.toFixed(3)} s`,
        0.2 / rescan,
      );
    }
    const walk = of(scans.refold, "seconds") / of(scans.walk, "seconds");
    add("scan-walk", null, "full scan within 3 times the bare walk", times(walk), 3 / walk);
  }
  if (folds.refold !== undefined) {
    for (const name of rivals) {
      if (folds[name] === undefined) continue;
      const faster = of(folds[name], "seconds") / of(folds.refold, "seconds");
      add("fold-speed", name, `dedup 3 times as fast as ${name}`, times(faster), faster / 3);
      const freed = of(folds.refold, "freed") / Math.max(1, of(folds[name], "freed"));
      add(
        "fold-freed",
        name,
        `no fewer bytes freed than ${name}`,
        `${(100 * freed).toFixed(1)}% of its`,
        freed,
      );
    }
  }
  const memory = [scans.refold, folds.refold]
    .filter((runs) => runs !== undefined)
    .map((runs) => of(runs, "memory"));
  if (memory.length > 0) {
    const most = Math.max(...memory);
    add("memory", null, "peak memory under 150 MB", `${(most / 1e6).toFixed(0)} MB`, 150e6 / most);
  }
  return judged;
}
