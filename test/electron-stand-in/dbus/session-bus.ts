/** The session bus, if there is one. */
import type { Socket } from "node:net";
import dbus from "@particle/dbus-next";

/** Whether the environment names a bus. One is never started. */
export function hasSessionBus(): boolean {
  return (process.env["DBUS_SESSION_BUS_ADDRESS"] ?? "") !== "";
}

/**
 * Ends a connection at once. The library's own `disconnect` only ends what is
 * written: a question that arrives afterwards is answered into a closed stream,
 * which throws where nobody can catch it.
 */
export function closeBus(bus: dbus.MessageBus): void {
  bus.disconnect();
  (bus as unknown as { readonly _connection: { readonly stream: Socket } })._connection.stream.destroy();
}

/** A connection of its own. It ends with `closeBus`; its errors are the caller's to hear. */
export function openSessionBus(): dbus.MessageBus {
  const busAddress = process.env["DBUS_SESSION_BUS_ADDRESS"] ?? "";
  const bus = dbus.sessionBus({ busAddress });
  // a bus that ends takes the icon along, and nothing else
  bus.on("error", () => undefined);
  return bus;
}

/** One call. @returns the answer's values. @throws DBusError */
export async function callBus(
  bus: dbus.MessageBus,
  call: {
    destination: string;
    path: string;
    interface: string;
    member: string;
    signature?: string;
    body?: unknown[];
  },
): Promise<unknown[]> {
  const reply = await bus.call(new dbus.Message(call));
  return (reply?.body ?? []) as unknown[];
}
