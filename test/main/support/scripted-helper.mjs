#!/usr/bin/env node
/**
 * A helper that says what a test wants it to say: a real process with real
 * pipes, and no part of Refold's server. Its behaviour is its first argument.
 */
import { closeSync } from "node:fs";

const [scenario] = process.argv.slice(2);

const frame = (body) => Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]);
const say = (message) => process.stdout.write(frame(Buffer.from(JSON.stringify(message))));
const HELLO = { protocol: 2, version: "9.9.9", pid: process.pid, privileged: true, mode: "manage" };
const progress = (task, done) => ({
  jsonrpc: "2.0",
  method: "progress",
  params: {
    ...{ task, phase: "walk", done, total: 10, unit: "files" },
    ...{ item: null, skipped: {}, paused: false },
  },
});

/** What each scenario answers to a method; hello is answered well where it is not named. */
const scenarios = {
  good: { volumes: (id) => say({ jsonrpc: "2.0", id, result: [] }) },
  user: {
    hello: (id) => say({ jsonrpc: "2.0", id, result: { ...HELLO, privileged: false } }),
    volumes: (id) => say({ jsonrpc: "2.0", id, result: [] }),
  },
  observer: {
    hello: (id) => say({ jsonrpc: "2.0", id, result: { ...HELLO, mode: "observe" } }),
    // as the real one: nothing but the one scan that it does
    scan: (id, _, { volume, minSize, exclude, flush }) => {
      if (minSize !== 4096 || exclude.length > 0 || flush) process.exit(4);
      const counts = { files: 0, bytes: 0, groups: 0, duplicateFiles: 0, reclaimableBytes: 0, bytesRead: 0 };
      say({
        ...{ jsonrpc: "2.0", id },
        result: { uuid: volume, incremental: false, ...counts, elapsedMs: 1 },
      });
    },
  },
  "observer-dies": {
    hello: (id) => say({ jsonrpc: "2.0", id, result: { ...HELLO, mode: "observe" } }),
    volumes: () => process.kill(process.pid, "SIGKILL"),
  },
  "other-protocol": { hello: (id) => say({ jsonrpc: "2.0", id, result: { ...HELLO, protocol: 99 } }) },
  "bad-hello": { hello: (id) => say({ jsonrpc: "2.0", id, result: { ...HELLO, pid: "many" } }) },
  "no-hello": { hello: () => process.exit(3) },
  "silent-hello": { hello: () => undefined },
  "hello-twice": {
    hello: (id) => {
      say({ jsonrpc: "2.0", id, result: HELLO });
      say({ jsonrpc: "2.0", id, result: { ...HELLO, privileged: false, version: "evil" } });
    },
  },
  "wrong-result": {
    volumes: (id, n) => say({ jsonrpc: "2.0", id, result: n === 1 ? [{ uuid: "../../etc" }] : [] }),
  },
  "wrong-notifications": {
    volumes: (id) => {
      say(progress("scan-1", -5));
      say({ jsonrpc: "2.0", method: "progress", params: ["scan-1"] });
      say({ jsonrpc: "2.0", method: "progress" });
      say({ jsonrpc: "2.0", method: "__proto__", params: {} });
      say({ jsonrpc: "2.0", method: "self-destruct", params: {} });
      say({ jsonrpc: "2.0", method: "log", params: { task: null, level: "fatal", message: "x" } });
      say(progress("scan-1", 5));
      say({ jsonrpc: "2.0", id, result: [] });
    },
  },
  oversized: { volumes: () => process.stdout.write("Content-Length: 2000000000\r\n\r\n") },
  garbage: { volumes: () => process.stdout.write("Traceback (most recent call last):\n".repeat(50)) },
  "not-json": { volumes: () => process.stdout.write(frame(Buffer.from("{not json"))) },
  "asks-back": { volumes: () => say({ jsonrpc: "2.0", id: 7, method: "openExternal", params: {} }) },
  "library's-own": { volumes: () => say({ jsonrpc: "2.0", method: "$/cancelRequest", params: null }) },
  "empty-answer": { volumes: (id) => say({ jsonrpc: "2.0", id }) },
  "own-error": {
    volumes: (id) =>
      say({
        jsonrpc: "2.0",
        id,
        error: {
          code: -32000,
          message: "busy",
          data: { code: "busy", message: "Another run holds it.", kept: "It goes on.", next: "Wait." },
        },
      }),
  },
  "bad-error": {
    volumes: (id) =>
      say({
        jsonrpc: "2.0",
        id,
        error: { code: -1, message: "at /root/secret.ts:7", data: { code: "<img>" } },
      }),
  },
  dies: { volumes: () => process.kill(process.pid, "SIGKILL") },
  // the process lives on, its voice does not
  mute: { volumes: () => closeSync(1) },
  "talks-on-stderr": {
    volumes: (id) => {
      process.stderr.write("first line\nsecond \u001b[31mline\n");
      process.stderr.write("y".repeat(100_000));
      process.stderr.write("\n", () => say({ jsonrpc: "2.0", id, result: [] }));
    },
  },
};

const answers = scenarios[scenario];
if (answers === undefined) throw new Error(`no scenario ${scenario}`);
const asked = {};
let input = Buffer.alloc(0);
process.stdin.on("data", (chunk) => {
  input = Buffer.concat([input, chunk]);
  for (;;) {
    const end = input.indexOf("\r\n\r\n");
    if (end < 0) return;
    const length = Number(/Content-Length: (\d+)/.exec(input.toString("latin1", 0, end))[1]);
    if (input.length < end + 4 + length) return;
    const message = JSON.parse(input.toString("utf8", end + 4, end + 4 + length));
    input = input.subarray(end + 4 + length);
    asked[message.method] = (asked[message.method] ?? 0) + 1;
    if (answers[message.method] !== undefined)
      answers[message.method](message.id, asked[message.method], message.params);
    else if (message.method === "hello") say({ jsonrpc: "2.0", id: message.id, result: HELLO });
  }
});
process.stdin.on("end", () => process.exit(0));
