/**
 * A second client of the browser for tests: Playwright's, over a Unix socket
 * (REFOLD_STAND_IN_CDP) with messages as on the pipe. Its root is a
 * browser-wide session of its own, so the two do not see each other.
 */
import { chmodSync } from "node:fs";
import { createServer, type Server } from "node:net";
import type { CdpConnection, Message, RawClient } from "./connection.ts";

/** @param current the browser of the window that was opened last; null while there is none */
export function serveCdp(path: string, current: () => CdpConnection | null): Server {
  const server = createServer((socket) => {
    const connection = current();
    if (connection === null) {
      socket.destroy();
      return;
    }
    const early: Message[] = [];
    let client: RawClient | null = null;
    let rest = "";
    socket.setEncoding("utf8");
    socket.on("error", () => undefined);
    socket.on("data", (chunk: string) => {
      const parts = (rest + chunk).split("\0");
      rest = parts.pop() ?? "";
      for (const part of parts) {
        const message = JSON.parse(part) as Message;
        if (client === null) early.push(message);
        else connection.forward(client, message);
      }
    });
    connection.browser.send("Target.attachToBrowserTarget").then(
      ({ sessionId }) => {
        const made: RawClient = {
          root: sessionId as string,
          sessions: new Set(),
          deliver: (message) => {
            socket.write(`${JSON.stringify(message)}\0`);
          },
        };
        client = made;
        connection.addClient(made);
        socket.once("close", () => {
          connection.removeClient(made);
          connection.browser.post("Target.detachFromTarget", { sessionId });
        });
        for (const message of early) connection.forward(made, message);
      },
      () => {
        socket.destroy();
      },
    );
  });
  server.listen(path, () => {
    chmodSync(path, 0o600);
  });
  // a test that goes on must not keep the app alive
  server.unref();
  return server;
}
