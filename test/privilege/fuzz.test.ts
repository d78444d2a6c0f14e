/**
 * 100,000 frames at a running helper of root's, from committed seeds: bytes that
 * are no frames end a connection, everything else is answered or refused. No
 * crash, no effect on a volume or beside it, and no memory kept.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FrameReader } from "../../src-helper/rpc/frame-reader.ts";
import {
  errorDataSchema,
  MAX_MESSAGE_BYTES,
  METHODS,
  PROTOCOL_VERSION,
} from "../../src-helper/rpc/protocol.ts";
import { exec } from "../support/exec.ts";
import { LoopVolume } from "../support/volume.ts";
import { frame, HelperProcess, request } from "../rpc/client.ts";

const MIB = 1 << 20;
const BATCH = 200;
/** Bodies that fast-check makes; each is sent several times, with another change of its bytes each time. */
const SAMPLES = 5000;
/** Frames of each mode. */
const FRAMES = 50_000;

let volume: LoopVolume;
let db: string;
beforeAll(() => {
  volume = LoopVolume.create({ size: "256M", label: "fuzzed" });
  mkdirSync(join(volume.path, "data"));
  const content = randomBytes(100_000);
  for (const name of ["a", "b"]) writeFileSync(join(volume.path, "data", name), content);
  volume.sync();
  db = mkdtempSync(join(tmpdir(), "refold-fuzz-"));
});
afterAll(() => {
  volume.dispose();
  rmSync(db, { recursive: true });
});

/** All that a helper could have changed: the volume's content and flags, and what lies beside. */
function world(): unknown {
  const files = readdirSync(volume.path, { recursive: true, encoding: "utf8" }).sort();
  return {
    flags: exec("lsattr", ["-R", volume.path]),
    files: files.map((name) => {
      const { size, mode, uid, mtimeMs, ctimeMs } = statSync(join(volume.path, name));
      return [name, size, mode, uid, mtimeMs, ctimeMs];
    }),
    shared: exec("filefrag", ["-v", join(volume.path, "data/a")]).includes("shared"),
    databases: readdirSync(db),
  };
}

function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, "utf8"));
  return Number(line?.[1]) * 1024;
}

/** Requests that are near to right ones: of all methods but hello, and what makes or scans a volume. */
function nearRequests(seed: number): string[] {
  const left = new Set(["hello", "scan", "demo.create", "demo.remove"]);
  const methods = Object.keys(METHODS).filter((name) => !left.has(name));
  const value = fc.oneof(
    fc.anything({ maxDepth: 2, withNullPrototype: false }),
    fc.constantFrom<unknown>(
      volume.uuid,
      "__proto__",
      "/etc/passwd",
      "../..",
      -1,
      2 ** 53,
      null,
      [],
      {},
      "\u0000",
      "\ud800",
    ),
    fc.string({ maxLength: 300, unit: "binary" }),
  );
  // never the volume's own id together with parameters that are right: that would be no attack, but a request
  const names = [
    "task",
    "review",
    "group",
    "run",
    "offset",
    "limit",
    "ids",
    "revision",
    "filter",
    "target",
    "paused",
  ];
  const params = fc.dictionary(fc.constantFrom(...names, "volume", "constructor"), value, { maxKeys: 6 });
  const message = fc.record(
    {
      jsonrpc: fc.oneof({ arbitrary: fc.constant("2.0"), weight: 9 }, { arbitrary: value, weight: 1 }),
      id: fc.oneof({ arbitrary: fc.nat(), weight: 9 }, { arbitrary: value, weight: 1 }),
      method: fc.oneof(
        { arbitrary: fc.constantFrom(...methods), weight: 9 },
        { arbitrary: fc.string(), weight: 1 },
      ),
      params: fc.oneof({ arbitrary: params, weight: 9 }, { arbitrary: value, weight: 1 }),
    },
    { requiredKeys: [] },
  );
  return fc.sample(
    message.map((one) => JSON.stringify(one)),
    { seed, numRuns: SAMPLES },
  );
}

/** A body with some of its bytes other ones; the places come from a generator with a seed. */
function mutate(body: Buffer, next: () => number): Buffer {
  const changed = Buffer.from(body);
  for (let count = next() % 4; count > 0 && changed.length > 0; count--)
    changed[next() % changed.length] = next() & 0xff;
  return changed;
}

/** xorshift32: quick, and the same everywhere. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** A helper whose answers are counted and checked as they come, and not kept. */
class Target {
  readonly helper: HelperProcess;
  readonly #frames = new FrameReader(MAX_MESSAGE_BYTES);
  readonly #waiting = new Map<string, (value: unknown) => void>();
  answers = 0;

  constructor(mode: "observe" | "manage") {
    this.helper = new HelperProcess({ db, mode });
    this.helper.child.stdout.removeAllListeners("data");
    this.helper.child.stdout.on("data", (chunk: Buffer) => {
      for (const body of this.#frames.push(chunk))
        this.#take(JSON.parse(body.toString()) as Record<string, unknown>);
    });
  }

  #take(answer: Record<string, unknown>): void {
    this.answers++;
    const error = answer["error"] as { readonly data?: unknown } | undefined;
    if (error !== undefined) errorDataSchema.parse(error.data);
    this.#waiting.get(String(answer["id"]))?.(answer);
  }

  /** Sends bytes and a request behind them. @returns its answer: all before it have been dealt with */
  async send(
    bytes: Buffer,
    id: string,
    method = "cancel",
    params: unknown = { task: "none" },
  ): Promise<unknown> {
    const answered = new Promise((resolve) => this.#waiting.set(id, resolve));
    const ended = this.helper.exited.then(({ code, signal }): never => {
      throw new Error(`the helper ended (${String(code ?? signal)}): ${this.helper.stderr.slice(-1000)}`);
    });
    ended.catch(() => undefined);
    this.helper.write(Buffer.concat([bytes, frame(JSON.stringify({ jsonrpc: "2.0", id, method, params }))]));
    const answer = await Promise.race([answered, ended]);
    this.#waiting.delete(id);
    return answer;
  }
}

test.each([
  ["manage", 20_261],
  ["observe", 4_711],
] as const)(`${String(FRAMES)} frames at a helper of mode %s (seed %i)`, async (mode, seed) => {
  const bodies = nearRequests(seed).map((text) => Buffer.from(text));
  const next = generator(seed);
  const before = world();
  const target = new Target(mode);
  target.helper.write(request(1, "hello", { protocol: PROTOCOL_VERSION, client: "fuzz" }));
  let settled = 0;
  for (let sent = 0; sent < FRAMES; sent += BATCH) {
    const batch: Buffer[] = [];
    for (let k = 0; k < BATCH; k++)
      batch.push(frame(mutate(bodies[(sent + k) % SAMPLES] ?? Buffer.alloc(1), next)));
    await target.send(Buffer.concat(batch), `sync-${String(sent)}`);
    // V8 takes what it may before it gives anything back: what counts is that it stays so
    if (sent === FRAMES / 2) settled = residentBytes(target.helper.pid);
  }
  const grown = residentBytes(target.helper.pid) - settled;
  console.log(
    `${mode}: ${String(target.answers)} answers, ${(grown / MIB).toFixed(1)} MiB in the second half`,
  );
  expect(grown).toBeLessThan(32 * MIB);
  const volumes = (await target.send(Buffer.alloc(0), "last", "volumes", {})) as {
    readonly result?: unknown;
  };
  expect(volumes.result).toBeInstanceOf(Array);
  target.helper.closeInput();
  expect(await target.helper.exited).toEqual({ code: 0, signal: null });
  const { databases, ...rest } = world() as { databases: string[] };
  expect(rest).toEqual({ ...(before as object), databases: undefined });
  // a question about a volume's runs may make the journal that it reads; no index comes of any of it
  expect(databases.filter((name) => name.startsWith(`${volume.uuid}.db`))).toEqual([]);
});
