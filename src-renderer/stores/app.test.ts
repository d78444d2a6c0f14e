import { createPinia, setActivePinia } from "pinia";
import { createApp } from "vue";
import { beforeEach, describe, expect, it } from "vitest";
import type { Answer, Notify, NotifyName, RefoldBridge } from "../../src-main/ipc/schema.ts";
import type { AppState, Task } from "../../src-main/ipc/state.ts";
import type { Settings } from "../../src-main/settings/schema.ts";
import { BRIDGE } from "../bridge.ts";
import { useApp } from "./app.ts";
import { useRoute } from "./route.ts";
import { useStuck } from "./stuck.ts";
import { useToasts } from "./toasts.ts";

const A = "3c1f0a52-7b1e-4a8e-9a55-0d5f1c1a7e01";
const B = "a8d1c0de-1234-4cde-8f00-00000000a2c1";

const SETTINGS: Settings = {
  minSize: 4096,
  exclude: [],
  snapshots: false,
  ranges: false,
  rangesMemory: 2 ** 28,
  rangesRewrite: 50,
  rangesRead: false,
  schedule: "idle",
  scanOnBattery: false,
  scanInFullScreen: false,
  live: true,
  lock: "immutable",
  priority: "idle",
  autostart: false,
  notifications: true,
  language: "system",
  theme: "system",
};

function task(patch: Partial<Task>): Task {
  return {
    id: "t-1",
    kind: "scan",
    volume: A,
    startedAt: 0,
    progress: null,
    rate: null,
    etaMs: null,
    cancelling: false,
    result: null,
    ...patch,
  };
}
function state(patch: Partial<AppState>): AppState {
  return {
    version: "1",
    helper: { status: "running", error: null },
    volumes: [A, B].map((uuid) => ({
      uuid,
      label: uuid.slice(0, 2),
      devices: [],
      mounts: [],
      mountPath: "/",
      readOnly: false,
      compression: null,
      dataProfile: null,
      generation: 1,
      checksum: "crc32c",
      totalBytes: 10,
      usedBytes: 5,
      freeBytes: 5,
      subvolumes: null,
      snapshots: null,
      lastScan: null,
      openIntents: null,
      demo: false,
    })),
    tasks: [],
    stuck: {},
    settings: SETTINGS,
    locale: "en",
    tray: true,
    nextScan: null,
    ...patch,
  };
}
const REFUSED = { code: "permission", message: "no", kept: "all", next: "ask" } as const;

/** A bridge that answers from a table, keeps what it was asked, and can tell. */
class Bridge implements RefoldBridge {
  readonly asked: [string, unknown][] = [];
  readonly answers: Record<string, (args: unknown) => unknown> = {};
  private readonly listeners: { [N in NotifyName]?: (payload: Notify[N]) => void } = {};

  invoke = (async (name: string, args?: unknown): Promise<Answer<unknown>> => {
    this.asked.push([name, args]);
    await Promise.resolve();
    const answer = this.answers[name]?.(args) ?? null;
    return answer === REFUSED ? { ok: false, error: REFUSED } : { ok: true, value: answer };
  }) as RefoldBridge["invoke"];
  on: RefoldBridge["on"] = (name, listener) => {
    Object.assign(this.listeners, { [name]: listener });
    return () => {
      Reflect.deleteProperty(this.listeners, name);
    };
  };
  tell<N extends NotifyName>(name: N, payload: Notify[N]): void {
    this.listeners[name]?.(payload);
  }
}

let bridge: Bridge;
beforeEach(() => {
  bridge = new Bridge();
  const pinia = createPinia();
  createApp({}).provide(BRIDGE, bridge).use(pinia);
  setActivePinia(pinia);
});

describe("the app store", () => {
  it("takes the first state, follows changes, and stops when told", async () => {
    bridge.answers["app.state"] = () => state({ version: "first" });
    const app = useApp();
    const end = await app.start();
    expect(app.state?.version).toBe("first");
    bridge.tell("state", state({ version: "second" }));
    expect(app.state?.version).toBe("second");
    end();
    bridge.tell("state", state({ version: "third" }));
    expect(app.state?.version).toBe("second");
  });

  it("keeps what was told while it waited for the first answer", async () => {
    bridge.answers["app.state"] = () => {
      bridge.tell("state", state({ version: "newer" }));
      return state({ version: "older" });
    };
    const app = useApp();
    await app.start();
    expect(app.state?.version).toBe("newer");
  });

  it("keeps the error where there is no state", async () => {
    bridge.answers["app.state"] = () => REFUSED;
    const app = useApp();
    await app.start();
    expect(app.state).toBeNull();
    expect(app.startError).toEqual(REFUSED);
  });

  it("replaces a task it has, and does not bring back one that was dismissed", async () => {
    bridge.answers["app.state"] = () => state({ tasks: [task({ id: "t-1" })] });
    const app = useApp();
    await app.start();
    bridge.tell("task", task({ id: "t-1", rate: 7 }));
    bridge.tell("task", task({ id: "t-2", rate: 8 }));
    expect(app.tasks.map(({ id, rate }) => [id, rate])).toEqual([["t-1", 7]]);
  });

  it("shows a volume's running task before a finished one", async () => {
    const finished = task({ id: "t-2", kind: "fold", result: { kind: "done" } });
    bridge.answers["app.state"] = () => state({ tasks: [task({ id: "t-1" }), finished] });
    const app = useApp();
    await app.start();
    expect(app.taskOf(A)?.id).toBe("t-1");
    expect(app.isBusy(A)).toBe(true);
    expect(app.taskOf(B)).toBeNull();
    bridge.tell("task", task({ id: "t-1", result: { kind: "cancelled" } }));
    expect(app.taskOf(A)?.id).toBe("t-2");
    expect(app.isBusy(A)).toBe(false);
  });

  it("scans what is free, and asks no second time once refused", async () => {
    bridge.answers["app.state"] = () => state({ tasks: [task({ volume: A })] });
    const app = useApp();
    await app.start();
    await app.scanAll();
    expect(bridge.asked.filter(([name]) => name === "scan.start")).toEqual([["scan.start", { volume: B }]]);

    bridge.tell("state", state({ tasks: [] }));
    bridge.answers["scan.start"] = () => REFUSED;
    await app.scanAll();
    expect(bridge.asked.filter(([name]) => name === "scan.start").slice(1)).toEqual([
      ["scan.start", { volume: A }],
    ]);
    expect(useToasts().toasts.map(({ title, lines }) => [title, lines])).toEqual([["no", ["all", "ask"]]]);
  });

  it("counts stuck files over all volumes", async () => {
    bridge.answers["app.state"] = () =>
      state({ stuck: { [A]: { ours: 3, unknown: 1 }, [B]: { ours: 0, unknown: 2 } } });
    const app = useApp();
    await app.start();
    expect(app.stuckTotal).toBe(6);
    expect(app.stuckOf("elsewhere")).toEqual({ ours: 0, unknown: 0 });
  });

  it("goes where the tray says", async () => {
    bridge.answers["app.state"] = () => state({});
    await useApp().start();
    bridge.tell("navigate", { view: "review", volume: B });
    expect(useRoute().current).toEqual({ view: "review", volume: B });
  });

  it("takes settings as they were saved, and leaves them as they are where they were not", async () => {
    bridge.answers["app.state"] = () => state({});
    const app = useApp();
    await app.start();
    bridge.answers["settings.set"] = () => ({ ...SETTINGS, theme: "dark" });
    expect(await app.setSettings({ theme: "dark" })).toBe(true);
    expect(app.state?.settings.theme).toBe("dark");
    bridge.answers["settings.set"] = () => REFUSED;
    expect(await app.setSettings({ theme: "light" })).toBe(false);
    expect(app.state?.settings.theme).toBe("dark");
  });
});

describe("the bridge's client", () => {
  it("turns a broken road into an error that is shown", async () => {
    bridge.answers["task.pause"] = () => {
      throw new Error("the port is closed");
    };
    const answer = await useApp().pause("t-1", true);
    expect(answer).toMatchObject({ ok: false, error: { code: "failed", message: "the port is closed" } });
    expect(useToasts().toasts).toHaveLength(1);
  });
});

describe("the stuck files' store", () => {
  const file = { id: "256:1:1", volume: A, path: "/x", origin: "refold" as const, since: null };

  it("lists anew after a repair, and keeps what came of it", async () => {
    let left = [file];
    bridge.answers["stuck.list"] = () => left;
    bridge.answers["stuck.repair"] = () => {
      left = [];
      return { repaired: [file.id], failed: [] };
    };
    const store = useStuck();
    await store.load(A);
    expect(store.of(A).files).toEqual([file]);
    expect(await store.repair(A, [])).toEqual({ repaired: [file.id], failed: [] });
    expect(store.of(A)).toMatchObject({ files: [], repairing: false, result: { repaired: [file.id] } });
    store.dismissResult(A);
    expect(store.of(A).result).toBeNull();
  });

  it("keeps the list and says why where it could not repair", async () => {
    bridge.answers["stuck.list"] = () => [file];
    bridge.answers["stuck.repair"] = () => REFUSED;
    const store = useStuck();
    await store.load(A);
    expect(await store.repair(A, [])).toBeNull();
    expect(store.of(A)).toMatchObject({ files: [file], repairing: false, result: null });
    expect(useToasts().toasts[0]?.title).toBe("no");
  });

  it("asks once however often it is told to", async () => {
    bridge.answers["stuck.list"] = () => [];
    const store = useStuck();
    await Promise.all([store.load(A), store.load(A)]);
    expect(bridge.asked).toHaveLength(1);
  });
});

describe("toasts", () => {
  it("shows a message that comes again once, and four at most", () => {
    const store = useToasts();
    for (const title of ["a", "b", "a", "c", "d", "e"]) store.show(title);
    expect(store.toasts.map((toast) => toast.title)).toEqual(["a", "c", "d", "e"]);
  });
});
