/** A private X server and a private session bus, so that a test neither sees the desktop nor is seen on it. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";

/** Something that runs beside a test. `address` is for the environment of what is to use it. */
export interface Service {
  readonly address: string;
  stop(): Promise<void>;
}

/** First line of a stream. @throws Error where it ends before */
export async function firstLine(stream: Readable, what: string): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += String(chunk);
    const end = text.indexOf("\n");
    if (end >= 0) return text.slice(0, end);
  }
  throw new Error(`${what} ended before it said where it is`);
}

function failure(child: ChildProcess, program: string): Promise<never> {
  return once(child, "error").then(([error]) => {
    throw new Error(`${program} cannot be started: ${String(error)}`);
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

/** Starts Xvfb with one screen of 24 bits, under a number that the server finds itself. */
export async function startDisplay(size = { width: 1280, height: 800 }): Promise<Service> {
  const child = spawn(
    "Xvfb",
    ["-displayfd", "3", "-screen", "0", `${size.width}x${size.height}x24`, "-nolisten", "tcp", "-noreset"],
    { stdio: ["ignore", "ignore", "ignore", "pipe"] },
  );
  const number = await Promise.race([firstLine(child.stdio[3] as Readable, "Xvfb"), failure(child, "Xvfb")]);
  return { address: `:${number}`, stop: () => stop(child) };
}

/** Of a session bus that starts no services, at a Unix socket. */
export const BUS_CONFIG = (
  socket: string,
): string => `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
`;

/** Starts a session bus that starts no services: only what a test puts there is there. */
export async function startSessionBus(): Promise<Service> {
  const directory = mkdtempSync(join(tmpdir(), "refold-bus-"));
  const config = join(directory, "bus.conf");
  writeFileSync(config, BUS_CONFIG(join(directory, "bus")));
  const child = spawn(
    "dbus-daemon",
    [`--config-file=${config}`, "--nofork", "--nopidfile", "--print-address=3"],
    {
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    },
  );
  const address = await Promise.race([
    firstLine(child.stdio[3] as Readable, "dbus-daemon"),
    failure(child, "dbus-daemon"),
  ]);
  return {
    address,
    stop: async () => {
      await stop(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
