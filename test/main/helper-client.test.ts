import { describe, expect, it } from "vitest";
import { AppError } from "../../src-main/app/app-error.ts";
import { connectHelper, HelperGone, NoHello, type HelperClient } from "../../src-main/helper/client.ts";
import type { TaskProgress } from "../../src-helper/rpc/protocol.ts";
import { memoryLog, scripted, until, type MemoryLog } from "./support/helpers.ts";

interface Connected {
  readonly client: HelperClient;
  readonly log: MemoryLog;
  readonly progress: TaskProgress[];
}

async function connect(scenario: string, helloMs: number | null = null): Promise<Connected> {
  const log = memoryLog();
  const progress: TaskProgress[] = [];
  const client = await connectHelper(await scripted(scenario).start("manage"), {
    name: "test",
    log,
    helloMs,
    onProgress: (one) => progress.push(one),
    onLog: () => undefined,
    onGone: () => undefined,
  });
  return { client, log, progress };
}

/** What a promise is rejected with. */
const failure = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => error,
  );
const data = async (work: Promise<unknown>) => {
  const error = await failure(work);
  if (!(error instanceof AppError)) throw error;
  return error.data;
};

describe("the client of the helper", () => {
  it("says hello, asks, and ends it", async () => {
    const { client } = await connect("good");
    expect(client.hello).toMatchObject({ version: "9.9.9", privileged: true });
    expect(await client.request("volumes", {})).toEqual([]);
    await client.end();
    expect(await client.ended).toMatchObject({ exit: { code: 0, signal: null }, why: null });
    expect(await failure(client.request("volumes", {}))).toBeInstanceOf(HelperGone);
  });

  it("hands the helper's own error on as it is", async () => {
    const { client } = await connect("own-error");
    expect(await data(client.request("volumes", {}))).toEqual({
      code: "busy",
      message: "Another run holds it.",
      kept: "It goes on.",
      next: "Wait.",
    });
    await client.end();
  });

  it("writes what the helper says on stderr into the log, a line each and cut to a length", async () => {
    const { client, log } = await connect("talks-on-stderr");
    await client.request("volumes", {});
    await client.end();
    await client.ended;
    expect(log.lines).toContain("info: helper: first line");
    expect(log.lines).toContain("info: helper: second \\u001b[31mline");
    expect(Math.max(...log.lines.map((line) => line.length))).toBeLessThan(2100);
  });

  it("refuses to send more than the helper takes", async () => {
    const { client } = await connect("good");
    const exclude = Array.from({ length: 1000 }, () => "x".repeat(8192));
    const params = {
      task: "scan-1",
      volume: "00000000-0000-0000-0000-000000000000",
      minSize: 0,
      flush: false,
    };
    expect((await data(client.request("scan", { ...params, exclude }))).code).toBe("refused");
    expect(await client.request("volumes", {})).toEqual([]);
    await client.end();
  });
});

describe("a helper that dies", () => {
  it.each(["dies", "mute"])("%s: what was asked is rejected, and the reason is told", async (scenario) => {
    const { client } = await connect(scenario);
    expect(await failure(client.request("volumes", {}))).toBeInstanceOf(HelperGone);
    const { why } = await client.ended;
    expect(why).toMatch(scenario === "dies" ? /SIGKILL/ : /closed its output|ended with code 0/);
  });

  it("before it said hello: the exit is told", async () => {
    const error = await failure(connect("no-hello"));
    expect(error).toBeInstanceOf(NoHello);
    expect((error as NoHello).end.exit).toEqual({ code: 3, signal: null });
  });

  it("that never says hello is ended where nobody types a password", async () => {
    expect((await data(connect("silent-hello", 300))).message).toBe("The helper does not answer.");
  });
});

describe("a hostile helper", () => {
  it.each(["other-protocol", "bad-hello"])("%s: is not used", async (scenario) => {
    expect((await data(connect(scenario))).code).toBe("failed");
  });

  it("a second answer to hello changes nothing", async () => {
    const { client, log } = await connect("hello-twice");
    expect(client.hello).toMatchObject({ version: "9.9.9", privileged: true });
    await until(() => log.lines.some((line) => line.includes("to nothing that was asked")));
    await client.end();
  });

  it("an answer that does not fit is not used, logged, and the next one is", async () => {
    const { client, log } = await connect("wrong-result");
    expect((await data(client.request("volumes", {}))).message).toMatch(/not one the app understands/);
    expect(log.lines.filter((line) => line.includes('answer to "volumes" does not fit'))).toHaveLength(1);
    expect(await client.request("volumes", {})).toEqual([]);
    await client.end();
  });

  it("notifications that do not fit are dropped and logged, the good one comes", async () => {
    const { client, log, progress } = await connect("wrong-notifications");
    await client.request("volumes", {});
    expect(progress.map(({ done }) => done)).toEqual([5]);
    for (const part of ['"progress" does not fit', '"log" does not fit', '"self-destruct" is not known']) {
      expect(log.lines.some((line) => line.startsWith("warn:") && line.includes(part))).toBe(true);
    }
    expect(({} as Record<string, unknown>)["params"]).toBeUndefined();
    await client.end();
  });

  it.each([
    ["oversized", /2000000000 bytes is too long/],
    ["garbage", /header has no end/],
    ["not-json", /not JSON/],
    ["asks-back", /sent a request/],
    ["library's-own", /none of this protocol/],
    ["empty-answer", /answer is empty/],
  ])("%s: the connection is ended, and the process is too", async (scenario, why) => {
    const { client, log } = await connect(scenario);
    expect(await failure(client.request("volumes", {}))).toBeInstanceOf(HelperGone);
    const end = await client.ended;
    expect(end.why).toMatch(why);
    expect(log.lines.filter((line) => line.startsWith("error:"))).toHaveLength(1);
    await until(() => end.exit !== null || !alive(client.hello.pid));
  });

  it("an error that does not fit says nothing of its insides to the page", async () => {
    const { client } = await connect("bad-error");
    const shown = await data(client.request("volumes", {}));
    expect(shown.code).toBe("failed");
    expect(JSON.stringify(shown)).not.toContain("secret");
    await client.end();
  });
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
