import type { Engine, Volume } from "../engine/contract.ts";
import { RefoldError } from "../engine/errors.ts";
import type { Session } from "./session.ts";
import { displayPath } from "./terminal-text.ts";

/** The name of each volume, asked for once: a summary reads trees and the database. */
const names = new WeakMap<Volume, string>();

/** How a person knows a volume that is open. */
export function nameOfVolume(volume: Volume): string {
  const known = names.get(volume);
  if (known !== undefined) return known;
  const name = volumeName(volume.summary);
  names.set(volume, name);
  return name;
}

/** Volumes that close together. */
export class OpenVolumes implements Disposable {
  readonly all: readonly Volume[];

  constructor(all: readonly Volume[]) {
    this.all = all;
  }

  [Symbol.dispose](): void {
    for (const volume of this.all) volume.close();
  }
}

/** "data (/mnt/data)", "/mnt/data" or the uuid: how a person knows a volume. */
export function volumeName(volume: {
  readonly label: string;
  readonly mountPath: string;
  readonly uuid: string;
}): string {
  const label = displayPath(volume.label);
  const path = displayPath(volume.mountPath);
  if (label !== "" && path !== "") return `${path} (${label})`;
  return path || label || volume.uuid;
}

function openNamed(session: Session, engine: Engine, names: readonly string[]): readonly Volume[] {
  try {
    return engine.open(names);
  } catch (error) {
    if (names.length < 2) throw error;
  }
  // One bad name must not keep the good ones from their work: find out which it is.
  const good = names.filter((name) => {
    try {
      for (const volume of engine.open([name])) volume.close();
      return true;
    } catch (error) {
      session.fail(error);
      return false;
    }
  });
  return good.length === 0 ? [] : engine.open(good);
}

/**
 * Opens the volumes that a call names, or all mounted writable ones. A name
 * that is none is reported; the others are opened all the same.
 *
 * @throws RefoldError where nothing can be opened and nothing was reported
 */
export async function openVolumes(session: Session, names: readonly string[]): Promise<OpenVolumes> {
  const volumes = openNamed(session, await session.engine(), names);
  if (volumes.length === 0 && session.errors.length === 0) {
    throw new RefoldError("no-volume", "no writable btrfs filesystem is mounted here");
  }
  return new OpenVolumes(volumes);
}

/** Says of volumes that were named what keeps them from being folded. */
export function noteReadOnly(session: Session, volumes: OpenVolumes, named: readonly string[]): void {
  if (named.length === 0) return;
  for (const volume of volumes.all) {
    if (!volume.readOnly) continue;
    session.note(`${nameOfVolume(volume)} is mounted read-only: what is found there cannot be folded`);
  }
}

/** Runs the body for one volume after another; an error of one is reported, the others go on. */
export async function eachVolume(
  session: Session,
  volumes: OpenVolumes,
  body: (volume: Volume) => Promise<void> | void,
): Promise<void> {
  for (const volume of volumes.all) {
    if (session.signal.aborted) return;
    try {
      await body(volume);
    } catch (error) {
      session.fail(error, volume);
    }
  }
}
