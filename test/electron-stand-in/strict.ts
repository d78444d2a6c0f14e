/** What stands between the app and members of Electron that are not there. */

/** Thrown for everything of Electron that the stand-in has not. */
export class NotImplementedError extends Error {
  override readonly name = "NotImplementedError";
  constructor(member: string) {
    super(`electron.${member} is not implemented by test/electron-stand-in`);
  }
}

/** What the language and its tools look for on any object. */
const ASKED_OF_ANY = new Set<string>(["then", "toJSON", "constructor", "inspect", "nodeType", "$$typeof"]);

/**
 * The object behind a guard: reading or writing a member that it has not
 * throws, and names the member. Symbols pass, since the language looks for
 * them. `this` stays the guarded object, so private fields work.
 *
 * @param path as it is called in Electron, e.g. "app"
 */
export function strict<T extends object>(target: T, path: string): T {
  return new Proxy(target, {
    get(object, key) {
      if (typeof key === "symbol" || ASKED_OF_ANY.has(key) || key in object || key.startsWith("_")) {
        const value: unknown = Reflect.get(object, key);
        return value;
      }
      throw new NotImplementedError(`${path}.${key}`);
    },
    set(object, key, value) {
      if (typeof key === "symbol" || key.startsWith("_") || key in object) {
        return Reflect.set(object, key, value);
      }
      throw new NotImplementedError(`${path}.${key}`);
    },
  });
}

/** A class of Electron that is not there at all, or a module: any use of it throws. */
export function absent(name: string): never {
  const refuse = (member?: string | symbol): never => {
    throw new NotImplementedError(member === undefined ? name : `${name}.${String(member)}`);
  };
  // a function, so that `new` and a call are seen too
  return new Proxy(function () {}, {
    get: (_target, key) => (typeof key === "symbol" || ASKED_OF_ANY.has(key) ? undefined : refuse(key)),
    set: (_target, key) => refuse(key),
    has: () => false,
    apply: () => refuse(),
    construct: () => refuse(),
  }) as never;
}

/** Options that are given but not implemented must not pass unseen. */
export function refuseUnknown(given: object, known: readonly string[], path: string): void {
  for (const [key, value] of Object.entries(given)) {
    if (value !== undefined && !known.includes(key)) throw new NotImplementedError(`${path}.${key}`);
  }
}
