import { PassThrough } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LimitedReader } from "../../src-main/helper/frames.ts";

const MAX = 1000;
const frame = (message: unknown): Buffer => {
  const body = Buffer.from(JSON.stringify(message));
  return Buffer.concat([Buffer.from(`Content-Length: ${String(body.length)}\r\n\r\n`), body]);
};

interface Seen {
  readonly messages: unknown[];
  readonly errors: string[];
  closed: number;
}

/** Feeds chunks to a reader and returns what it made of them. */
async function read(
  chunks: readonly Buffer[],
  check: (m: unknown) => string | null = () => null,
): Promise<Seen> {
  const stream = new PassThrough();
  const reader = new LimitedReader(stream, MAX, check);
  const seen: Seen = { messages: [], errors: [], closed: 0 };
  reader.onError((error) => seen.errors.push(error.message));
  const { promise, resolve } = Promise.withResolvers<undefined>();
  reader.onClose(() => {
    seen.closed += 1;
    resolve(undefined);
  });
  reader.listen((message) => seen.messages.push(message));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await promise;
  return seen;
}

describe("frames from the helper", () => {
  it("finds the messages wherever the stream is cut", async () => {
    const messages = [{ a: 1 }, { text: "Grüße 🙂" }, {}];
    const all = Buffer.concat(messages.map(frame));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(all.length), { maxLength: 20 }), async (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), all.length];
        const chunks = at.slice(1).map((end, index) => all.subarray(at[index] ?? 0, end));
        expect(await read(chunks)).toEqual({ messages, errors: [], closed: 1 });
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  it("takes a message of the longest length, and none longer", async () => {
    const body = (length: number): Buffer => {
      const text = JSON.stringify("x".repeat(length - 2));
      return Buffer.from(`Content-Length: ${String(text.length)}\r\n\r\n${text}`);
    };
    expect((await read([body(MAX)])).messages).toHaveLength(1);
    expect(await read([body(MAX + 1)])).toEqual({
      messages: [],
      errors: ["a message of 1001 bytes is too long"],
      closed: 1,
    });
  });

  it.each([
    ["a header without an end", "x".repeat(5000), "a header has no end"],
    ["another header", "Content-Size: 5\r\n\r\n{}", "a header is not one of this protocol"],
    ["a negative length", "Content-Length: -5\r\n\r\n{}", "a header is not one of this protocol"],
    [
      "two lengths",
      "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
      "a header is not one of this protocol",
    ],
    ["a length in hexadecimal", "Content-Length: 0x2\r\n\r\n{}", "a header is not one of this protocol"],
    ["no JSON", "Content-Length: 2\r\n\r\n{[", "a message is not JSON"],
    ["an empty body", "Content-Length: 0\r\n\r\n", "a message is not JSON"],
  ])("ends at %s", async (_what, text, fault) => {
    const seen = await read([frame({ before: 1 }), Buffer.from(text), frame({ after: 1 })]);
    expect(seen).toEqual({ messages: [{ before: 1 }], errors: [fault], closed: 1 });
  });

  it("ends at a message that is not taken, and reads none after it", async () => {
    const seen = await read([frame(1), frame(2), frame(3)], (message) => (message === 2 ? "not two" : null));
    expect(seen).toEqual({ messages: [1], errors: ["not two"], closed: 1 });
  });

  it("does not throw, whatever the bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 5 }), async (chunks) => {
        const seen = await read(chunks.map((chunk) => Buffer.from(chunk)));
        expect(seen.closed).toBe(1);
        expect(seen.errors.length).toBeLessThanOrEqual(1);
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});
