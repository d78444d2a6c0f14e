/**
 * What an end-to-end test has: a screen, a session bus, directories and a
 * volume of its own, and the app on them.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base } from "@playwright/test";
import { removeLeftovers } from "../../support/leftovers.ts";
import { LoopVolume, type LoopVolumeOptions } from "../../support/volume.ts";
import type { App } from "./app.ts";
import { sessionDirectories } from "./directories.ts";
import { startDisplay, startSessionBus, type Service } from "./display.ts";
import { launchRefold } from "./launch.ts";
import { electronProgram } from "./launch-electron.ts";
import { Watcher } from "./watcher.ts";

export { expect } from "@playwright/test";
export type { App } from "./app.ts";

/** Of the volume that a test is given. */
export const LABEL = "refold-test";

export interface StartOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** With a panel that shows tray icons. Default false. */
  readonly tray?: boolean;
  /** Where the app finds the test's volume, instead of where it is mounted; not with Electron. */
  readonly mountAt?: string;
  /** The app sees no btrfs at all. Default: the test's volume, where it asked for one. */
  readonly noVolumes?: boolean;
}

interface TestFixtures {
  /** Options of the volume; for `test.use`. */
  volumeOptions: LoopVolumeOptions;
  /** The test's own directory: HOME, settings, databases. */
  home: string;
  bus: Service;
  /** Starts the panel on the test's bus, once. */
  panel: () => Promise<Watcher>;
  volume: LoopVolume;
  /** Where the app finds volumes: filled by `volume`. */
  mounts: string[];
  launch: (options?: StartOptions) => Promise<App>;
}
interface WorkerFixtures {
  display: Service;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  display: [
    // Playwright wants the pattern, also where nothing is taken of it

    async ({}, use) => {
      removeLeftovers();
      const display = await startDisplay();
      await use(display);
      await display.stop();
    },
    { scope: "worker" },
  ],
  volumeOptions: [{}, { option: true }],

  home: async ({}, use) => {
    const home = mkdtempSync(join(tmpdir(), "refold-e2e-"));
    await use(home);
    rmSync(home, { recursive: true, force: true });
  },

  bus: async ({}, use) => {
    const bus = await startSessionBus();
    await use(bus);
    await bus.stop();
  },
  panel: async ({ bus }, use) => {
    let watcher: Promise<Watcher> | null = null;
    await use(() => (watcher ??= Watcher.start(bus.address)));
    await (watcher as Promise<Watcher> | null)?.then((made) => made.stop());
  },

  mounts: async ({}, use) => {
    await use([]);
  },
  volume: async ({ volumeOptions, mounts }, use) => {
    const volume = LoopVolume.create({ label: LABEL, ...volumeOptions });
    mounts.push(volume.path);
    await use(volume);
    volume.dispose();
  },
  launch: async ({ display, bus, home, mounts, panel }, use, testInfo) => {
    const started: App[] = [];
    const directories = sessionDirectories(home);
    await use(async ({ args = [], env = {}, tray = false, noVolumes = false, mountAt } = {}) => {
      if (tray) await panel();
      const placed = mountAt === undefined ? mounts : mounts.map((path) => `${path}=${mountAt}`);
      const app = await launchRefold({
        args,
        env: {
          ...directories,
          DISPLAY: display.address,
          DBUS_SESSION_BUS_ADDRESS: bus.address,
          LANG: "en_US.UTF-8",
          REFOLD_DB: join(home, "db"),
          // not the machine's own
          REFOLD_RULES: join(home, "rules.json"),
          ...env,
        },
        ...(electronProgram() === null ? { volumes: noVolumes ? [] : placed } : {}),
      });
      started.push(app);
      return app;
    });
    for (const [index, app] of started.entries()) {
      await app.kill();
      // what it wrote explains a failure; of a test that passed nobody wants it
      if (testInfo.status !== testInfo.expectedStatus) {
        await testInfo.attach(`main process ${index + 1}`, { body: app.logs(), contentType: "text/plain" });
      }
    }
  },
});
