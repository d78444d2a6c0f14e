/** What a helper of root's does with a client that is broken, or worse. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  errorDataSchema,
  MAX_MESSAGE_BYTES,
  METHODS,
  PROTOCOL_VERSION,
} from "../../src-helper/rpc/protocol.ts";
import { frame, HelperProcess, request, type Exit } from "./client.ts";

const HELLO = request(1, "hello", { protocol: PROTOCOL_VERSION, client: "hostile" });
const NOWHERE = "00000000-0000-4000-8000-000000000000";
const MIB = 1 << 20;

interface Answer {
  readonly id: number | string | null;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data: unknown };
}

let db: string;
beforeAll(() => {
  db = mkdtempSync(join(tmpdir(), "refold-rpc-hostile-"));
});
afterAll(() => {
  rmSync(db, { recursive: true });
});

/** Writes to a helper, and lets it end by itself. */
async function ended(
  ...parts: readonly (Buffer | string)[]
): Promise<{ exit: Exit; answers: Answer[]; stderr: string }> {
  const helper = new HelperProcess({ db });
  for (const part of parts) helper.write(part);
  const exit = await helper.exited;
  return { exit, answers: helper.messages() as Answer[], stderr: helper.stderr };
}

/** Writes to a helper that goes on, and closes its input when there are so many answers. */
async function answered(
  count: number,
  ...parts: readonly (Buffer | string)[]
): Promise<{ exit: Exit; answers: Answer[]; stderr: string }> {
  const helper = new HelperProcess({ db });
  for (const part of parts) helper.write(part);
  await answersOf(helper, count);
  helper.closeInput();
  return { exit: await helper.exited, answers: helper.messages() as Answer[], stderr: helper.stderr };
}

/** Waits until a helper has written so many whole messages. */
async function answersOf(helper: HelperProcess, count: number): Promise<Answer[]> {
  for (;;) {
    const answers = wholeMessages(helper);
    if (answers.length >= count) return answers;
    await once(helper.child.stdout, "data");
  }
}

function wholeMessages(helper: HelperProcess): Answer[] {
  try {
    return helper.messages() as Answer[];
  } catch (error) {
    if (error instanceof Error && error.message.includes("in the middle")) return [];
    throw error;
  }
}

function codeOf(answer: Answer | undefined): string {
  return errorDataSchema.parse(answer?.error?.data).code;
}

describe("a stream that is not the protocol ends the connection", () => {
  test.each([
    ["a message above the limit", `Content-Length: ${MAX_MESSAGE_BYTES + 1}\r\n\r\n`],
    ["a length that is no number", "Content-Length: many\r\n\r\n"],
    ["a header without a length", "Content-Type: text/plain\r\n\r\n"],
    ["a header that does not end", "A".repeat(100_000)],
    ["a shell's words", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  ])("%s", async (_, bytes) => {
    const { exit, answers, stderr } = await ended(HELLO, bytes);
    expect(exit).toEqual({ code: 1, signal: null });
    expect(answers).toHaveLength(2);
    expect(answers.filter(({ id }) => id === null).map(codeOf)).toEqual(["refused"]);
    expect(stderr.split("\n").filter((line) => line.includes("the connection ends"))).toHaveLength(1);
  });

  test("an end in the middle of a message", async () => {
    const helper = new HelperProcess({ db });
    helper.write(HELLO);
    helper.write("Content-Length: 100\r\n\r\nonly the beginning");
    helper.closeInput();
    expect(await helper.exited).toEqual({ code: 1, signal: null });
    expect(helper.messages()).toHaveLength(1);
  });
});

describe("the handshake", () => {
  test("comes first", async () => {
    const { exit, answers } = await ended(request(7, "volumes", {}), HELLO);
    expect(exit.code).toBe(1);
    expect(codeOf(answers[0])).toBe("refused");
    expect(answers[0]?.id).toBe(7);
    expect(answers.filter((answer) => answer.result !== undefined)).toEqual([]);
  });

  test("is not given by a method that does not exist", async () => {
    const { exit, answers } = await ended(request(7, "open.sesame", {}));
    expect(exit.code).toBe(1);
    expect(codeOf(answers[0])).toBe("refused");
  });

  test("is not repeated", async () => {
    const { exit, answers } = await ended(
      HELLO,
      request(2, "hello", { protocol: PROTOCOL_VERSION, client: "again" }),
    );
    expect(exit.code).toBe(1);
    expect(answers[0]?.result).toMatchObject({ protocol: PROTOCOL_VERSION, privileged: true });
    expect(codeOf(answers[1])).toBe("refused");
  });

  test("of another version ends the connection, and says what to do", async () => {
    const { exit, answers } = await ended(
      request(1, "hello", { protocol: PROTOCOL_VERSION + 1, client: "newer" }),
    );
    expect(exit.code).toBe(1);
    expect(errorDataSchema.parse(answers[0]?.error?.data).next).toContain("one version");
  });

  test.each([
    [{}],
    [{ protocol: "1", client: "x" }],
    [{ protocol: 1, client: "x".repeat(201) }],
    [{ protocol: 1, client: "x", more: 1 }],
  ])("with wrong parameters ends the connection: %j", async (params) => {
    const { exit, answers } = await ended(request(1, "hello", params));
    expect(exit.code).toBe(1);
    expect(codeOf(answers[0])).toBe("refused");
  });
});

describe("a request that is not right is answered, and the helper goes on", () => {
  const bodies: readonly [string, string, number | string | null][] = [
    ["no JSON", "{nothing", null],
    ["no UTF-8", Buffer.from([0x7b, 0xff, 0xfe, 0x7d]).toString("latin1"), null],
    ["an array of requests", '[{"jsonrpc":"2.0","id":5,"method":"volumes"}]', null],
    ["a number", "17", null],
    ["nothing", "null", null],
    ["another version of JSON-RPC", '{"jsonrpc":"1.0","id":5,"method":"volumes"}', 5],
    ["no version", '{"id":5,"method":"volumes"}', 5],
    ["an id that is a list", '{"jsonrpc":"2.0","id":[1],"method":"volumes"}', null],
    ["an id that is a fraction", '{"jsonrpc":"2.0","id":1.5,"method":"volumes"}', null],
    ["an id that is null", '{"jsonrpc":"2.0","id":null,"method":"volumes"}', null],
    ["a very long id", JSON.stringify({ jsonrpc: "2.0", id: "i".repeat(1000), method: "volumes" }), null],
    ["parameters by position", '{"jsonrpc":"2.0","id":5,"method":"volumes","params":[]}', 5],
    ["parameters that are text", '{"jsonrpc":"2.0","id":5,"method":"volumes","params":"all"}', 5],
    ["more than a request has", '{"jsonrpc":"2.0","id":5,"method":"volumes","extra":1}', 5],
    ["a response", '{"jsonrpc":"2.0","id":5,"result":{}}', 5],
    ["a method that is an object", '{"jsonrpc":"2.0","id":5,"method":{}}', 5],
    ["an unknown method", '{"jsonrpc":"2.0","id":5,"method":"format.disk"}', 5],
    ["the method __proto__", '{"jsonrpc":"2.0","id":5,"method":"__proto__"}', 5],
    ["the method constructor", '{"jsonrpc":"2.0","id":5,"method":"constructor","params":{}}', 5],
    ["the method toString", '{"jsonrpc":"2.0","id":5,"method":"toString"}', 5],
    ["a parameter too many", '{"jsonrpc":"2.0","id":5,"method":"volumes","params":{"path":"/etc"}}', 5],
    [
      "a parameter __proto__",
      '{"jsonrpc":"2.0","id":5,"method":"volumes","params":{"__proto__":{"a":1}}}',
      5,
    ],
    [
      "a path for a volume",
      `{"jsonrpc":"2.0","id":5,"method":"history","params":{"volume":"/etc/passwd"}}`,
      5,
    ],
    [
      "a path in a uuid",
      `{"jsonrpc":"2.0","id":5,"method":"history","params":{"volume":"../${NOWHERE}"}}`,
      5,
    ],
    ["parameters that are missing", '{"jsonrpc":"2.0","id":5,"method":"scan","params":{}}', 5],
    [
      "a deep nest",
      `{"jsonrpc":"2.0","id":5,"method":"volumes","params":{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}}`,
      5,
    ],
    ["a task that is not there", '{"jsonrpc":"2.0","id":5,"method":"cancel","params":{"task":"t"}}', 5],
    [
      "more globs than there may be",
      JSON.stringify({
        ...{ jsonrpc: "2.0", id: 5, method: "scan" },
        params: {
          task: "t",
          volume: NOWHERE,
          minSize: 1,
          exclude: Array<string>(1001).fill("*"),
          flush: false,
        },
      }),
      5,
    ],
  ];

  test.each(bodies)("%s", async (_, body, id) => {
    const { exit, answers, stderr } = await answered(
      3,
      HELLO,
      frame(Buffer.from(body, "latin1")),
      request(9, "volumes", {}),
    );
    expect(exit).toEqual({ code: 0, signal: null });
    const refusal = answers.find((answer) => answer.error !== undefined);
    expect(refusal?.id).toBe(id);
    expect(codeOf(refusal)).toBe("refused");
    expect(answers.find((answer) => answer.id === 9)?.result).toBeInstanceOf(Array);
    expect(stderr.split("\n").filter((line) => line.includes("refused"))).toHaveLength(1);
  });

  test.each([
    ["a cancel of nothing", '{"jsonrpc":"2.0","method":"$/cancelRequest"}'],
    ["a cancel of what never was", '{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":99}}'],
    ["any other", '{"jsonrpc":"2.0","method":"progress","params":{}}'],
  ])("a notification has no answer and no effect: %s", async (_, body) => {
    const { exit, answers, stderr } = await answered(2, HELLO, frame(body), request(9, "volumes", {}));
    expect(exit).toEqual({ code: 0, signal: null });
    expect(answers.map(({ id }) => id)).toEqual([1, 9]);
    expect(stderr).toContain("a notification");
  });

  test("one that knows nothing of volumes that are not there", async () => {
    const params = { task: "t", volume: NOWHERE, minSize: 4096, exclude: [], flush: false };
    const { answers } = await answered(2, HELLO, request(2, "scan", params));
    expect(codeOf(answers[1])).toBe("no-volume");
  });
});

test("more requests than may wait: those above are refused, the others answered, each once", async () => {
  const count = 500;
  const flood = Array.from({ length: count }, (_, k) => request(100 + k, "volumes", {}));
  const { exit, answers } = await answered(1 + count, HELLO, Buffer.concat(flood));
  expect(exit.code).toBe(0);
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1 + count);
  const done = answers.filter((answer) => answer.result !== undefined).length;
  expect(done).toBeGreaterThan(60);
  expect(done).toBeLessThan(count);
});

test("a number that is in use is refused without an answer to the first", async () => {
  const twice = Buffer.concat([request(5, "volumes", {}), request(5, "volumes", {})]);
  const { answers } = await answered(3, HELLO, twice);
  expect(answers.filter(({ id }) => id === 5)).toHaveLength(1);
  expect(answers.filter(({ id }) => id === null).map(codeOf)).toEqual(["refused"]);
});

test("what is logged is one safe line each, and short", async () => {
  const nasty = `\u001b[2J\u0007\u202e${"\n".repeat(10)}x`.repeat(1000);
  const client = "\u001b]0;owned\u0007\nrefold: rpc: forged line";
  const { stderr } = await answered(
    2,
    request(1, "hello", { protocol: PROTOCOL_VERSION, client }),
    request(2, "volumes", { [nasty]: nasty }),
  );
  expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/u);
  for (const line of stderr.split("\n")) {
    expect(line.length).toBeLessThan(2500);
    expect(line === "" || line.startsWith("refold: rpc: ")).toBe(true);
  }
  expect(stderr).not.toMatch(/^refold: rpc: forged/mu);
});

test("a client that does not read its answers is left", async () => {
  const helper = new HelperProcess({ db });
  helper.child.stdout.pause();
  const bad = Buffer.concat(Array.from({ length: 1000 }, () => frame("x".repeat(10))));
  const left = once(helper.child, "exit").then(() => false);
  helper.write(HELLO);
  // the answers are some 250 bytes each, and 16 MiB the limit
  for (let goesOn = true; goesOn;) {
    const written = new Promise<boolean>((resolve) => {
      helper.child.stdin.write(bad, (error) => {
        resolve(!error);
      });
    });
    goesOn = await Promise.race([written, left]);
  }
  helper.child.stdout.resume();
  expect((await helper.exited).code).toBe(1);
  expect(helper.stderr).toContain("does not read");
});

describe("mutated requests", () => {
  const FRAMES = 6000;
  const CHUNK = 50;

  test(`${FRAMES} of them: one helper answers all along, and does not grow`, async () => {
    const helper = new HelperProcess({ db });
    helper.write(HELLO);
    let expected = (await answersOf(helper, 1)).length;
    const bodies = fc.sample(mutatedRequest(), { seed: 7, numRuns: FRAMES });
    let memory = 0;
    for (let start = 0; start < bodies.length; start += CHUNK) {
      const chunk = bodies.slice(start, start + CHUNK).map(frame);
      const id = `sync-${start}`;
      const sync = frame(JSON.stringify({ jsonrpc: "2.0", id, method: "cancel", params: { task: "none" } }));
      helper.write(Buffer.concat([...chunk, sync]));
      for (; !wholeMessages(helper).some((answer) => answer.id === id);)
        await once(helper.child.stdout, "data");
      const now = wholeMessages(helper).length;
      expect(now).toBeGreaterThan(expected);
      expected = now;
      if (start >= FRAMES / 3 && memory === 0) memory = residentBytes(helper.pid);
    }
    const grown = residentBytes(helper.pid) - memory;
    console.log(
      `${FRAMES} mutated requests: ${expected} answers, ${(grown / MIB).toFixed(1)} MiB more after the first third`,
    );
    expect(grown).toBeLessThan(48 * MIB);
    helper.write(request(3, "volumes", {}));
    helper.closeInput();
    expect(await helper.exited).toEqual({ code: 0, signal: null });
    const answers = helper.messages() as Answer[];
    expect(answers.find((answer) => answer.id === 3)?.result).toBeInstanceOf(Array);
    for (const { error } of answers) if (error !== undefined) errorDataSchema.parse(error.data);
  });
});

function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1]) * 1024;
}

/** Requests of every method but hello and those that make or remove a volume, with something wrong in them. */
function mutatedRequest(): fc.Arbitrary<string> {
  const methods = Object.keys(METHODS).filter((name) => name !== "hello" && !name.startsWith("demo."));
  const valid = {
    task: "t1",
    volume: NOWHERE,
    review: "r1",
    group: "a-1",
    run: 1,
    offset: 0,
    limit: 10,
    minSize: 4096,
    exclude: ["*.o"],
    flush: false,
    paused: true,
    ids: ["1:2:3"],
    revision: 1,
  };
  const weird = fc.oneof(
    fc.anything({ withNullPrototype: false, maxDepth: 3 }),
    fc.constantFrom(
      "__proto__",
      "constructor",
      "",
      "/etc/passwd",
      -1,
      1e308,
      2 ** 53,
      null,
      [],
      {},
      "\u0000",
      "\ud800",
    ),
    fc.string({ maxLength: 5000, unit: "binary" }),
  );
  const params = fc
    .tuple(
      fc.subarray(Object.entries(valid)),
      fc.array(fc.tuple(fc.constantFrom(...Object.keys(valid), "__proto__"), weird), { maxLength: 3 }),
    )
    .map(([kept, changed]) => Object.fromEntries([...kept, ...changed]));
  const envelope = fc
    .record({
      jsonrpc: fc.oneof({ weight: 8, arbitrary: fc.constant("2.0") }, weird),
      id: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1000, max: 1_000_000 }) }, weird),
      method: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...methods) }, weird),
      params: fc.oneof({ weight: 8, arbitrary: params }, weird),
    })
    .map((value) =>
      JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner)),
    );
  const bytes = fc
    .tuple(
      envelope,
      fc.array(fc.tuple(fc.nat(), fc.string({ maxLength: 3, unit: "binary" })), { maxLength: 3 }),
      fc.boolean(),
    )
    .map(([text, changes, mutate]) => {
      if (!mutate) return text;
      return changes.reduce((now, [at, put]) => {
        const place = at % (now.length + 1);
        return now.slice(0, place) + put + now.slice(place + 1);
      }, text);
    });
  // a hello that is right, or a stop of the sync below, would be no mutation
  return bytes.filter((text) => text !== "" && !text.includes('"hello"') && !text.includes("demo."));
}
