/**
 * The app without Electron, as a person's own process: core, roads and calls as
 * the main process has them. Lines of JSON in: {call, args}; out: {ok, value | error}.
 * "state", "log" and "pid" ask for those. Its word: the "installed" helper, or the "clone"'s own.
 */
import { createInterface } from "node:readline";
import { findInstalled } from "../../src-main/helper/pkexec.ts";
import { findRoads } from "../../src-main/helper/roads.ts";
import type { InvokeName } from "../../src-main/ipc/schema.ts";
import { startApp } from "../main/support/app.ts";
import { REFOLD } from "../support/run.ts";

const [which] = process.argv.slice(2);
const command = { program: REFOLD, database: null };
const roads = findRoads(process.getuid?.() ?? -1, command, which === "clone" ? null : findInstalled());
const app = await startApp("", {
  elevator: roads.manage,
  ...(roads.observe === null ? {} : { observeRoad: roads.observe }),
  ...(roads.user === null ? {} : { userRoad: roads.user }),
});
const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
say({ ok: true, value: "ready" });
for await (const line of createInterface({ input: process.stdin })) {
  const { call, args } = JSON.parse(line) as { call: string; args: unknown };
  if (call === "state") say({ ok: true, value: app.core.store.get() });
  else if (call === "pid") say({ ok: true, value: process.pid });
  else if (call === "log") say({ ok: true, value: app.log.lines });
  else if (call === "finished") {
    const [kind, uuid] = args as [never, string];
    say({ ok: true, value: await app.finished(kind, uuid) });
  } else {
    await app.call(call as InvokeName, args as never).then(
      (value: unknown) => {
        say({ ok: true, value });
      },
      (error: unknown) => {
        say({ ok: false, error: error instanceof Error ? error.message : String(error) });
      },
    );
  }
}
await app[Symbol.asyncDispose]();
process.exit(0);
