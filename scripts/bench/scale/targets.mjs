/** What the scale bench is to hold, and whether it did. */

const MICROSECONDS_A_FILE = 10;
const RESCAN_SECONDS = 0.3;
const MEMORY = 300e6;
const SNAPSHOT_PART = 0.1;
const TICK_MS = 50;
/** Of several things at once: not in the table of runs. */
export const SCRIPTS = new Set(["review", "resident"]);

const ms = (value) => `${value.toFixed(0)} ms`;
const mb = (bytes) => (bytes / 1e6).toFixed(0);
const percent = (part) => `${(100 * part).toFixed(1)} %`;

/** How much a figure is off its limit. */
function distance(value, limit) {
  const part = value / limit - 1;
  return part < 0 ? `${percent(-part)} below` : `${percent(part)} above`;
}

/** The same of a figure that is a part of something itself. */
function pointsFrom(part, limit) {
  const points = (100 * Math.abs(part - limit)).toFixed(1);
  return `${points} points ${part < limit ? "below" : "above"}`;
}

const parts = (entries) =>
  entries
    .filter(([, ms]) => Math.abs(ms) >= 0.5)
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
    .slice(0, 5);

/** Where the time of a scan went, by its own account. */
function whereTo({ seconds, steps }) {
  const inside = Object.values(steps).reduce((sum, ms) => sum + ms, 0);
  const all = Object.entries({
    ...steps,
    "start and end of the program": Math.max(0, seconds * 1000 - inside),
  });
  return parts(all)
    .map(([step, ms]) => `${step} ${percent(ms / 1000 / seconds)}`)
    .join(", ");
}

/** What one scan took longer, or less long, than another. */
function whatMore(run, than) {
  const rest = ({ seconds, steps }) => seconds * 1000 - Object.values(steps).reduce((sum, ms) => sum + ms, 0);
  const more = Object.keys(run.steps).map((step) => [step, run.steps[step] - (than.steps[step] ?? 0)]);
  return parts([...more, ["start and end of the program", rest(run) - rest(than)]])
    .map(([step, value]) => `${step} ${value < 0 ? "-" : "+"}${ms(Math.abs(value))}`)
    .join(", ");
}

/**
 * @returns {{ target: string, measured: string, met: boolean, distance: string, why: string }[]} only those that
 *   these results can answer; distance: from the limit; why: where it went, by figures of the same run
 */
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
      distance: distance(cost, MICROSECONDS_A_FILE),
      why: `${whereTo(runs[`full scan, ${temperature}`])}; the bare walk is ${percent(
        runs[`walk, ${temperature}`].seconds / runs[`full scan, ${temperature}`].seconds,
      )}`,
    };
  });
  for (const temperature of ["warm", "cold"]) {
    for (const where of ["together", "scattered"]) {
      const run = runs[`${changes} changed, ${where}, ${temperature}`];
      const { seconds } = run;
      judged.push({
        target: `rescan with ${changes} changes under ${RESCAN_SECONDS} s, ${where}, ${temperature}`,
        measured: `${seconds.toFixed(3)} s`,
        met: seconds < RESCAN_SECONDS,
        distance: distance(seconds, RESCAN_SECONDS),
        why: `${whereTo(run)}; ${mb(run.read)} MB read from the device, CPU ${run.cpu.toFixed(3)} s`,
      });
    }
  }
  for (const where of ["together", "scattered"]) {
    const times = runs.resident[where].toSorted((a, b) => a - b);
    const seconds = times[times.length >> 1] / 1000;
    judged.push({
      target: `the same of a program that runs already, as the app's helper does, ${where}, warm`,
      measured: `${seconds.toFixed(3)} s`,
      met: seconds < RESCAN_SECONDS,
      distance: distance(seconds, RESCAN_SECONDS),
      why: `${times[0].toFixed(0)} to ${times.at(-1).toFixed(0)} ms, from opening the volume to closing it`,
    });
  }
  const scans = Object.entries(runs).filter(([name]) => !SCRIPTS.has(name) && !name.startsWith("walk"));
  const [largest, { memory }] = scans.reduce((most, one) => (one[1].memory > most[1].memory ? one : most));
  judged.push({
    target: `peak memory of every scan under ${MEMORY / 1e6} MB`,
    measured: `${Math.round(memory / 1e6)} MB`,
    met: memory < MEMORY,
    distance: distance(memory, MEMORY),
    why: `the largest is of: ${largest}`,
  });
  judged.push({
    target: `selection sum of ${runs.review.tickedGroups} groups within ${TICK_MS} ms`,
    measured: ms(runs.review.tickMs),
    met: runs.review.tickMs < TICK_MS,
    distance: distance(runs.review.tickMs, TICK_MS),
    why: `${runs.review.groups} groups in all`,
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
  const { runs } = snapshots;
  const without = (what) => runs[`${what}, no snapshots`];
  const withSome = (what) => runs[`${what}, ${snapshots.snapshots} snapshots`];
  const rows = added(snapshots, "nothing changed", "rows");
  const judged = [
    {
      target: `${snapshots.snapshots} snapshots of an unchanged subvolume add under 10 % of rows`,
      measured: percent(rows),
      met: rows < SNAPSHOT_PART,
      distance: pointsFrom(rows, SNAPSHOT_PART),
      why: `${withSome("nothing changed").rows} rows and ${without("nothing changed").rows}`,
    },
  ];
  for (const what of ["nothing changed", "nothing changed, cold", `${snapshots.changes} changed`]) {
    const time = added(snapshots, what, "seconds");
    judged.push({
      target: `they add under 10 % to the time of a rescan: ${what}`,
      measured: percent(time),
      met: time < SNAPSHOT_PART,
      distance: pointsFrom(time, SNAPSHOT_PART),
      why: whatMore(withSome(what), without(what)),
    });
  }
  return judged;
}
