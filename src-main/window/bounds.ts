/** Where the window was, kept in the app's own directory. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";

export const MIN_SIZE = { width: 800, height: 600 } as const;
const DEFAULT_SIZE = { width: 1180, height: 780 } as const;
/** So much of the window must be on the screen for a person to get hold of it: pixels. */
const GRIP = 100;

const boundsSchema = z.strictObject({ x: z.int(), y: z.int(), width: z.int(), height: z.int() });
export type Bounds = z.infer<typeof boundsSchema>;
export type Placement = Omit<Bounds, "x" | "y"> & Partial<Bounds>;

/**
 * What to open the window with: the size fits the screen, and the place is
 * kept only if the window can be seen and moved there.
 *
 * @param saved null where nothing is known
 * @param area of the screen that windows may take
 */
export function placement(saved: Bounds | null, area: Bounds): Placement {
  const wanted = saved ?? DEFAULT_SIZE;
  const width = Math.max(MIN_SIZE.width, Math.min(wanted.width, area.width));
  const height = Math.max(MIN_SIZE.height, Math.min(wanted.height, area.height));
  if (saved === null) return { width, height };
  const across = Math.min(saved.x + width, area.x + area.width) - Math.max(saved.x, area.x);
  const seen = across >= GRIP && saved.y >= area.y && saved.y <= area.y + area.height - GRIP;
  return seen ? { x: saved.x, y: saved.y, width, height } : { width, height };
}

/** Reads the bounds that saveBounds wrote; null where there are none, or no good ones. */
export function loadBounds(file: string): Bounds | null {
  try {
    return boundsSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return null;
  }
}

/** Writes the bounds. Where that fails the window opens at its default place next time, and no more. */
export function saveBounds(file: string, { x, y, width, height }: Bounds): void {
  try {
    const temporary = `${file}.new`;
    writeFileSync(temporary, JSON.stringify({ x, y, width, height }), { mode: 0o600 });
    renameSync(temporary, file);
  } catch {
    // nothing worth a message
  }
}
