/**
 * Index of the first pair whose first number is not below the one sought.
 * @param pairs two numbers after two numbers, ascending by the first
 * @param from index of a pair: those before it are not looked at
 */
export function findPair(pairs: Uint16Array | Uint32Array | Float64Array, sought: number, from = 0): number {
  let low = from / 2;
  let high = pairs.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pairs[2 * middle] ?? 0) < sought) low = middle + 1;
    else high = middle;
  }
  return 2 * low;
}
