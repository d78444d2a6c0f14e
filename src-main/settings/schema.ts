/** The person's settings: ~/.config/refold/settings.json. */
import { z } from "zod";

export const settingsSchema = z.strictObject({
  /** Bytes; smaller files are left out. */
  minSize: z
    .int()
    .min(0)
    .max(2 ** 50)
    .default(4096),
  /** Globs of paths and names that are always left out. The helper takes none with four backslashes in a row. */
  exclude: z
    .array(
      z
        .string()
        .min(1)
        .max(8192)
        .regex(/^(?!.*\\{4})/s),
    )
    .max(1000)
    .default([]),
  /** Fold copies in read-only snapshots too. */
  snapshots: z.boolean().default(false),
  /** Look for equal parts of files too. Off: freeing them writes what is left of an extent anew. */
  ranges: z.boolean().default(false),
  /** Bytes of memory for that search. */
  rangesMemory: z
    .int()
    .min(16 * 2 ** 20)
    .max(2 ** 40)
    .default(256 * 2 ** 20),
  /** Percent of what goes that may be written anew. */
  rangesRewrite: z.int().min(0).max(100).default(50),
  /** Read what is compressed, or has no checksums, to find equal parts of that too. */
  rangesRead: z.boolean().default(false),
  schedule: z.enum(["off", "daily", "weekly", "idle"]).default("idle"),
  /** Scheduled scans on battery, and while an app fills the screen. */
  scanOnBattery: z.boolean().default(false),
  scanInFullScreen: z.boolean().default(false),
  /** Follow what changes while the app runs, with scans of what changed; the schedule must not be off. */
  live: z.boolean().default(true),
  lock: z.enum(["immutable", "lease"]).default("immutable"),
  priority: z.enum(["idle", "normal"]).default("idle"),
  autostart: z.boolean().default(false),
  notifications: z.boolean().default(true),
  /** "system": the desktop's. */
  language: z.enum(["system", "en", "de"]).default("system"),
  theme: z.enum(["system", "light", "dark"]).default("system"),
});
export type Settings = z.infer<typeof settingsSchema>;
export const DEFAULT_SETTINGS: Settings = settingsSchema.parse({});

// without defaults: a patch must not reset what it leaves out
const shape = settingsSchema.shape;
export const settingsPatchSchema = z
  .strictObject({
    minSize: shape.minSize.unwrap(),
    exclude: shape.exclude.unwrap(),
    snapshots: shape.snapshots.unwrap(),
    ranges: shape.ranges.unwrap(),
    rangesMemory: shape.rangesMemory.unwrap(),
    rangesRewrite: shape.rangesRewrite.unwrap(),
    rangesRead: shape.rangesRead.unwrap(),
    schedule: shape.schedule.unwrap(),
    scanOnBattery: shape.scanOnBattery.unwrap(),
    scanInFullScreen: shape.scanInFullScreen.unwrap(),
    live: shape.live.unwrap(),
    lock: shape.lock.unwrap(),
    priority: shape.priority.unwrap(),
    autostart: shape.autostart.unwrap(),
    notifications: shape.notifications.unwrap(),
    language: shape.language.unwrap(),
    theme: shape.theme.unwrap(),
  })
  .partial();
export type SettingsPatch = z.infer<typeof settingsPatchSchema>;
