/** A private screen and session bus, and the app started on them as the end-to-end tests start it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sessionDirectories } from "../../../test/e2e/support/directories.ts";
import { startDisplay, startSessionBus } from "../../../test/e2e/support/display.ts";
import { electronProgram } from "../../../test/e2e/support/launch-electron.ts";
import { launchRefold } from "../../../test/e2e/support/launch.ts";

/** What the app runs on here: figures of one do not compare with those of the other. */
export const PLATFORM = electronProgram() === null ? "stand-in" : "Electron";

/**
 * @typedef {object} Running
 * @property {import("../../../test/e2e/support/app.ts").App} app
 * @property {string} home the run's own directory, in the environment of all that the app starts
 * @property {number} spawnedAt milliseconds since the epoch
 * @property {() => Promise<void>} stop
 */

export class Session {
  #services;
  #size;
  /** Apps that were not stopped yet. */
  #started = new Set();

  /** @param {{ display: object, bus: object, size: { width: number, height: number } }} parts */
  constructor({ display, bus, size }) {
    this.#services = { display, bus };
    this.#size = size;
  }

  static async open(size = { width: 1280, height: 800 }) {
    return new Session({ display: await startDisplay(size), bus: await startSessionBus(), size });
  }

  get screen() {
    return `${this.#size.width} x ${this.#size.height}`;
  }

  /**
   * Starts an app with settings of its own, as for the first time.
   * @param {{ volumes: string[], database: string, main?: string }} options main: another program than the app
   * @returns {Promise<Running>}
   */
  async start({ volumes, database, main }) {
    const home = mkdtempSync(join(tmpdir(), "refold-bench-app-"));
    const { display, bus } = this.#services;
    const env = {
      ...sessionDirectories(home),
      DISPLAY: display.address,
      DBUS_SESSION_BUS_ADDRESS: bus.address,
      LANG: "en_US.UTF-8",
      REFOLD_DB: database,
    };
    const spawnedAt = performance.timeOrigin + performance.now();
    const app = await launchRefold({
      env,
      ...(main === undefined ? {} : { main }),
      // Electron is not started in a mount namespace: there the app sees the machine's volumes
      ...(PLATFORM === "stand-in" ? { volumes } : {}),
    });
    this.#started.add(app);
    const stop = async () => {
      await app.close();
      this.#started.delete(app);
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    };
    return { app, home, spawnedAt, stop };
  }

  /** Also ends what is still running, as when the bench is interrupted. */
  async close() {
    for (const app of this.#started) await app.kill();
    await this.#services.display.stop();
    await this.#services.bus.stop();
  }
}
