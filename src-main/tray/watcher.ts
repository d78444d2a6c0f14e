/**
 * Is there a tray? A StatusNotifierItem is shown only where somebody owns
 * org.kde.StatusNotifierWatcher on the session bus and a host (a panel) has
 * registered with it. Stock GNOME has neither.
 *
 * The bus is spoken to in-process (@particle/dbus-next, bundled): gdbus and
 * busctl are not installed everywhere, and would be a second process for as
 * long as the app runs, with output that is meant for people.
 */
import { existsSync } from "node:fs";
import type { Socket } from "node:net";
import dbus from "@particle/dbus-next";
import type { Log } from "../app/log.ts";
import type { Clock } from "../schedule/clock.ts";

const WATCHER = "org.kde.StatusNotifierWatcher";
const WATCHER_PATH = "/StatusNotifierWatcher";
const BUS = "org.freedesktop.DBus";
const BUS_PATH = "/org/freedesktop/DBus";
/** A bus that does not answer so long is taken for none. */
const TIMEOUT_MS = 5_000;

export interface TrayWatcher {
  /** Begins to ask and to listen; answers come through onChange. Never blocks, never throws. */
  start(): void;
  stop(): void;
  /** A tray icon would be seen now. false until the bus has answered. */
  readonly available: boolean;
  /** @returns what ends it */
  onChange(listener: () => void): () => void;
}

/** The session bus's address: the environment's, or the socket in the runtime directory; null: there is no bus. */
export function sessionBusAddress(env: NodeJS.ProcessEnv): string | null {
  const address = env["DBUS_SESSION_BUS_ADDRESS"];
  if (address !== undefined && address !== "") return address;
  const socket = `${env["XDG_RUNTIME_DIR"] ?? ""}/bus`;
  return socket.length > 4 && existsSync(socket) ? `unix:path=${socket}` : null;
}

/**
 * The library tells neither of a bus that has ended nor closes a connection
 * that was never greeted; both are to be had from its socket, which it keeps
 * to itself. undefined where a later version has it elsewhere.
 */
function socketOf(bus: dbus.MessageBus): Socket | undefined {
  return (bus as unknown as { readonly _connection?: { readonly stream?: Socket } })._connection?.stream;
}

/**
 * @param address see sessionBusAddress
 * @param clock for the time-out alone
 */
export function createTrayWatcher({
  address,
  log,
  clock,
}: {
  readonly address: string | null;
  readonly log: Log;
  readonly clock: Clock;
}): TrayWatcher {
  const listeners = new Set<() => void>();
  let bus: dbus.MessageBus | null = null;
  let available = false;
  // answers can overtake each other: only the newest question's counts
  let question = 0;

  function tell(now: boolean): void {
    if (available === now) return;
    available = now;
    for (const listener of listeners) listener();
  }

  function giveUp(why: string): void {
    log.info(`tray: ${why}`);
    stop();
    tell(false);
  }

  async function call(
    destination: string,
    path: string,
    iface: string,
    member: string,
    signature: string,
    body: readonly unknown[],
  ): Promise<readonly unknown[]> {
    const current = bus;
    if (current === null) throw new Error("the bus is closed");
    let disarm: () => void = () => undefined;
    const late = new Promise<never>((_, reject) => {
      disarm = clock.after(TIMEOUT_MS, () => {
        reject(new Error(`${destination} does not answer`));
      });
    });
    const message = new dbus.Message({
      destination,
      path,
      interface: iface,
      member,
      signature,
      body: [...body],
    });
    try {
      const reply = await Promise.race([current.call(message), late]);
      return (reply?.body ?? []) as readonly unknown[];
    } finally {
      disarm();
    }
  }

  /** Asks the bus who owns the watcher's name, and the watcher whether anybody shows its items. */
  async function ask(): Promise<void> {
    const mine = ++question;
    const [owned] = await call(BUS, BUS_PATH, BUS, "NameHasOwner", "s", [WATCHER]);
    let seen = owned === true;
    if (seen) {
      const property = [WATCHER, "IsStatusNotifierHostRegistered"];
      try {
        const [value] = await call(WATCHER, WATCHER_PATH, `${BUS}.Properties`, "Get", "ss", property);
        seen = value instanceof dbus.Variant && value.value === true;
      } catch (error) {
        // gone again, or one that does not know the property and shows items all the same
        seen = !String(error).includes("does not answer");
        log.info(`tray: ${WATCHER}: ${String(error)}`);
      }
    }
    if (mine === question && bus !== null) tell(seen);
  }

  function askAgain(): void {
    ask().catch((error: unknown) => {
      if (bus !== null) giveUp(String(error));
    });
  }

  function heard(message: dbus.Message): void {
    const { member, body } = message;
    const ownerChanged = member === "NameOwnerChanged" && (body as readonly unknown[])[0] === WATCHER;
    if (
      ownerChanged ||
      member === "StatusNotifierHostRegistered" ||
      member === "StatusNotifierHostUnregistered"
    ) {
      askAgain();
    }
  }

  async function listen(): Promise<void> {
    const rules = [
      `type='signal',sender='${BUS}',interface='${BUS}',member='NameOwnerChanged',arg0='${WATCHER}'`,
      `type='signal',sender='${WATCHER}',interface='${WATCHER}',path='${WATCHER_PATH}'`,
    ];
    for (const rule of rules) await call(BUS, BUS_PATH, BUS, "AddMatch", "s", [rule]);
    await ask();
  }

  function start(): void {
    if (bus !== null) return;
    if (address === null) {
      giveUp("there is no session bus");
      return;
    }
    try {
      bus = dbus.sessionBus({ busAddress: address });
    } catch (error) {
      giveUp(`the session bus cannot be reached: ${String(error)}`);
      return;
    }
    const mine = bus;
    mine.on("error", (error: unknown) => {
      if (bus === mine) giveUp(`the session bus: ${String(error)}`);
    });
    mine.on("message", heard);
    socketOf(mine)?.once("close", () => {
      if (bus === mine) giveUp("the session bus has ended");
    });
    listen().catch((error: unknown) => {
      if (bus === mine) giveUp(`the session bus: ${String(error)}`);
    });
  }

  function stop(): void {
    const closing = bus;
    bus = null;
    question += 1;
    closing?.off("message", heard);
    if (closing === null) return;
    closing.disconnect();
    socketOf(closing)?.destroy();
  }

  return {
    start,
    stop,
    get available() {
      return available;
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
