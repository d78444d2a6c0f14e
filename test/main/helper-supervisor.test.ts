import { chmod, chown, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../src-main/app/app-error.ts";
import type { Elevator } from "../../src-main/helper/elevator.ts";
import { explainPkexec, findInstalled, pkexecRoad } from "../../src-main/helper/pkexec.ts";
import { directRoad, findRoads } from "../../src-main/helper/roads.ts";
import { createSupervisor, type HelperSupervisor } from "../../src-main/helper/supervisor.ts";
import type { HelperState } from "../../src-main/ipc/state.ts";
import { memoryLog, scripted, until, type MemoryLog } from "./support/helpers.ts";

interface Started {
  readonly supervisor: HelperSupervisor;
  readonly states: HelperState[];
  readonly log: MemoryLog;
  readonly ready: () => number;
}

let running: HelperSupervisor[] = [];

function supervise(
  elevator: Elevator,
  user: Elevator | null,
  working: string | null = null,
  observe: Elevator | null = null,
): Started {
  const states: HelperState[] = [];
  const log = memoryLog();
  let ready = 0;
  const supervisor = createSupervisor({
    name: "test",
    log,
    elevator,
    observe,
    user,
    working: () => working,
    onState: (state) => states.push(state),
    onProgress: () => undefined,
    onLog: () => undefined,
    onReady: () => {
      ready += 1;
    },
  });
  running.push(supervisor);
  return { supervisor, states, log, ready: () => ready };
}

const data = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw new Error("it did not fail as it should", { cause: error });
  return error.data;
};
const statuses = (states: readonly HelperState[]): string[] => states.map(({ status }) => status);
const NOWHERE = "00000000-0000-4000-8000-000000000000";
const DEMO = { task: "demo-1" };

afterEach(async () => {
  for (const supervisor of running) await supervisor.end();
  running = [];
});

describe("starting a helper", () => {
  it("as root: one with rights, at once, and calls wait for it", async () => {
    const elevator = scripted("good");
    const { supervisor, states, ready } = supervise(elevator, null);
    const begun = supervisor.begin();
    expect(await supervisor.request("volumes", {})).toEqual([]);
    await supervisor.ready();
    await begun;
    expect([elevator.starts(), statuses(states), ready()]).toEqual([1, ["running"], 1]);
  });

  it("else one without rights; the first call that needs them elevates, once for all callers", async () => {
    const elevator = scripted("good");
    const { supervisor, states } = supervise(elevator, scripted("user"));
    await supervisor.begin();
    expect(supervisor.state.status).toBe("user");
    await Promise.all([supervisor.ready(), supervisor.ready(), supervisor.restart()]);
    expect([elevator.starts(), statuses(states)]).toEqual([1, ["user", "running"]]);
  });

  it("that has no rights although it should is not used", async () => {
    const { supervisor } = supervise(scripted("user"), scripted("user"));
    await supervisor.begin();
    expect((await data(supervisor.request("demo.create", DEMO))).code).toBe("permission");
    expect(supervisor.state).toMatchObject({ status: "user", error: { code: "permission" } });
  });

  it("that is not there: lost, and the next thing to do is said", async () => {
    const { supervisor } = supervise(directRoad({ program: "/nowhere/refold", database: null }), null);
    await supervisor.begin();
    expect(supervisor.state).toMatchObject({ status: "lost", error: { next: "Install Refold again." } });
    expect((await data(supervisor.request("volumes", {}))).message).toContain("/nowhere/refold");
  });
});

describe("a helper that dies", () => {
  it("is told with what it was doing, and comes back when somebody asks for it", async () => {
    const elevator = scripted("dies", "good");
    const { supervisor, states, ready } = supervise(elevator, null, "it was folding home");
    await supervisor.begin();
    await data(supervisor.request("volumes", {}));
    await until(() => supervisor.state.status === "lost");
    expect(supervisor.state.error?.message).toBe(
      "The helper stopped while it was folding home: it was ended by SIGKILL.",
    );
    expect(supervisor.state.error?.kept).toMatch(/may still be immutable/);
    // nothing new begins before somebody has seen what was left
    expect((await data(supervisor.request("demo.create", DEMO))).message).toMatch(/stopped while/);
    expect(elevator.starts()).toBe(1);
    await supervisor.restart();
    expect(await supervisor.request("volumes", {})).toEqual([]);
    expect([statuses(states), ready()]).toEqual([["running", "lost", "running"], 2]);
  });

  it("after its end was asked for is no loss", async () => {
    const { supervisor, states } = supervise(scripted("good"), null);
    await supervisor.begin();
    await supervisor.end();
    expect(statuses(states)).toEqual(["running"]);
  });
});

describe("pkexec", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "refold-pkexec-"));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  /** A program in pkexec's place. */
  async function program(script: string): Promise<string> {
    const path = join(directory, "pkexec");
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return path;
  }
  const programs = { observe: "/usr/lib/refold/refold-observe", manage: "/usr/lib/refold/refold-manage" };

  it("is given the absolute path of the mode's program, and no words for it", async () => {
    const seen = join(directory, "words");
    const pkexec = await program(`printf '%s\\n' "$@" > '${seen}'; exit 127`);
    for (const mode of ["observe", "manage"] as const) {
      await (
        await pkexecRoad(programs, mode, pkexec).start(mode)
      ).exited;
      const words = (await readFile(seen, "utf8")).trimEnd().split("\n");
      expect(words).toEqual(["--disable-internal-agent", `/usr/lib/refold/refold-${mode}`]);
    }
  });

  it("dismissed: quietly back to what was, and it asks again the next time", async () => {
    const { supervisor, states } = supervise(
      pkexecRoad(programs, "manage", await program("exit 126")),
      scripted("user"),
    );
    await supervisor.begin();
    for (let k = 0; k < 2; k++) {
      expect((await data(supervisor.request("demo.create", DEMO))).code).toBe("cancelled");
    }
    expect(states.at(-1)).toEqual({ status: "user", error: null });
    expect(await data(supervisor.restart())).toMatchObject({ code: "cancelled" });
  });

  it("refused: explained", async () => {
    const { supervisor } = supervise(
      pkexecRoad(programs, "manage", await program("exit 127")),
      scripted("user"),
    );
    await supervisor.begin();
    const shown = await data(supervisor.request("demo.create", DEMO));
    expect(shown).toMatchObject({
      code: "permission",
      next: expect.stringContaining("polkit agent") as string,
    });
    expect(supervisor.state).toEqual({ status: "user", error: shown });
  });

  it("is waited for as long as somebody types a password", async () => {
    const go = join(directory, "go");
    const helper = join(import.meta.dirname, "support", "scripted-helper.mjs");
    const asks = await program(
      `while [ ! -e '${go}' ]; do sleep 0.05; done; exec '${process.execPath}' '${helper}' good`,
    );
    const { supervisor } = supervise(pkexecRoad(programs, "manage", asks), scripted("user"));
    await supervisor.begin();
    let ended = false;
    const work = supervisor.ready().then(() => {
      ended = true;
    });
    // others go on meanwhile
    expect(await supervisor.request("volumes", {})).toEqual([]);
    expect([ended, supervisor.state.status]).toEqual([false, "user"]);
    await writeFile(go, "");
    await work;
    expect(supervisor.state.status).toBe("running");
  });

  it("missing: the package is named", async () => {
    const road = pkexecRoad(programs, "manage", join(directory, "none"));
    expect((await data(road.start("manage"))).next).toContain("pkexec");
  });

  it("127 stands for several things, which its words tell apart", () => {
    const message = (...said: string[]): string => {
      const meaning = explainPkexec({ code: 127, signal: null }, said);
      return meaning === null || meaning === "dismissed" ? "" : meaning.message;
    };
    const prefix = "Error executing command as another user:";
    expect(message(`${prefix} No authentication agent found.`)).toContain(
      "nothing in this session that could ask",
    );
    expect(message(`${prefix} Not authorized`, "This incident has been reported.")).toContain("refused");
    expect(message("Error checking for authorization org.refold.Refold.manage: timed out")).toContain(
      "polkit",
    );
    expect(message("something new")).toBe("The system did not give Refold root's rights.");
    expect(explainPkexec({ code: 1, signal: null }, [])).toBeNull();
  });
});

describe("which road", () => {
  const command = { program: "/opt/refold/bin/refold", database: null };
  const programs = { observe: "/usr/lib/refold/refold-observe", manage: "/usr/lib/refold/refold-manage" };

  it("root's is direct, an installed helper's pkexec, a clone's sudo-prompt", () => {
    const names = (uid: number, installed: typeof programs | null) => {
      const { manage, observe, user } = findRoads(uid, command, installed);
      return [manage.road, observe?.road, user?.road];
    };
    expect(names(0, programs)).toEqual(["direct", undefined, undefined]);
    expect(names(1000, programs)).toEqual(["pkexec, manage", "pkexec, observe", "user"]);
    expect(names(1000, null)).toEqual(["sudo-prompt", undefined, "user"]);
    expect(findRoads(1000, command, programs).manage.asks).toBe(true);
    expect(findRoads(1000, command, programs).observe?.asks).toBe(false);
  });

  it("programs that are not root's alone are none", async () => {
    const directory = await mkdtemp(join(tmpdir(), "refold-installed-"));
    try {
      const files = ["observe", "manage", "policy"].map((name) => join(directory, name));
      const [observe = "", manage = "", policy = ""] = files;
      const found = () => findInstalled({ observe, manage }, policy) !== null;
      for (const path of files) {
        expect(found()).toBe(false);
        await writeFile(path, "");
        await chmod(path, 0o755);
      }
      expect(found()).toBe(true);
      await chmod(manage, 0o775);
      expect(found()).toBe(false);
      await chmod(manage, 0o755);
      await chown(observe, 65534, 0);
      expect(found()).toBe(false);
      await rm(observe);
      await symlink(manage, observe);
      expect(found()).toBe(false);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe("a helper that observes", () => {
  it("is the first where there is a road to it; scans go to it as it takes them, the rest elevates", async () => {
    const elevator = scripted("good");
    const { supervisor, states } = supervise(elevator, scripted("user"), null, scripted("observer"));
    await supervisor.begin();
    await supervisor.ready("scan");
    const scan = { task: "scan-1", volume: NOWHERE, minSize: 1 << 20, exclude: ["*.o"], flush: true };
    expect((await supervisor.request("scan", scan)).uuid).toBe(NOWHERE);
    expect(elevator.starts()).toBe(0);
    await supervisor.ready();
    expect([elevator.starts(), statuses(states)]).toEqual([1, ["observing", "running"]]);
  });

  it("that cannot be had is not told of: one without rights is started instead", async () => {
    for (const scenario of ["no-hello", "good", "user"]) {
      const { supervisor } = supervise(scripted("good"), scripted("user"), null, scripted(scenario));
      await supervisor.begin();
      expect(supervisor.state).toEqual({ status: "user", error: null });
    }
  });

  it("that dies comes back without a password", async () => {
    const elevator = scripted("good");
    const { supervisor } = supervise(elevator, scripted("user"), null, scripted("observer-dies", "observer"));
    await supervisor.begin();
    await data(supervisor.request("volumes", {}));
    await until(() => supervisor.state.status === "lost");
    await supervisor.restart();
    expect([supervisor.state.status, elevator.starts()]).toEqual(["observing", 0]);
  });

  it("does not pass for one that may manage", async () => {
    const { supervisor } = supervise(scripted("observer"), scripted("user"));
    await supervisor.begin();
    expect((await data(supervisor.ready())).code).toBe("permission");
    expect(supervisor.state.status).toBe("user");
  });
});
