/** Longest arguments of one call: characters of texts and names, eight for anything else. */
export const MAX_ARGS_SIZE = 1024 * 1024;
const MAX_DEPTH = 16;
/** Own keys of these names do harm wherever an object is merged into another. */
const BAD_KEYS: readonly string[] = ["__proto__", "constructor", "prototype"];

/**
 * What is wrong with the shape of a value that came from a page, before any
 * schema looks at it: structured clone lets through maps, buffers, cycles and
 * any size.
 *
 * @returns a short reason; null where it is plain data of a bearable size
 */
export function shapeFault(value: unknown, maxSize = MAX_ARGS_SIZE): string | null {
  let size = 0;
  const walk = (part: unknown, depth: number): string | null => {
    size += typeof part === "string" ? part.length + 8 : 8;
    if (size > maxSize) return "too large";
    if (typeof part === "bigint" || typeof part === "symbol" || typeof part === "function") {
      return `a ${typeof part}`;
    }
    if (typeof part !== "object" || part === null) return null;
    if (depth === 0) return "too deep";
    if (Array.isArray(part)) {
      // a length alone costs nothing to send and much to walk
      if (size + part.length * 8 > maxSize) return "too large";
      for (const item of part) {
        const fault = walk(item, depth - 1);
        if (fault !== null) return fault;
      }
      return null;
    }
    const prototype: unknown = Object.getPrototypeOf(part);
    if (prototype !== Object.prototype && prototype !== null) return "not plain data";
    for (const key of Object.keys(part)) {
      if (BAD_KEYS.includes(key)) return `a key "${key}"`;
      size += key.length;
      const fault = walk((part as Record<string, unknown>)[key], depth - 1);
      if (fault !== null) return fault;
    }
    return null;
  };
  return walk(value, MAX_DEPTH);
}
