/**
 * npm run bench:live: what the live figure costs on an idle and on a busy volume, and how soon it follows. Of a run
 * with the default sizes it writes docs/benchmarks-live.md and docs/benchmarks-live.json.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { format, resolveConfig } from "prettier";
import { renderLive } from "./live/report.mjs";
import { Scenario } from "./live/scenario.mjs";
import { describeMachine } from "./machine.mjs";
import { closeAll } from "./volume.mjs";

const USAGE = `Usage: npm run bench:live -- [options]   (as root, after npm run build)
  --files N        files on each volume (default 100000); with another number docs/ is left alone
  --minutes N      how long is measured, after two minutes that the app waits (default 8)
  --grow LIST      files a minute that get a line more, one volume for each (default 0,10,1000)
  --json FILE      writes the results there too
  --docs           writes docs/ whatever the sizes
  --render FILE    no runs: writes the documentation from the results of an earlier one`;

const home = resolve(import.meta.dirname, "../..");
const { values } = parseArgs({
  options: {
    files: { type: "string", default: "100000" },
    minutes: { type: "string", default: "8" },
    grow: { type: "string", default: "0,10,1000" },
    json: { type: "string" },
    docs: { type: "boolean", default: false },
    render: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
/** What the app waits after its start, and a minute in which its own writing comes to rest. */
const SETTLE_MS = 3 * 60_000;

async function writeDocs(results) {
  const files = {
    "benchmarks-live.md": renderLive(results),
    "benchmarks-live.json": JSON.stringify(results),
  };
  for (const [name, text] of Object.entries(files)) {
    const filepath = join(home, "docs", name);
    writeFileSync(filepath, await format(text, { ...(await resolveConfig(filepath)), filepath }));
  }
}

async function main() {
  if (values.help) return void console.log(USAGE);
  if (values.render !== undefined) return await writeDocs(JSON.parse(readFileSync(values.render, "utf8")));
  const files = Number(values.files);
  const directory = mkdtempSync(join(process.env.REFOLD_BENCH_DIR ?? tmpdir(), "refold-bench-"));
  process.on("exit", () => {
    closeAll();
    rmSync(directory, { recursive: true, force: true });
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

  const scenarios = [];
  const make = (name, grow, pairs) => {
    console.error(`making the volume "${name}"`);
    scenarios.push(new Scenario(directory, { name, files, grow, pairs }));
  };
  make("idle", 0, false);
  for (const grow of values.grow.split(",")) make(`grow-${grow}`, Number(grow), true);
  try {
    for (const scenario of scenarios) await scenario.start();
    console.error("the apps come to rest");
    await sleep(SETTLE_MS);
    console.error(`measuring for ${values.minutes} minutes`);
    const runs = await Promise.all(scenarios.map((scenario) => scenario.run(Number(values.minutes))));
    const results = { machine: describeMachine(directory), load: loadavg()[0], runs };
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
    console.log(renderLive(results));
    if (values.docs || files === 100_000) await writeDocs(results);
  } finally {
    await Promise.allSettled(scenarios.map((scenario) => scenario.close()));
  }
}

await main();
