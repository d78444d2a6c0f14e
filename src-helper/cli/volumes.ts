import type { Engine, Volume } from "../engine/contract.ts";
import { RefoldError } from "../engine/errors.ts";
import type { Session } from "./session.ts";
import { displayPath } from "./terminal-text.ts";

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
  if (names.length > 0) {
    for (const { summary } of volumes) {
      const name = volumeName(summary);
      if (summary.mounts.length === 0)
        session.note(`${name} is not mounted: looked at all the same, as it was named`);
      else if (summary.readOnly) session.note(`${name} is mounted read-only: nothing on it can be folded`);
    }
  }
  return new OpenVolumes(volumes);
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
