/** What the scale bench is to hold, and whether it did. */

const MICROSECONDS_A_FILE = 10;
const RESCAN_SECONDS = 0.3;
const MEMORY = 300e6;
const SNAPSHOT_PART = 0.1;
const TICK_MS = 50;

const ms = (value) => `${value.toFixed(0)} ms`;
const percent = (part) => `${(100 * part).toFixed(1)} %`;

/** @returns {{ target: string, measured: string, met: boolean }[]} only those that these results can answer */
export function judge({ files, snapshots }) {
  return [
    ...(files === null ? [] : judgeFiles(files)),
    ...(snapshots === null ? [] : judgeSnapshots(snapshots)),
  ];
}

/** Microseconds a file that a scan takes beyond the bare walk. */
export function beyondWalk({ count, runs }, temperature, field = "seconds") {
  return ((runs[`full scan, ${temperature}`][field] - runs[`walk, ${temperature}`][field]) / count) * 1e6;
}

function judgeFiles(files) {
  const { changes, runs } = files;
  const judged = ["cold", "warm"].map((temperature) => {
    const cost = beyondWalk(files, temperature);
    return {
      target: `full scan under ${MICROSECONDS_A_FILE} microseconds a file beyond the bare walk, ${temperature}`,
      measured: cost.toFixed(1),
      met: cost < MICROSECONDS_A_FILE,
    };
  });
  for (const temperature of ["warm", "cold"]) {
    for (const where of ["together", "scattered"]) {
      const { seconds } = runs[`${changes} changed, ${where}, ${temperature}`];
      judged.push({
        target: `rescan with ${changes} changes under ${RESCAN_SECONDS} s, ${where}, ${temperature}`,
        measured: `${seconds.toFixed(3)} s`,
        met: seconds < RESCAN_SECONDS,
      });
    }
  }
  const scans = Object.entries(runs).filter(([name]) => name !== "review" && !name.startsWith("walk"));
  const memory = Math.max(...scans.map(([, run]) => run.memory));
  judged.push({
    target: `peak memory of every scan under ${MEMORY / 1e6} MB`,
    measured: `${Math.round(memory / 1e6)} MB`,
    met: memory < MEMORY,
  });
  judged.push({
    target: `selection sum of ${runs.review.tickedGroups} groups within ${TICK_MS} ms`,
    measured: ms(runs.review.tickMs),
    met: runs.review.tickMs < TICK_MS,
  });
  return judged;
}

/** Figures with the snapshots against those without. */
export function added(snapshots, what, field) {
  const { runs } = snapshots;
  const [without, alike] = ["no snapshots", `${snapshots.snapshots} snapshots`].map(
    (when) => runs[`${what}, ${when}`][field],
  );
  return alike / without - 1;
}

function judgeSnapshots(snapshots) {
  const rows = added(snapshots, "nothing changed", "rows");
  const judged = [
    {
      target: `${snapshots.snapshots} snapshots of an unchanged subvolume add under 10 % of rows`,
      measured: percent(rows),
      met: rows < SNAPSHOT_PART,
    },
  ];
  for (const what of ["nothing changed", "nothing changed, cold", `${snapshots.changes} changed`]) {
    const time = added(snapshots, what, "seconds");
    judged.push({
      target: `they add under 10 % to the time of a rescan: ${what}`,
      measured: percent(time),
      met: time < SNAPSHOT_PART,
    });
  }
  return judged;
}
