/** What the app is to hold, and whether it did. A target is met where the worst of all runs meets it. */

/** More rows than these are more than a few pages: a page has 100. */
const ROWS = 600;

const worst = (runs, figure) => Math.max(...runs.map(figure));

/**
 * @param {object} runs of app.mjs
 * @returns {{ target: string, measured: string, met: boolean }[]}
 */
export function judgeApp(runs) {
  const moves = runs.scrolling.flatMap(({ wheel, drag }) => [wheel, drag]);
  const ms = (value) => `${value.toFixed(0)} ms`;
  const opening = worst(runs.opening, ({ rows }) => rows);
  const cold = worst(runs["opening, cold"], ({ rows }) => rows);
  const cpu = worst([...runs.opening, ...runs["opening, cold"]], (run) => run.cpu);
  const task = worst(moves, ({ longestTask }) => longestTask);
  const held = worst(moves, ({ rowsHeld }) => rowsHeld ?? Infinity);
  const verdicts = [
    { target: "review opens in under 1 s", measured: ms(opening), met: opening < 1000 },
    {
      target: "review opens in under 1 s, nothing of the disk in memory",
      measured: ms(cold),
      met: cold < 1000,
    },
    { target: "review opens with less than 1 s of processor time", measured: ms(cpu), met: cpu < 1000 },
    { target: "scrolls without tasks over 50 ms, by the clock", measured: ms(task), met: task <= 50 },
  ];
  if (moves.every(({ thread }) => thread !== null)) {
    const own = worst(moves, ({ thread }) => thread.longest);
    verdicts.push({
      target: "scrolls without tasks over 50 ms, of processor time",
      measured: ms(own),
      met: own <= 50,
    });
  }
  return [
    ...verdicts,
    {
      target: `the window holds a few pages of rows (at most ${ROWS})`,
      measured: String(held),
      met: held <= ROWS,
    },
  ];
}
