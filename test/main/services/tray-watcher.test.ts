import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import dbus from "@particle/dbus-next";
import { closeBus } from "../../electron-stand-in/dbus/session-bus.ts";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../src-main/schedule/clock.ts";
import { createTrayWatcher, sessionBusAddress } from "../../../src-main/tray/watcher.ts";
import type { TrayWatcher } from "../../../src-main/tray/watcher.ts";
import { TestClock, memoryLog, temporaryDirectory } from "./support.ts";

const NAME = "org.kde.StatusNotifierWatcher";
/** A real bus of the test's own. */
async function startBus(): Promise<{ address: string; daemon: ChildProcess }> {
  const daemon = spawn("dbus-daemon", ["--session", "--nofork", "--nopidfile", "--print-address=1"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const gone = new Promise((resolve) => daemon.once("exit", resolve));
  onTestFinished(async () => {
    daemon.kill();
    await gone;
  });
  const address = await new Promise<string>((resolve, reject) => {
    daemon.once("error", reject);
    let text = "";
    daemon.stdout.on("data", (data: Buffer) => {
      text += data.toString();
      if (text.includes("\n")) resolve(text.trim());
    });
  });
  return { address, daemon };
}

/** A connection to it, closed when the test ends. */
function connectTo(address: string): dbus.MessageBus {
  const bus = dbus.sessionBus({ busAddress: address });
  // what the bus's end does to it is no matter
  bus.on("error", () => undefined);
  onTestFinished(() => {
    closeBus(bus);
  });
  return bus;
}

class WatcherInterface extends dbus.interface.Interface {
  IsStatusNotifierHostRegistered = false;
  StatusNotifierHostRegistered(): void {
    // a signal: its name is all it says
  }
  StatusNotifierHostUnregistered(): void {
    // as above
  }
}
WatcherInterface.configureMembers({
  properties: { IsStatusNotifierHostRegistered: { signature: "b", access: "read" } },
  signals: {
    StatusNotifierHostRegistered: { signature: "" },
    StatusNotifierHostUnregistered: { signature: "" },
  },
});

/** A panel's side of the bus. */
interface Panel {
  own(): Promise<void>;
  host(there: boolean): void;
  leave(): void;
}
function panelOn(address: string): Panel {
  const bus = connectTo(address);
  const iface = new WatcherInterface(NAME);
  bus.export("/StatusNotifierWatcher", iface);
  return {
    leave: () => {
      closeBus(bus);
    },
    own: async () => {
      await bus.requestName(NAME, 0);
    },
    host: (there) => {
      iface.IsStatusNotifierHostRegistered = there;
      if (there) iface.StatusNotifierHostRegistered();
      else iface.StatusNotifierHostUnregistered();
    },
  };
}

function watch(at: string | null): { watcher: TrayWatcher; log: ReturnType<typeof memoryLog> } {
  const log = memoryLog();
  const watcher = createTrayWatcher({ address: at, log, clock: systemClock });
  onTestFinished(() => {
    watcher.stop();
  });
  return { watcher, log };
}

/** Resolves when the watcher says so. */
function becomes(watcher: TrayWatcher, available: boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (watcher.available !== available) return;
      end();
      resolve();
    };
    const end = watcher.onChange(look);
    look();
  });
}

describe("on a bus", () => {
  test("a panel that comes, goes and comes back is followed", async () => {
    const { address } = await startBus();
    const { watcher } = watch(address);
    watcher.start();
    expect(watcher.available).toBe(false);
    const panel = panelOn(address);
    await panel.own();
    panel.host(true);
    await becomes(watcher, true);
    // the panel is closed, the watcher stays
    panel.host(false);
    await becomes(watcher, false);
    panel.host(true);
    await becomes(watcher, true);
    // the whole desktop shell crashes
    panel.leave();
    await becomes(watcher, false);
    const next = panelOn(address);
    next.host(true);
    await next.own();
    await becomes(watcher, true);
  });

  test("one that is there at the start is found, by a second watcher too", async () => {
    const { address } = await startBus();
    const panel = panelOn(address);
    panel.host(true);
    await panel.own();
    const watchers = [watch(address).watcher, watch(address).watcher];
    for (const watcher of watchers) watcher.start();
    await Promise.all(watchers.map((watcher) => becomes(watcher, true)));
  });

  test("one that does not know the property shows items all the same", async () => {
    const { address } = await startBus();
    await connectTo(address).requestName(NAME, 0);
    const { watcher } = watch(address);
    watcher.start();
    await becomes(watcher, true);
  });

  test("stop closes the connection", async () => {
    const { address } = await startBus();
    const panel = panelOn(address);
    panel.host(true);
    await panel.own();
    const asker = connectTo(address);
    const names = async (): Promise<number> => {
      const message = new dbus.Message({
        destination: "org.freedesktop.DBus",
        path: "/org/freedesktop/DBus",
        interface: "org.freedesktop.DBus",
        member: "ListNames",
      });
      const reply = await asker.call(message);
      return (reply?.body[0] as string[]).length;
    };
    const before = await names();
    const { watcher } = watch(address);
    watcher.start();
    await becomes(watcher, true);
    expect(await names()).toBe(before + 1);
    watcher.stop();
    await expect.poll(names, { timeout: 60_000 }).toBe(before);
  });
});

describe("no tray, and no harm", () => {
  test("no bus, a broken address, a socket that is not there", async () => {
    const missing = join(temporaryDirectory(), "bus");
    for (const at of [null, "nonsense", "unix:path=", `unix:path=${missing}`]) {
      const { watcher, log } = watch(at);
      watcher.start();
      await expect.poll(() => log.lines.length, { timeout: 60_000 }).toBeGreaterThan(0);
      expect(log.lines[0]).toMatch(/^info: tray: /u);
      expect(watcher.available).toBe(false);
    }
  });

  test("a bus that takes the connection and never answers is given up", async () => {
    const path = join(temporaryDirectory(), "bus");
    const server = createServer((socket) => socket.on("error", () => undefined).resume());
    const connected = new Promise((resolve) => server.once("connection", resolve));
    await new Promise<void>((resolve) => {
      server.listen(path, resolve);
    });
    const clock = new TestClock(0);
    const log = memoryLog();
    const watcher = createTrayWatcher({ address: `unix:path=${path}`, log, clock });
    watcher.start();
    await connected;
    expect(log.lines).toEqual([]);
    await clock.advance(10_000);
    expect(log.lines[0]).toContain("does not answer");
    expect(watcher.available).toBe(false);
    expect(clock.waiting).toBe(0);
    await new Promise((resolve) => server.close(resolve));
  });

  test("a bus that ends while it is watched", async () => {
    const { address, daemon } = await startBus();
    await connectTo(address).requestName(NAME, 0);
    const { watcher, log } = watch(address);
    watcher.start();
    await becomes(watcher, true);
    const ended = becomes(watcher, false);
    daemon.kill("SIGKILL");
    await ended;
    expect(log.lines.at(-1)).toContain("tray: the session bus");
  });
});

test("the address: the environment's, else the runtime directory's socket", () => {
  const runtime = temporaryDirectory();
  expect(sessionBusAddress({ DBUS_SESSION_BUS_ADDRESS: "unix:path=/x", XDG_RUNTIME_DIR: runtime })).toBe(
    "unix:path=/x",
  );
  expect(sessionBusAddress({ XDG_RUNTIME_DIR: runtime })).toBeNull();
  mkdirSync(runtime, { recursive: true });
  writeFileSync(join(runtime, "bus"), "");
  expect(sessionBusAddress({ XDG_RUNTIME_DIR: runtime, DBUS_SESSION_BUS_ADDRESS: "" })).toBe(
    `unix:path=${runtime}/bus`,
  );
  expect(sessionBusAddress({})).toBeNull();
});
