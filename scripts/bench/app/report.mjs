/** The results as docs/benchmarks-app.md. */
import { median } from "../measure.mjs";
import { judgeApp } from "./targets.mjs";

const ms = (value) => value.toFixed(0);
const mib = (bytes) => (bytes / 2 ** 20).toFixed(0);
const count = (value) => value.toLocaleString("en");

/** Median of a figure, and the worst; null is a figure that was not measured. */
function both(runs, figure, format = ms) {
  const values = runs.map(figure);
  if (values.some((value) => value === null)) return ["-", "-"];
  return [format(median(values)), format(Math.max(...values))];
}

function table(head, rows) {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column].length)),
  );
  const pad = (cell, k) => (k > 0 ? cell.padStart(widths[k]) : cell.padEnd(widths[k]));
  const line = (cells) => `| ${cells.map(pad).join(" | ")} |`;
  const rule = widths.map((width, k) => (k > 0 ? `${"-".repeat(width - 1)}:` : "-".repeat(width)));
  return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}

function startTable(runs) {
  const rows = ["cold", "warm"].flatMap((kind) => {
    const own = runs[`start, ${kind}`];
    return [
      [`first contentful paint, ${kind}`, ...both(own, ({ paint }) => paint)],
      [`first volume listed, ${kind}`, ...both(own, ({ volume }) => volume)],
    ];
  });
  return table(["from the start of the process to", "median, ms", "worst, ms"], rows);
}

function openingTable(runs) {
  const { opening } = runs;
  const cold = runs["opening, cold"];
  return table(
    ["from the click to", "median, ms", "worst, ms"],
    [
      ["first groups on the screen, fresh app", ...both(opening, ({ rows }) => rows)],
      ["the same, nothing of the disk in memory", ...both(cold, ({ rows }) => rows)],
      ["processor time until then, all processes, fresh app", ...both(opening, ({ cpu }) => cpu)],
      ["the same, nothing of the disk in memory", ...both(cold, ({ cpu }) => cpu)],
      [
        "first groups on the screen, opened a second time",
        ...both([...opening, ...cold], ({ again }) => again),
      ],
      ["every name read (search is free), fresh app", ...both(opening, ({ names }) => names)],
      ["the same, nothing of the disk in memory", ...both(cold, ({ names }) => names)],
    ],
  );
}

function scrollTable(runs) {
  const wheel = runs.scrolling.map((run) => run.wheel);
  const drag = runs.scrolling.map((run) => run.drag);
  const row = (title, figure, format = ms) => [
    title,
    ...both(wheel, figure, format),
    ...both(drag, figure, format),
  ];
  const threads = [...wheel, ...drag].every(({ thread }) => thread !== null);
  const cores = (value) => value.toFixed(2);
  const sum = (cpu) => Object.values(cpu).reduce((total, each) => total + each, 0);
  return table(
    ["", "wheel: median", "worst", "scrollbar: median", "worst"],
    [
      row("longest task by the clock, ms", (each) => each.longestTask),
      row("tasks over 50 ms by the clock", (each) => each.longTasks),
      ...(threads
        ? [
            row("longest task, processor time, ms", (each) => each.thread.longest),
            row("tasks over 50 ms of processor time", (each) => each.thread.over50),
          ]
        : []),
      row("median frame, ms", (each) => each.medianFrame),
      row("99 of 100 frames within, ms", (each) => each.frame99),
      row("worst frame, ms", (each) => each.worstFrame),
      row(
        "frames with rows still blank, of 100",
        (each) => (each.blankFrames === null ? null : (100 * each.blankFrames) / each.frames),
        cores,
      ),
      row("cores: the page's process", (each) => each.cpu.renderer, cores),
      row("cores: all processes of the app", (each) => sum(each.cpu), cores),
      row("rows held by the window, at most", (each) => each.rowsHeld ?? Number.NaN),
      row("row elements, at most", (each) => each.rowElements),
      row("elements in the page, at most", (each) => each.elements),
    ],
  );
}

function memoryTable(runs) {
  const { memory } = runs;
  const roles = [
    ...new Set(memory.flatMap((run) => ["idle", "review", "bare"].flatMap((at) => Object.keys(run[at].all)))),
  ];
  const middle = (at, role) => median(memory.map((run) => run[at].own[role] ?? 0));
  const order = roles.sort((a, b) => middle("idle", b) - middle("idle", a));
  const signed = (bytes) => `${bytes < 0 ? "-" : "+"}${mib(Math.abs(bytes))}`;
  const line = (title, at) => [
    title,
    mib(at("bare")),
    mib(at("idle")),
    signed(at("idle") - at("bare")),
    mib(at("review")),
  ];
  const total = (kind) => (at) =>
    median(memory.map((run) => Object.values(run[at][kind]).reduce((sum, each) => sum + each, 0)));
  return table(
    ["MiB", "bare page", "Refold, idle", "difference", "Refold, review open"],
    [
      ...order.map((role) => line(role, (at) => middle(at, role))),
      line("all together", total("own")),
      line("with pages of files (PSS)", total("all")),
    ],
  );
}

const MEANING = {
  "stand-in": `The app ran on the stand-in for Electron (\`test/electron-stand-in\`): its unmodified bundles on Node and a
Chromium of the system, with the page and the main process connected over the DevTools pipe. Chromium's part is what
Electron has inside; starting two programs, and every message between page and main process, cost more than in
Electron. As root Chromium has no sandbox.`,
  Electron: "The app ran on Electron.",
};

function conditions({ machine, app, screen, volume, rest, runs }) {
  const every = Object.values(runs).flat();
  const loads = every.map(({ load }) => load);
  const disturbed = every.filter(({ others }) => others > 0.1).length;
  const inexact = [...runs["start, cold"], ...runs["start, warm"]].filter(({ exact }) => !exact).length;
  return `- Volume: ${count(volume.groups)} groups of two or three equal files of 4 to 12 KiB, ${count(volume.files)} files, made from a seed by
  \`scripts/bench/review/corpus.mjs\` on a loop btrfs volume, scanned before; no other volume is listed.
- Every run is an app of its own with fresh settings and a helper of its own, on a private X server of ${screen}
  without a graphics card: pages are drawn by the processor.
- Cold: \`sync\`, then \`echo 3 > /proc/sys/vm/drop_caches\`, before the app is started (start), or between its start and
  the click (opening). The volume stays mounted.
- Opening: from the click's own time stamp to the end of the frame that shows the first groups, in the page's clock.
  _processor time_ there is of all threads of all the app's processes together: less than the clock on a busy machine.
- Start: until the browser's own record of the first contentful paint, and of the paint that showed the list${
    inexact > 0
      ? `;\n  in ${inexact} of the runs there was none of the latter, and the time is when a page was first asked, so it was less`
      : ""
  }.
- Wheel: 300 steps of 480 pixels, 4,000 rows. Scrollbar: its thumb drawn from one end of the table to the other and
  back, in 500 steps. Input comes over DevTools. _by the clock_ is the browser's \`longtask\` entries, in which another
  program's turn at the processor counts; _processor time_ is from the browser's trace, in which it does not.
- Memory: \`smaps_rollup\` of all processes, medians, ${rest} s after the page was there; nothing is hidden, nothing was
  collected on demand. By process: anonymous and shared memory (\`Pss_Anon\` and \`Pss_Shmem\`), which no other program
  changes. The last line has programs and libraries too: what other browsers have in common with this one makes it less,
  and up to ${Math.max(...runs.memory.map((run) => run.otherBrowsers))} of them ran meanwhile. _bare page_ is \`scripts/bench/app/bare.mjs\`: one window with one line on the same
  platform.
- Load average as runs began: ${median(loads).toFixed(1)} in the middle, ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}, on ${machine.cores} cores. In ${disturbed} of ${every.length} runs
  other programs took more than a tenth of a core in the half second before.
- Machine: ${machine.cpu}, ${machine.cores} cores, ${(machine.memory / 2 ** 30).toFixed(0)} GiB; ${machine.system}, Linux ${machine.kernel},
  ${app.browser}, Node ${machine.node}, Refold ${app.refold}.`;
}

/** What to know before the figures, where other programs had their share of the machine. */
function warning({ runs, machine }) {
  const every = Object.values(runs).flat();
  if (every.filter(({ others }) => others > 0.1).length <= every.length / 10) return "";
  const load = median(every.map((run) => run.load)).toFixed(0);
  return `
**The machine was busy**: other programs had a load of about ${load} on its ${machine.cores} cores throughout. Times by the clock are
with the others' turns in them; processor times, rows held and the memory by process are the app's own.
`;
}

/** @returns {string} docs/benchmarks-app.md */
export function renderApp(results) {
  const { runs, machine, platform } = results;
  const verdicts = judgeApp(runs).map(({ target, measured, met }) => [target, measured, met ? "yes" : "no"]);
  const rounds = runs.opening.length;
  return `# Benchmarks of the desktop app

Written by \`sudo npm run bench:app\` on ${machine.date}; do not edit by hand. ${rounds} runs of each; all figures are in
\`benchmarks-app.json\`. A target is met where the worst run meets it.

${MEANING[platform]}
${warning(results)}
${table(["target", "worst run", "met"], verdicts)}

## Start

${startTable(runs)}

## Opening a review of ${count(results.volume.groups)} groups

${openingTable(runs)}

## Scrolling it

${scrollTable(runs)}

## Memory

${memoryTable(runs)}

## How it was measured

${conditions(results)}
`;
}
