/**
 * contextBridge: two worlds of one document call each other's functions, and
 * what they pass is copied. The worlds share the DOM and no objects, so a
 * message is the detail of an event on an event target that both hold and
 * nobody else: Blink clones it on its way, and dispatching is synchronous.
 * https://www.electronjs.org/docs/latest/api/context-bridge
 */

export type Side = "page" | "preload";

/** [kind, what]; objects are numbered as they are met, and "r" refers to one. */
type Node = readonly [kind: "v" | "o" | "a" | "f" | "p" | "e" | "r", what: unknown];
type Message =
  | { readonly op: "call"; readonly id: number; readonly args: readonly Node[] }
  | { readonly op: "settle"; readonly id: number; readonly ok: boolean; readonly value: Node }
  | { readonly op: "expose"; readonly key: string; readonly value: Node };
type Reply = { readonly ok: true; readonly value: Node } | { readonly ok: false; readonly error: Node };

export interface Bridge {
  /** Defines `key` on the other side's global object. @throws what the other side threw */
  expose(key: string, api: unknown): void;
}

const MAX_DEPTH = 1000;

/**
 * @param link held by both sides and by nobody else
 * @param scope the side's own global object, where `expose` of the other side defines
 */
export function createBridge(link: EventTarget, side: Side, scope: object): Bridge {
  // a page may replace what is on its prototypes: kept from before its scripts run
  const apply = Reflect.apply.bind(Reflect);
  const dispatch = Reflect.get(EventTarget.prototype, "dispatchEvent");
  const readDetail = Reflect.get(
    Object.getOwnPropertyDescriptor(CustomEvent.prototype, "detail") ?? {},
    "get",
  ) as () => unknown;
  const Custom = CustomEvent;
  const clone = structuredClone;
  const { defineProperty, freeze, hasOwn, keys } = Object;
  const NativePromise = Promise;
  const then = Reflect.get(NativePromise.prototype, "then");
  const other: Side = side === "page" ? "preload" : "page";

  const functions = new Map<number, (...args: unknown[]) => unknown>();
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>();
  let nextId = 1;
  let reply: Reply | null = null;

  function ask(message: Message): unknown {
    reply = null;
    apply(dispatch, link, [new Custom(`to-${other}`, { detail: message })]);
    const answer = reply as Reply | null;
    reply = null;
    if (answer === null) throw new Error("An object could not be cloned.");
    if (!answer.ok) throw read(answer.error) as Error;
    return read(answer.value);
  }

  function write(root: unknown): Node {
    const places = new Map<object, number>();
    function visit(value: unknown, depth: number): Node {
      if (depth > MAX_DEPTH) {
        throw new TypeError(
          "Electron contextBridge recursion depth exceeded.  Nested objects deeper than 1000 are not supported.",
        );
      }
      if (typeof value === "symbol") throw new TypeError("An object could not be cloned.");
      if (typeof value === "function") {
        const id = nextId++;
        functions.set(id, value as (...args: unknown[]) => unknown);
        return ["f", id];
      }
      if (typeof value !== "object" || value === null) return ["v", value];
      const known = places.get(value);
      if (known !== undefined) return ["r", known];
      places.set(value, places.size);
      if (value instanceof NativePromise) {
        const id = nextId++;
        const settle = (ok: boolean) => (result: unknown) => {
          let node: Node;
          try {
            node = write(result);
          } catch (error) {
            ok = false;
            node = write(error);
          }
          ask({ op: "settle", id, ok, value: node });
        };
        void apply(then, value, [settle(true), settle(false)]);
        return ["p", id];
      }
      if (value instanceof Error) return ["e", value.message];
      if (Array.isArray(value)) return ["a", value.map((item) => visit(item, depth + 1))];
      const prototype: unknown = Object.getPrototypeOf(value);
      const tag = Object.prototype.toString.call(value);
      if (tag === "[object Object]" || prototype === null || prototype === Object.prototype) {
        const own = keys(value).map((key) => [
          key,
          visit((value as Record<string, unknown>)[key], depth + 1),
        ]);
        return ["o", own];
      }
      // Map, Date, typed arrays...: throws for what cannot be copied
      return ["v", clone(value)];
    }
    return visit(root, 0);
  }

  function read(node: Node, frozen = false): unknown {
    const met: unknown[] = [];
    const close = <T extends object>(value: T): T => (frozen ? freeze(value) : value);
    function visit([kind, what]: Node): unknown {
      switch (kind) {
        case "v":
          // primitives have no place
          if (typeof what === "object" && what !== null) met.push(what);
          return what;
        case "r":
          return met[what as number];
        case "f": {
          const id = what as number;
          return close((...args: unknown[]) => ask({ op: "call", id, args: args.map((arg) => write(arg)) }));
        }
        case "p": {
          const promise = new NativePromise((resolve, reject) => {
            waiting.set(what as number, { resolve, reject });
          });
          met.push(promise);
          return promise;
        }
        case "e": {
          const error = new Error(what as string);
          met.push(error);
          return error;
        }
        case "a": {
          const list: unknown[] = [];
          met.push(list);
          for (const item of what as Node[]) list.push(visit(item));
          return close(list);
        }
        case "o": {
          const object = {};
          met.push(object);
          for (const [key, item] of what as [string, Node][]) {
            defineProperty(object, key, {
              value: visit(item),
              writable: true,
              enumerable: true,
              configurable: true,
            });
          }
          return close(object);
        }
      }
    }
    return visit(node);
  }

  function handle(message: Message): unknown {
    switch (message.op) {
      case "call": {
        const target = functions.get(message.id);
        if (target === undefined) throw new Error("there is no such function");
        return target(...message.args.map((arg) => read(arg)));
      }
      case "settle": {
        const promise = waiting.get(message.id);
        waiting.delete(message.id);
        if (message.ok) promise?.resolve(read(message.value));
        else promise?.reject(read(message.value));
        return undefined;
      }
      case "expose":
        if (hasOwn(scope, message.key)) {
          throw new Error("Cannot bind an API on top of an existing property on the window object");
        }
        defineProperty(scope, message.key, { value: read(message.value, true), enumerable: true });
        return undefined;
    }
  }

  const detailOf = (event: Event): unknown => apply(readDetail, event, []);
  link.addEventListener(`to-${side}`, (event) => {
    let answer: Reply;
    try {
      answer = { ok: true, value: write(handle(detailOf(event) as Message)) };
    } catch (error) {
      answer = { ok: false, error: ["e", error instanceof Error ? error.message : String(error)] };
    }
    apply(dispatch, link, [new Custom(`reply-to-${other}`, { detail: answer })]);
  });
  link.addEventListener(`reply-to-${side}`, (event) => {
    reply = detailOf(event) as Reply;
  });

  return {
    expose(key, api) {
      ask({ op: "expose", key, value: write(api) });
    },
  };
}
