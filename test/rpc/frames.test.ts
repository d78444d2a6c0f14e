/** The reader that stands before everything: any stream, cut anywhere. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameError, FrameReader } from "../../src-helper/rpc/frame-reader.ts";
import { frame } from "./client.ts";

const MAX = 1000;
const RUNS = { seed: 42, numRuns: 2000 };

function readAll(chunks: readonly Buffer[]): string[] {
  const reader = new FrameReader(MAX);
  return chunks.flatMap((chunk) => [...reader.push(chunk)].map((body) => body.toString("latin1")));
}

/** A buffer in pieces: cuts are positions as shares of its length. */
function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [
    0,
    ...cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b),
    bytes.length,
  ];
  return places.slice(1).map((end, k) => bytes.subarray(places[k], end));
}

describe("frames", () => {
  test("come out as they went in, wherever the stream is cut", () => {
    const bodies = fc.array(fc.uint8Array({ minLength: 1, maxLength: MAX }), { maxLength: 8 });
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 });
    fc.assert(
      fc.property(bodies, cuts, (list, at) => {
        const buffers = list.map((body) => Buffer.from(body));
        const chunks = cutAt(Buffer.concat(buffers.map(frame)), at);
        expect(readAll(chunks)).toEqual(buffers.map((body) => body.toString("latin1")));
      }),
      RUNS,
    );
  });

  test("broken anywhere end in a FrameError or in other messages, never in anything else", () => {
    const change = fc.record({
      at: fc.double({ min: 0, max: 0.999, noNaN: true }),
      byte: fc.integer({ min: 0, max: 255 }),
    });
    let refused = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = Buffer.concat([frame("one"), frame('{"two":2}'), frame("x".repeat(200))]);
        for (const { at, byte } of changes) bytes[Math.floor(at * bytes.length)] = byte;
        try {
          for (const body of readAll([bytes])) expect(body.length).toBeLessThanOrEqual(MAX);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
          refused++;
        }
      }),
      RUNS,
    );
    expect(refused).toBeGreaterThan(0);
  });

  test.each([
    ["a body above the limit", `Content-Length: ${MAX + 1}\r\n\r\n`],
    ["a length beyond all numbers", `Content-Length: ${"9".repeat(60)}\r\n\r\n`],
    ["a negative length", "Content-Length: -5\r\n\r\n"],
    ["a length in hexadecimal", "Content-Length: 0x10\r\n\r\n"],
    ["a length with a sign", "Content-Length: +5\r\n\r\n"],
    ["no digits", "Content-Length: \r\n\r\n"],
    ["an empty message", "Content-Length: 0\r\n\r\n"],
    ["two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"],
    ["no length", "Content-Type: application/json\r\n\r\n"],
    ["another header", "Content-Length: 5\r\nX-Other: 1\r\n\r\n"],
    ["no colon", "Content-Length 5\r\n\r\n"],
    ["a line that is no header", "\r\n\r\nContent-Length: 5\r\n\r\n"],
    ["a header that never ends", "Content-Length: 5".padEnd(400, " ")],
  ])("%s is refused", (_, header) => {
    expect(() => readAll([Buffer.from(header)])).toThrow(FrameError);
    expect(() => readAll(Array.from(Buffer.from(header), (byte) => Buffer.of(byte)))).toThrow(FrameError);
  });

  test("the longest message is taken, and LSP's other header", () => {
    const body = "y".repeat(MAX);
    const header = `content-length:${MAX}\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n`;
    expect(readAll([Buffer.from(header + body)])).toEqual([body]);
  });
});
