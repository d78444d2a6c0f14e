/**
 * Structured clone over a channel of strings, for Node and for the page: one
 * line of JSON, ASCII where a lone surrogate would not survive UTF-8.
 *
 * A message is a table of objects; each refers to others by their place, so
 * cycles and shared references survive and no depth can overflow the stack.
 * https://html.spec.whatwg.org/multipage/structured-data.html
 */

/** A value in its place: itself where JSON keeps it, or [tag, ...]. */
type Slot = string | number | boolean | null | readonly [string, ...(string | number)[]];
type Entry = readonly [string, ...unknown[]];

type View = Uint8Array | DataView;
type ViewConstructor = new (buffer: ArrayBufferLike, offset: number, length: number) => View;
const VIEWS: Readonly<Record<string, unknown>> = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
};
const ERRORS: Readonly<Record<string, ErrorConstructor>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};
/** Objects with state of the engine's own: nothing of them could be copied. */
const OPAQUE = [Promise, WeakMap, WeakSet, WeakRef, EventTarget, Event] as const;

/** As Electron words it. */
export class CloneError extends Error {
  override readonly name = "DataCloneError";
  constructor() {
    super("An object could not be cloned.");
  }
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(text);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

function errorName(error: Error): string {
  return Object.hasOwn(ERRORS, error.name) ? error.name : "Error";
}

/** @throws CloneError for functions, symbols and what else has no copy */
export function encode(value: unknown): string {
  const places = new Map<object, number>();
  const queue: object[] = [];

  function slot(item: unknown): Slot {
    switch (typeof item) {
      case "string":
      case "boolean":
        return item;
      case "number":
        return Number.isFinite(item) && !Object.is(item, -0)
          ? item
          : ["n", Object.is(item, -0) ? "-0" : String(item)];
      case "undefined":
        return ["u"];
      case "bigint":
        return ["b", String(item)];
      case "object": {
        if (item === null) return null;
        const known = places.get(item);
        if (known !== undefined) return ["r", known];
        places.set(item, queue.length);
        queue.push(item);
        return ["r", queue.length - 1];
      }
      case "function":
      case "symbol":
        throw new CloneError();
    }
  }
  const own = (item: object): Slot[] =>
    Object.keys(item).flatMap((key) => [key, slot((item as Record<string, unknown>)[key])]);

  function entry(item: object): Entry {
    if (Array.isArray(item)) {
      const dense = Object.keys(item).length === item.length;
      return dense ? ["A", ...item.map(slot)] : ["a", item.length, ...own(item)];
    }
    if (item instanceof Date) return ["d", slot(item.getTime())];
    if (item instanceof RegExp) return ["x", item.source, item.flags];
    if (item instanceof Map) return ["m", ...[...item].flatMap(([key, held]) => [slot(key), slot(held)])];
    if (item instanceof Set) return ["s", ...[...item].map(slot)];
    if (item instanceof ArrayBuffer) return ["B", toBase64(new Uint8Array(item))];
    if (ArrayBuffer.isView(item)) {
      const kind = item instanceof DataView ? "DataView" : (item as Uint8Array)[Symbol.toStringTag];
      if (!Object.hasOwn(VIEWS, kind)) throw new CloneError();
      if (item.buffer.byteLength !== item.byteLength) {
        // of a larger buffer (Node's pool) only what is seen
        const bytes = new Uint8Array(item.buffer, item.byteOffset, item.byteLength).slice();
        return [
          "T",
          kind,
          slot(bytes.buffer),
          item instanceof DataView ? item.byteLength : (item as Uint8Array).length,
        ];
      }
      return [
        "T",
        kind,
        slot(item.buffer),
        item instanceof DataView ? item.byteLength : (item as Uint8Array).length,
      ];
    }
    if (item instanceof Error) {
      const cause = Object.hasOwn(item, "cause") ? [slot(item.cause)] : [];
      return ["E", errorName(item), slot(item.message), slot(item.stack), ...cause];
    }
    if (
      item instanceof Number ||
      item instanceof String ||
      item instanceof Boolean ||
      item instanceof BigInt
    ) {
      return ["P", slot(item.valueOf())];
    }
    // pages have no SharedArrayBuffer to compare with
    const isShared = Object.prototype.toString.call(item) === "[object SharedArrayBuffer]";
    if (isShared || OPAQUE.some((kind) => item instanceof kind) || item instanceof Symbol)
      throw new CloneError();
    return ["o", ...own(item)];
  }

  const root = slot(value);
  const table: Entry[] = [];
  for (let at = 0; at < queue.length; at++) table.push(entry(queue[at] as object));
  return JSON.stringify([root, table]);
}

/** @throws Error for what encode did not make */
export function decode(text: string): unknown {
  const [root, table] = JSON.parse(text) as [Slot, Entry[]];
  const made: unknown[] = [];

  function at(place: unknown): unknown {
    if (typeof place !== "number" || !(place in table)) throw new Error("a message refers to nothing");
    return made[place];
  }
  function value(slot: unknown): unknown {
    if (!Array.isArray(slot)) return slot;
    const [tag, held] = slot as [string, unknown];
    if (tag === "n") return Number(held);
    if (tag === "u") return undefined;
    if (tag === "b") return BigInt(held as string);
    if (tag === "r") return at(held);
    throw new Error("a message is of no known form");
  }
  function define(target: object, key: unknown, held: unknown): void {
    // not by assignment, which would run __proto__'s setter
    Object.defineProperty(target, key as string, {
      value: value(held),
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }

  function shell([tag, ...rest]: Entry): unknown {
    switch (tag) {
      case "o":
        return {};
      case "A":
        return [];
      case "a":
        return new Array(rest[0] as number);
      case "d":
        return new Date(value(rest[0]) as number);
      case "x":
        return new RegExp(rest[0] as string, rest[1] as string);
      case "m":
        return new Map();
      case "s":
        return new Set();
      case "B":
        return fromBase64(rest[0] as string).buffer;
      case "E": {
        const kind = ERRORS[rest[0] as string] ?? Error;
        const error = new kind(value(rest[1]) as string);
        Object.defineProperty(error, "stack", { value: value(rest[2]), writable: true, configurable: true });
        return error;
      }
      case "P":
        return Object(value(rest[0]));
      case "T":
        return null;
      default:
        throw new Error("a message is of no known form");
    }
  }
  for (const item of table) made.push(shell(item));
  // views need their buffers, which may come later in the table
  table.forEach(([tag, kind, buffer, length], place) => {
    if (tag !== "T") return;
    const make = VIEWS[kind as string] as ViewConstructor;
    made[place] = new make(value(buffer) as ArrayBuffer, 0, length as number);
  });
  table.forEach(([tag, ...rest], place) => {
    const target = made[place];
    if (tag === "A") for (const held of rest) (target as unknown[]).push(value(held));
    else if (tag === "s") for (const held of rest) (target as Set<unknown>).add(value(held));
    else if (tag === "m") {
      for (let k = 0; k < rest.length; k += 2)
        (target as Map<unknown, unknown>).set(value(rest[k]), value(rest[k + 1]));
    } else if (tag === "o")
      for (let k = 0; k < rest.length; k += 2) define(target as object, rest[k], rest[k + 1]);
    else if (tag === "a")
      for (let k = 1; k < rest.length; k += 2) define(target as object, rest[k], rest[k + 1]);
    else if (tag === "E" && rest.length > 3) {
      Object.defineProperty(target as object, "cause", {
        value: value(rest[3]),
        writable: true,
        configurable: true,
      });
    }
  });
  return value(root);
}
