/** A number from 0 to 1 that depends on the two numbers alone (murmur's finalizer). */
export function at(index: number, salt: number): number {
  let h = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(salt + 1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

export function pick<T>(list: readonly T[], index: number, salt: number): T {
  const one = list[Math.floor(at(index, salt) * list.length)];
  if (one === undefined) throw new Error("picked of an empty list");
  return one;
}
