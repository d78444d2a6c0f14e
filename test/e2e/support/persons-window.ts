/**
 * The app on the stand-in as a person of a test machine (test/privilege/machine.ts):
 * their own process, screen, session bus, directories and browser.
 */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { join } from "node:path";
import { chromium, type Page } from "@playwright/test";
import type { Command } from "../../electron-stand-in/control.ts";
import type { Machine, Person } from "../../privilege/machine.ts";
import { BUS_CONFIG, firstLine } from "./display.ts";
import { MAIN, REGISTER } from "./launch.ts";
import { nodeProgram } from "./process.ts";
import { cdpTransport, connectWhenThere, Control } from "./transport.ts";

/** Milliseconds until the page is shown; a busy machine takes its time. */
const SHOWN_MS = 120_000;
/** The browser's launcher inside. */
const BROWSER = "/usr/local/bin/chromium-without-sandbox";

/** What a login adds to a person's environment. */
export type Session = Readonly<Record<string, string>>;

/** Starts the person's X server and session bus inside; the machine takes them with it when it goes. */
export async function startSession(machine: Machine, person: Person): Promise<Session> {
  const runtime = `/run/user/${String(person.uid)}`;
  // an X server that is not root's cannot make it as the X servers of root want it
  (await machine.run(["install", "-d", "-m", "1777", "/tmp/.X11-unix"])).expectCode(0);
  const screen = ["-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"];
  const server = machine.start(["Xvfb", "-displayfd", "1", ...screen], person);
  writeFileSync(machine.path("/tmp/session-bus.conf"), BUS_CONFIG(`${runtime}/bus`));
  const words = ["--config-file=/tmp/session-bus.conf", "--nofork", "--nopidfile", "--print-address=1"];
  const bus = machine.start(["dbus-daemon", ...words], person);
  const [display, address] = await Promise.all([
    firstLine(server.stdout, "Xvfb"),
    firstLine(bus.stdout, "dbus-daemon"),
  ]);
  return { DISPLAY: `:${display}`, DBUS_SESSION_BUS_ADDRESS: address, LANG: "en_US.UTF-8" };
}

/** The app with its window, as a person's own. */
export class PersonsWindow implements AsyncDisposable {
  readonly page: Page;
  readonly #machine: Machine;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #control: Control;
  readonly #logs: () => string;

  private constructor(
    machine: Machine,
    child: ChildProcessWithoutNullStreams,
    parts: { page: Page; control: Control; logs: () => string },
  ) {
    this.#machine = machine;
    this.#child = child;
    this.page = parts.page;
    this.#control = parts.control;
    this.#logs = parts.logs;
  }

  /**
   * Starts it and waits for its page.
   *
   * @throws Error with all that it wrote, where it ends before that
   */
  static async start(machine: Machine, person: Person, session: Session): Promise<PersonsWindow> {
    const made = await machine.run(["mktemp", "-d", `/run/user/${String(person.uid)}/app-XXXXXX`], person);
    const sockets = made.expectCode(0).stdout.trim();
    // Below chroot(2) the kernel makes no user namespaces, so Chromium's sandbox cannot start there.
    writeFileSync(machine.path(BROWSER), '#!/bin/sh\nexec /usr/bin/chromium --no-sandbox "$@"\n', {
      mode: 0o755,
    });
    const environment = {
      ...session,
      REFOLD_STAND_IN_CHROMIUM: BROWSER,
      REFOLD_STAND_IN_CDP: join(sockets, "cdp"),
      REFOLD_STAND_IN_CONTROL: join(sockets, "control"),
    };
    const child = machine.start(
      [
        "env",
        ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
        machine.where(nodeProgram()),
        "--disable-warning=ExperimentalWarning",
        "--import",
        machine.where(REGISTER),
        machine.where(MAIN),
      ],
      person,
    );
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    }
    const logs = (): string => text;
    const deadline = Date.now() + SHOWN_MS;
    const fail = (what: string): Error => new Error(`${what}; the app wrote:\n${text}`);
    const gaveUp = (): Error | null =>
      child.exitCode !== null || child.signalCode !== null
        ? new Error("the app ended")
        : Date.now() > deadline
          ? new Error("the app did not show its page")
          : null;
    try {
      const control = new Control(await connectWhenThere(machine.path(join(sockets, "control")), gaveUp));
      await control.send({ command: "window.ready" });
      const transport = cdpTransport(await connectWhenThere(machine.path(join(sockets, "cdp")), gaveUp));
      const browser = await chromium.connectOverCDP(transport);
      const page = browser.contexts()[0]?.pages()[0];
      if (page === undefined) throw new Error("the window has no page");
      return new PersonsWindow(machine, child, { page, control, logs });
    } catch (error) {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "close");
      throw fail(error instanceof Error ? error.message : String(error));
    }
  }

  /** What the main process wrote so far, both streams. */
  logs(): string {
    return this.#logs();
  }

  send<T>(command: Command): Promise<T> {
    return this.#control.send<T>(command);
  }

  /** The test's own id of the helper that runs, by the app's log. @throws Error where none does */
  helperPid(): number {
    const inside = [...this.#logs().matchAll(/helper \S+ runs as process (\d+)/g)].at(-1)?.[1];
    if (inside === undefined) throw new Error(`no helper runs; the app wrote:\n${this.#logs()}`);
    return this.#machine.pidOutside(inside);
  }

  /** Quits it as the session's end would, and waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, "exit");
      await this.#control.send({ command: "quit" }).catch(() => undefined); // it may have ended by then
      await exited;
    }
    this.#control.close();
  }
}
