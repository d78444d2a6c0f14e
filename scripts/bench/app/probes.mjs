/** What runs in the page. Each is sent there as text, so none uses anything from outside of itself. */

/**
 * From the next click on: `window.bench.opening` resolves with milliseconds since the click's own time stamp.
 * `rows`: the first groups are on the screen; `names`: the search is free, and so every name is there.
 * `window.bench.rows` resolves at the former.
 */
export function watchOpening() {
  const times = {};
  const tasks = [];
  const { promise, resolve } = Promise.withResolvers();
  const rows = Promise.withResolvers();
  let click = null;
  const longTasks = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) tasks.push(Math.round(duration));
  });
  longTasks.observe({ type: "longtask" });
  const signs = {
    heading: () => document.querySelector("[role=treegrid]") !== null,
    rows: () => document.querySelector('[role=row][aria-level="1"] input.tick') !== null,
    names: () => document.querySelector("input[type=search]")?.disabled === false,
  };
  // a task after the frame's callbacks runs when that frame has been handed on
  const afterFrame = (done) =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => done(performance.now());
      port2.postMessage(null);
    });
  const look = () => {
    if (click === null) return;
    for (const [name, there] of Object.entries(signs)) {
      if (name in times || !there()) continue;
      times[name] = null;
      afterFrame((now) => {
        times[name] = now - click;
        if (name === "rows") rows.resolve();
        if (Object.keys(signs).some((each) => typeof times[each] !== "number")) return;
        watcher.disconnect();
        setTimeout(() => {
          longTasks.disconnect();
          resolve({ rows: times.rows, names: times.names, longTasks: tasks });
        }, 200); // entries of tasks come some time after them
      });
    }
  };
  const watcher = new MutationObserver(look);
  addEventListener(
    "click",
    (event) => {
      click = event.timeStamp;
      watcher.observe(document, { subtree: true, childList: true, attributes: true });
    },
    { capture: true, once: true },
  );
  globalThis.bench = { opening: promise, rows: rows.promise };
}

/** Starts to watch frames, long tasks and rows; `window.bench.stop()` gives the figures. */
export function watchScrolling() {
  const scroller = document.querySelector("[role=treegrid]");
  const pinia = document.querySelector("#app").__vue_app__?.config.globalProperties.$pinia;
  const table = pinia?._s.get("review")?.session.table;
  const elements = document.getElementsByTagName("*");
  const frames = [];
  const tasks = [];
  const seen = { rowsHeld: 0, rowElements: 0, elements: 0, blankFrames: 0, farthest: 0 };
  const longTasks = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) tasks.push(duration);
  });
  longTasks.observe({ type: "longtask" });
  let last = null;
  let going = true;
  const frame = (now) => {
    if (last !== null) frames.push(now - last);
    last = now;
    const rows = scroller.querySelectorAll("[role=row][aria-level]");
    seen.rowElements = Math.max(seen.rowElements, rows.length);
    seen.elements = Math.max(seen.elements, elements.length);
    seen.rowsHeld = Math.max(seen.rowsHeld, table?.held ?? 0);
    seen.farthest = Math.max(seen.farthest, scroller.scrollTop);
    // the line that has the focus has an element wherever it is, and is blank far out of sight
    const { top, bottom } = scroller.getBoundingClientRect();
    const inView = (element) => {
      const box = element.getBoundingClientRect();
      return box.bottom > top && box.top < bottom;
    };
    if ([...scroller.querySelectorAll(".ghost")].some(inView)) seen.blankFrames++;
    if (going) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  globalThis.bench = {
    stop: async () => {
      going = false;
      await new Promise((resolve) => setTimeout(resolve, 300));
      longTasks.disconnect();
      frames.sort((a, b) => a - b);
      const at = (share) => frames[Math.min(frames.length - 1, Math.floor(share * frames.length))] ?? 0;
      return {
        ...seen,
        rowsHeld: table === undefined ? null : seen.rowsHeld,
        furthestPossible: scroller.scrollHeight - scroller.clientHeight,
        frames: frames.length,
        medianFrame: at(0.5),
        frame99: at(0.99),
        worstFrame: at(1),
        longTasks: tasks.length,
        longestTask: Math.max(0, ...tasks),
      };
    },
  };
}

/** @returns milliseconds since the epoch of the first contentful paint; null where there was none yet */
export function firstPaint() {
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return paint === undefined ? null : performance.timeOrigin + paint.startTime;
}

/**
 * Resolves when the first volume is on the screen: milliseconds since the epoch. `exact`: the browser itself wrote
 * down when the list was painted; without it the volume was there before the page could be asked, and took less.
 */
export async function firstVolume() {
  const there = () => document.querySelector("article") !== null;
  const now = () => performance.timeOrigin + performance.now();
  if (!there()) {
    return await new Promise((resolve) => {
      const watcher = new MutationObserver(() => {
        if (!there()) return;
        watcher.disconnect();
        requestAnimationFrame(() => setTimeout(() => resolve({ at: now(), exact: true })));
      });
      watcher.observe(document, { subtree: true, childList: true });
    });
  }
  const latest = now();
  const paints = await new Promise((resolve) => {
    const observer = new PerformanceObserver((list) => resolve(list.getEntries()));
    observer.observe({ type: "largest-contentful-paint", buffered: true });
    setTimeout(() => resolve([]), 1000);
  });
  // the line above the cards, which is there from the frame on in which they are
  const sign = paints.find(
    ({ element }) =>
      element !== null &&
      (element.closest("article") !== null || element.textContent.includes("Last scanned")),
  );
  return sign === undefined
    ? { at: latest, exact: false }
    : { at: performance.timeOrigin + sign.startTime, exact: true };
}
