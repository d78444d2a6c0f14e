import { describe, expect, it } from "vitest";
import { appError } from "../../src-main/app/app-error.ts";
import type { Core } from "../../src-main/app/core.ts";
import { createTrayCommands } from "../../src-main/app/tray-commands.ts";
import type { AppState, Task } from "../../src-main/ipc/state.ts";
import { memoryLog } from "./support/helpers.ts";

type Parts = Parameters<typeof createTrayCommands>[0];

/** Commands on a core that notes what it is asked, and fails with `error` where one is given. */
function setUp(state: Partial<AppState>, error: Error | null = null) {
  const asked: string[] = [];
  const opened: (string | null)[] = [];
  const ask = (what: string): Promise<never> => {
    asked.push(what);
    return error === null ? (Promise.resolve({}) as Promise<never>) : Promise.reject(error);
  };
  const core = {
    store: { get: () => state },
    tasks: { tasks: state.tasks ?? [] },
    helper: { restart: () => ask("restart") },
    stuck: { repair: (volume: string) => ask(`repair ${volume}`) },
    volumes: { refresh: () => ask("refresh") },
    scan: (volume: string) => ask(`scan ${volume}`),
    pause: (task: string, paused: boolean) => ask(`${paused ? "pause" : "resume"} ${task}`),
  } as unknown as Pick<Core, keyof Parts>;
  const window = { open: (view: string | null) => opened.push(view), toggle: () => undefined };
  const commands = createTrayCommands(core, window, () => asked.push("quit"), memoryLog());
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { commands, asked, opened, settled };
}

const volumes = [{ uuid: "a" }, { uuid: "b" }] as unknown as AppState["volumes"];
const task = (id: string, kind: Task["kind"], result: Task["result"] = null) =>
  ({ id, kind, result }) as Task;

describe("the tray's commands", () => {
  it("scan every volume", () => {
    const { commands, asked } = setUp({ volumes });
    commands.scanAll();
    expect(asked).toEqual(["scan a", "scan b"]);
    const none = setUp({ volumes: null });
    none.commands.scanAll();
    expect(none.asked).toEqual([]);
  });

  it("pause what runs and can be paused, and nothing that has ended", () => {
    const tasks = [
      task("1", "scan"),
      task("2", "fold"),
      task("3", "names"),
      task("4", "scan", { kind: "done" }),
    ];
    const { commands, asked } = setUp({ tasks });
    commands.pauseAll(true);
    commands.pauseAll(false);
    expect(asked).toEqual(["pause 1", "pause 2", "resume 1", "resume 2"]);
  });

  it("mend ours on every volume that has some, and look again", async () => {
    const stuck = { a: { ours: 2, unknown: 0 }, b: { ours: 0, unknown: 3 }, c: { ours: 1, unknown: 1 } };
    const { commands, asked, settled } = setUp({ stuck });
    commands.fixStuck();
    await settled();
    expect(asked).toEqual(["repair a", "repair c", "refresh"]);
  });

  it("open the window where something went wrong", async () => {
    const { commands, opened, settled } = setUp({}, appError("permission", "No.", {}));
    commands.restart();
    await settled();
    expect(opened).toEqual(["volumes"]);
  });

  it.each(["cancelled", "busy"] as const)("leave the window alone where it was %s", async (code) => {
    const { commands, opened, settled } = setUp({ volumes }, appError(code, "No.", {}));
    commands.scanAll();
    await settled();
    expect(opened).toEqual([]);
  });
});
