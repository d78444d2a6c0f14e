import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { appError } from "../../src-main/app/app-error.ts";
import { INVOKE_NAMES, NOTIFY_NAMES } from "../../src-main/ipc/channels.ts";
import { createDispatch, type InvokeHandlers } from "../../src-main/ipc/dispatch.ts";
import { INVOKE, NOTIFY } from "../../src-main/ipc/schema.ts";
import { MAX_ARGS_SIZE, shapeFault } from "../../src-main/ipc/size.ts";
import { memoryLog } from "./support/helpers.ts";

const UUID = "01234567-89ab-cdef-0123-456789abcdef";

/** Handlers that note what reached them; `override` does what a test wants. */
function setUp(override: Partial<InvokeHandlers> = {}) {
  const reached: [string, unknown][] = [];
  const noting = Object.fromEntries(
    Object.keys(INVOKE).map((name) => [
      name,
      (args: unknown) => {
        reached.push([name, args]);
        return Promise.resolve(null);
      },
    ]),
  );
  const log = memoryLog();
  const dispatch = createDispatch({ ...noting, ...override } as InvokeHandlers, log);
  return { dispatch, reached, log };
}

const refused = { ok: false, error: { code: "refused" } };

describe("the names the preload knows", () => {
  it("are those of the schema", () => {
    expect([...INVOKE_NAMES].sort()).toEqual(Object.keys(INVOKE).sort());
    expect([...NOTIFY_NAMES].sort()).toEqual([...NOTIFY].sort());
  });

  it("bring no code with them but their own", () => {
    const source = readFileSync(join(import.meta.dirname, "../../src-main/ipc/channels.ts"), "utf8");
    expect(source.match(/^import (?!type )/gm)).toBeNull();
  });
});

describe("calls of the page", () => {
  it("reach their handler with what the schema made of the arguments", async () => {
    const { dispatch, reached } = setUp();
    expect(await dispatch(null, "scan.start", { volume: UUID })).toEqual({ ok: true, value: null });
    expect(await dispatch(null, "app.state", undefined)).toEqual({ ok: true, value: null });
    expect(reached).toEqual([
      ["scan.start", { volume: UUID }],
      ["app.state", undefined],
    ]);
  });

  it("are answered with the error a person can act on", async () => {
    const { dispatch } = setUp({
      "scan.start": () => Promise.reject(appError("busy", "Busy.", { kept: "k", next: "n" })),
    });
    expect(await dispatch(null, "scan.start", { volume: UUID })).toEqual({
      ok: false,
      error: { code: "busy", message: "Busy.", kept: "k", next: "n" },
    });
  });

  it("are told nothing of an error that nobody foresaw; the log is", async () => {
    const { dispatch, log } = setUp({
      "scan.start": () => Promise.reject(new TypeError("secret of /home/me")),
    });
    const answer = await dispatch(null, "scan.start", { volume: UUID });
    expect(answer).toMatchObject({ ok: false, error: { code: "failed" } });
    expect(JSON.stringify(answer)).not.toContain("secret");
    expect(log.lines.join("\n")).toContain("secret of /home/me");
  });
});

describe("hostile calls", () => {
  const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });
  const cycle: Record<string, unknown> = { volume: UUID };
  cycle["self"] = cycle;
  const ownProto: unknown = JSON.parse(`{"volume":"${UUID}","__proto__":{"polluted":true}}`);

  it.each<[string, unknown, unknown]>([
    ["an unknown name", "helper.exec", undefined],
    ["a name of every object", "constructor", undefined],
    ["another one", "__proto__", {}],
    ["a name that is no text", { toString: () => "app.quit" }, undefined],
    ["no name", undefined, undefined],
    ["arguments where there are none", "app.quit", { force: true }],
    ["none where there are some", "scan.start", undefined],
    ["the wrong type", "scan.start", { volume: 7 }],
    ["a path for a uuid", "scan.start", { volume: "/dev/sda" }],
    ["one field too many", "scan.start", { volume: UUID, exclude: [] }],
    ["a prototype of its own", "scan.start", Object.create({ volume: UUID })],
    ["an own __proto__", "scan.start", ownProto],
    ["a cycle", "scan.start", cycle],
    ["a depth", "settings.set", deep(1000)],
    ["a map", "settings.set", new Map([["minSize", 1]])],
    ["a buffer", "settings.set", { exclude: new Uint8Array(10) }],
    ["a number beyond integers", "review.fold", { review: "r", revision: 2 ** 60 }],
    ["not a number", "review.fold", { review: "r", revision: Number.NaN }],
    ["a text that is too long", "review.skip", { review: "r", glob: "x".repeat(8193) }],
    [
      "more than a MiB",
      "stuck.repair",
      { volume: UUID, ids: Array(40_000).fill("256:257:1111111111111111") },
    ],
    ["a hollow array", "stuck.repair", { volume: UUID, ids: Array(2 ** 31) }],
  ])("%s is refused, reaches nothing and is logged in one line", async (_what, name, args) => {
    const { dispatch, reached, log } = setUp();
    expect(await dispatch(null, name, args)).toMatchObject(refused);
    expect(reached).toEqual([]);
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]?.length).toBeLessThan(400);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("of a sender that must not call are refused, whatever they say", async () => {
    const { dispatch, reached, log } = setUp();
    expect(await dispatch("it is not of the main frame", "app.quit", undefined)).toMatchObject(refused);
    expect(reached).toEqual([]);
    expect(log.lines).toEqual(["warn: a call was refused: it is not of the main frame"]);
  });

  it("cannot fill the log", async () => {
    const { dispatch, log } = setUp();
    for (let k = 0; k < 5000; k++) await dispatch(null, `no-${String(k)}\n`, undefined);
    expect(log.lines).toHaveLength(20);
    expect(log.lines.every((line) => !line.includes("\n"))).toBe(true);
  });

  it("never make the gate throw, whatever they are", async () => {
    const { dispatch, reached } = setUp();
    const names = fc.oneof(fc.constantFrom(...INVOKE_NAMES), fc.string(), fc.anything());
    await fc.assert(
      fc.asyncProperty(
        names,
        fc.anything({ withBigInt: true, withMap: true, withTypedArray: true }),
        async (name, args) => {
          const before = reached.length;
          const answer = await dispatch(null, name, args);
          // only what fits the schema has reached a handler
          if (answer.ok)
            expect(INVOKE[name as (typeof INVOKE_NAMES)[number]].args.safeParse(args).success).toBe(true);
          else expect(reached).toHaveLength(before);
        },
      ),
      { seed: 5, numRuns: 3000 },
    );
  });
});

describe("the size of arguments", () => {
  it("is counted over all texts and keys", () => {
    expect(shapeFault("x".repeat(MAX_ARGS_SIZE - 8))).toBeNull();
    expect(shapeFault("x".repeat(MAX_ARGS_SIZE))).toBe("too large");
    expect(shapeFault({ ["k".repeat(MAX_ARGS_SIZE)]: 1 })).toBe("too large");
    expect(shapeFault(Array(MAX_ARGS_SIZE / 4).fill(""))).toBe("too large");
  });
});
