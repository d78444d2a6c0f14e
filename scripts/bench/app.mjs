/**
 * npm run bench:app: what the desktop app costs a person who waits for it, on a volume of very many groups.
 *
 * The built app is started on a private screen with the real helper, as the end-to-end tests start it: on Electron
 * where its binary is, on the stand-in otherwise. Prints tables; of a whole run it writes docs/benchmarks-app.md and
 * docs/benchmarks-app.json.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { format, resolveConfig } from "prettier";
import { describeApp } from "./app/describe.mjs";
import { measureMemory } from "./app/memory.mjs";
import { measureOpening } from "./app/openings.mjs";
import { whenIdle } from "./app/processes.mjs";
import { renderApp } from "./app/report.mjs";
import { measureScrolling } from "./app/scrolling.mjs";
import { PLATFORM, Session } from "./app/session.mjs";
import { measureStart } from "./app/starts.mjs";
import { makeWorld } from "./app/world.mjs";
import { describeMachine } from "./machine.mjs";
import { closeAll } from "./volume.mjs";

const USAGE = `Usage: npm run bench:app -- [options]   (as root, after npm run build)
  --groups N          groups of equal files (default 200000); with another number docs/ is left alone
  --rounds N          runs of each thing (default 5)
  --only NAMES        of start, opening, scrolling, memory, these; docs/ is left alone
  --rest SECONDS      before each reading of memory (default 10)
  --patience SECONDS  waits so long before each run for the machine to be idle (default 20)
  --image FILE        keeps the volume in it, and uses it where it is there
  --json FILE         writes the results there too
  --render FILE       no runs: writes the documentation from the results of an earlier one`;

const home = resolve(import.meta.dirname, "../..");
const { values } = parseArgs({
  options: {
    groups: { type: "string", default: "200000" },
    rounds: { type: "string", default: "5" },
    only: { type: "string", default: "start,opening,scrolling,memory" },
    rest: { type: "string", default: "10" },
    patience: { type: "string", default: "20" },
    image: { type: "string" },
    json: { type: "string" },
    render: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

async function writeDocs(results) {
  const files = { "benchmarks-app.md": renderApp(results), "benchmarks-app.json": JSON.stringify(results) };
  for (const [name, text] of Object.entries(files)) {
    const filepath = join(home, "docs", name);
    writeFileSync(filepath, await format(text, { ...(await resolveConfig(filepath)), filepath }));
  }
}

async function measureAll(session, world, only) {
  const rounds = Number(values.rounds);
  const runs = {};
  const add = async (name, work) => {
    const run = await whenIdle(Number(values.patience), work);
    (runs[name] ??= []).push(run);
    console.error(
      `${name}: ${JSON.stringify(run, (_, value) => (typeof value === "number" ? Math.round(value) : value))}`,
    );
  };
  // in turn, so that a busy minute does not fall on all runs of one thing
  for (let round = 0; round < rounds; round++) {
    if (only.includes("start")) {
      await add("start, cold", () => measureStart(session, world, true));
      await add("start, warm", () => measureStart(session, world, false));
    }
    if (only.includes("opening")) {
      await add("opening", () => measureOpening(session, world, false));
      await add("opening, cold", () => measureOpening(session, world, true));
    }
    if (only.includes("scrolling")) await add("scrolling", () => measureScrolling(session, world));
    if (only.includes("memory"))
      await add("memory", () => measureMemory(session, world, Number(values.rest)));
  }
  return runs;
}

async function main() {
  if (values.help) return void console.log(USAGE);
  if (values.render !== undefined) return await writeDocs(JSON.parse(readFileSync(values.render, "utf8")));
  const groups = Number(values.groups);
  const only = values.only.split(",");
  const directory = mkdtempSync(join(process.env.REFOLD_BENCH_DIR ?? tmpdir(), "refold-bench-"));
  process.on("exit", () => {
    closeAll();
    rmSync(directory, { recursive: true, force: true });
  });
  let session = null;
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => void Promise.resolve(session?.close()).finally(() => process.exit(1)));
  }
  const world = makeWorld(directory, { groups, image: values.image });
  session = await Session.open();
  try {
    const runs = await measureAll(session, world, only);
    const results = {
      platform: PLATFORM,
      app: describeApp(PLATFORM),
      screen: session.screen,
      machine: describeMachine(directory),
      volume: { groups: world.groups, files: world.files },
      rest: Number(values.rest),
      runs,
    };
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
    if (only.length === 4) console.log(renderApp(results));
    if (only.length === 4 && groups === 200_000) await writeDocs(results);
  } finally {
    await session.close();
    world.close();
  }
}

await main();
