/**
 * The end of an axis of sizes: the first round number at or above.
 *
 * @param bytes the largest value shown
 */
export function roundUp(bytes: number): number {
  if (bytes <= 0) return 1;
  const unit = 1024 ** Math.floor(Math.log(bytes) / Math.log(1024));
  const value = bytes / unit;
  for (const step of [1, 2, 5, 10, 20, 50, 100, 200, 500, 1024]) if (value <= step) return step * unit;
  return 1024 * unit;
}
