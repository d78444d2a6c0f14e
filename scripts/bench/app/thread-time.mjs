/**
 * Processor time of the page's tasks, from Chromium's own trace. The clock goes on while another program has the
 * processor; this does not, so it says what a task costs on a machine that has other work too.
 */

/**
 * @param {import("@playwright/test").Page} page
 * @returns {Promise<{ stop: () => Promise<{ longest: number, over50: number, total: number } | null> }>}
 *   milliseconds; null where the platform gives no trace
 */
export async function watchThread(page) {
  const client = await page.context().newCDPSession(page);
  const events = [];
  client.on("Tracing.dataCollected", ({ value }) => {
    for (const event of value) if (event.name === "thread_name" || event.tdur > 0) events.push(event);
  });
  try {
    await client.send("Tracing.start", {
      transferMode: "ReportEvents",
      traceConfig: { includedCategories: ["toplevel", "disabled-by-default-devtools.timeline"] },
    });
  } catch {
    return { stop: async () => null };
  }
  return {
    stop: async () => {
      const complete = new Promise((resolve) => client.once("Tracing.tracingComplete", resolve));
      await client.send("Tracing.end");
      await complete;
      await client.detach();
      return longest(events);
    },
  };
}

function longest(events) {
  const threads = events.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain");
  const figures = threads.map(({ pid, tid }) => {
    const own = events.filter((each) => each.pid === pid && each.tid === tid);
    const named = own.filter(({ name }) => name === "RunTask");
    const tasks = (named.length > 0 ? named : own.filter(({ name }) => name.includes("RunTask"))).map(
      ({ tdur }) => tdur / 1000,
    );
    return {
      longest: Math.max(0, ...tasks),
      over50: tasks.filter((each) => each > 50).length,
      total: tasks.reduce((sum, each) => sum + each, 0),
    };
  });
  // the page's is the one that worked
  return figures.sort((a, b) => b.total - a.total)[0] ?? null;
}
