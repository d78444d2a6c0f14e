import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { closeAll } from "./volume.mjs";

/** Exit codes of a shell: 128 and the signal's number. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/**
 * Does a bench's work in a folder, and leaves nothing of it behind however it
 * ends, signals included: volumes are closed, and of a folder that was named
 * only `parts` is removed.
 *
 * @param {object} where
 * @param {string} [where.named] made where it is not there; none: a new one in the temporary folder
 * @param {string} where.prefix of the new one's name
 * @param {readonly string[]} where.parts names in the folder
 * @param {(folder: string) => Promise<void>} work
 */
export async function inWorkFolder({ named, prefix, parts }, work) {
  const folder = named === undefined ? mkdtempSync(join(tmpdir(), prefix)) : resolve(named);
  mkdirSync(folder, { recursive: true });
  const cleanUp = () => {
    closeAll();
    for (const part of parts) rmSync(join(folder, part), { recursive: true, force: true });
    if (named === undefined) rmSync(folder, { recursive: true, force: true });
  };
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.once(signal, () => {
      cleanUp();
      process.exit(code);
    });
  }
  try {
    await work(folder);
  } finally {
    cleanUp();
  }
}
