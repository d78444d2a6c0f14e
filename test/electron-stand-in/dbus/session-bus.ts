/** The session bus, if there is one. */
import dbus from "@particle/dbus-next";

/** Whether the environment names a bus. One is never started. */
export function hasSessionBus(): boolean {
  return (process.env["DBUS_SESSION_BUS_ADDRESS"] ?? "") !== "";
}

/** A connection of its own. It ends with `disconnect`; its errors are the caller's to hear. */
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
