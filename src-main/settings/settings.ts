/**
 * The person's settings in a file: read, held to their schema, written as a
 * whole. The writing is `atomically`'s, which electron-store's core uses too.
 * electron-store itself would add a second schema language, 14 MB of memory for
 * it, and an IPC channel that answers any page without looking who asks.
 */
import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { writeFileSync } from "atomically";
import type { Log } from "../app/log.ts";
import { DEFAULT_SETTINGS, settingsPatchSchema, settingsSchema } from "./schema.ts";
import type { Settings, SettingsPatch } from "./schema.ts";

export type SettingsListener = (settings: Settings, before: Settings) => void;

export interface SettingsService {
  /** As last read or written. A new object after each change, never changed itself. */
  get(): Settings;
  /**
   * Changes what the patch names and writes the file, atomically, mode 0600.
   * The file is read first, so that what was edited by hand meanwhile is kept.
   *
   * @throws ZodError for a patch that does not fit; the file's error where it cannot be written.
   *   Nothing is changed then.
   */
  set(patch: SettingsPatch): Settings;
  /** Called after each change. @returns what ends it */
  onChange(listener: SettingsListener): () => void;
  /** Absolute path of the file. */
  readonly path: string;
}

/** @throws SyntaxError for what is no JSON object: it holds no settings at all */
function parseObject(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SyntaxError("not a JSON object");
  }
  return value as Record<string, unknown>;
}

/** Takes what fits the schema; `broken` names what did not, or is not known. */
function readSettings(raw: Readonly<Record<string, unknown>>): { settings: Settings; broken: string[] } {
  const broken: string[] = [];
  const taken: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(raw)) {
    const schema = Object.hasOwn(settingsSchema.shape, key)
      ? settingsSchema.shape[key as keyof Settings]
      : undefined;
    if (schema?.safeParse(value).success === true) taken[key] = value;
    else broken.push(key);
  }
  return { settings: settingsSchema.parse(taken), broken };
}

/**
 * Reads settings.json in a directory. What is broken there never keeps the app
 * from starting: a value that does not fit falls back to its default, and the
 * file as it was is kept beside it as settings.json.broken-<time>.
 *
 * @param directory the app's userData, e.g. ~/.config/refold; made where it is missing
 */
export function createSettings({
  directory,
  log,
  now = Date.now,
}: {
  readonly directory: string;
  readonly log: Log;
  readonly now?: () => number;
}): SettingsService {
  const path = join(directory, "settings.json");
  const listeners = new Set<SettingsListener>();
  /** Why the file as it is must not be written over; null: it may be. */
  let untouchable: string | null = null;

  /** @returns false where it could not be kept, and so must not be written over */
  function keepAside(why: string): boolean {
    const aside = `${path}.broken-${new Date(now()).toISOString().replaceAll(/[:.]/gu, "-")}`;
    try {
      renameSync(path, aside);
      log.warn(`settings: ${why}; defaults are used instead, and the file is kept as ${aside}`);
      return true;
    } catch (error) {
      untouchable = `${why}, and it cannot be moved aside: ${String(error)}`;
      log.warn(`settings: ${untouchable}; defaults are used instead`);
      return false;
    }
  }

  /** Never fails: what cannot be read is the defaults, and the log says why. */
  function load(): Settings {
    let raw: Record<string, unknown>;
    untouchable = null;
    try {
      raw = parseObject(readFileSync(path, "utf8"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return DEFAULT_SETTINGS;
      const why = `${path} cannot be read (${error instanceof Error ? error.message : String(error)})`;
      if (!(error instanceof SyntaxError)) {
        untouchable = why;
        log.warn(`settings: ${why}; defaults are used instead`);
      } else if (keepAside(why)) {
        write(DEFAULT_SETTINGS);
      }
      return DEFAULT_SETTINGS;
    }
    const { settings, broken } = readSettings(raw);
    if (broken.length > 0 && keepAside(`${path} has values that do not fit: ${broken.join(", ")}`)) {
      write(settings);
    }
    return settings;
  }

  function write(settings: Settings): void {
    try {
      save(settings);
    } catch (error) {
      log.warn(`settings: ${path} cannot be written: ${String(error)}`);
    }
  }

  function save(settings: Settings): void {
    if (untouchable !== null) throw new Error(`The settings were not saved: ${untouchable}`);
    writeFileSync(path, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
  }

  let current = load();
  return {
    path,
    get: () => current,
    set: (patch) => {
      const checked = settingsPatchSchema.parse(patch);
      const before = current;
      const next = settingsSchema.parse({ ...load(), ...checked });
      save(next);
      current = next;
      for (const listener of listeners) {
        // it is saved: one follower's trouble is neither the others' nor the caller's
        try {
          listener(next, before);
        } catch (error) {
          log.error(`settings: what follows a change failed: ${String(error)}`);
        }
      }
      return next;
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
