/** Starts the fixture on the stand-in, on a screen and a bus of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { App } from "../e2e/support/app.ts";
import { startDisplay, startSessionBus } from "../e2e/support/display.ts";
import { sessionDirectories } from "../e2e/support/directories.ts";
import { launchOnStandIn } from "../e2e/support/launch.ts";

export interface Stage {
  readonly display: string;
  readonly bus: string;
  readonly home: string;
  launch(env?: Readonly<Record<string, string>>, args?: readonly string[]): Promise<App>;
  end(): Promise<void>;
}

/** For one test file; `end` after all of them. */
export async function openStage(): Promise<Stage> {
  const [display, bus] = await Promise.all([startDisplay(), startSessionBus()]);
  const home = mkdtempSync(join(tmpdir(), "refold-stand-in-test-"));
  const directories = sessionDirectories(home);
  const started: App[] = [];
  return {
    display: display.address,
    bus: bus.address,
    home,
    launch: async (env = {}, args = []) => {
      const app = await launchOnStandIn({
        main: join(import.meta.dirname, "fixture", "main.mjs"),
        args,
        env: {
          ...directories,
          DISPLAY: display.address,
          DBUS_SESSION_BUS_ADDRESS: bus.address,
          LANG: "C.UTF-8",
          ...env,
        },
      });
      started.push(app);
      return app;
    },
    end: async () => {
      for (const app of started) await app.kill();
      await display.stop();
      await bus.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** `window.fixture`, as the fixture's preload makes it. */
export interface Fixture {
  invoke(channel: string, ...args: unknown[]): Promise<unknown>;
  on(channel: string, listener: (...args: unknown[]) => void): () => void;
  copy(value: unknown): unknown;
  later(value: unknown): Promise<unknown>;
  run(callback: (...args: unknown[]) => unknown, ...args: unknown[]): unknown;
  fail(): never;
  reject(): Promise<never>;
  symbol(): unknown;
  count(): number;
  missing(): string;
  modules(): string;
  readonly nested: { list: number[]; deep: { text: string } };
}

declare global {
  /** In the page. */
  var fixture: Fixture;
}
