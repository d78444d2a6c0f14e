import { expect, test } from "vitest";
import type { RunContext } from "../../src-helper/engine/contract.ts";
import { runNative, type ScanContext } from "../../src-helper/scan/scan-context.ts";

function contextWith(run: Partial<RunContext>): ScanContext {
  return {
    dir: -1,
    sectorSize: 4096,
    csumSize: 4,
    uuid: "",
    generation: () => 0,
    pathOf: () => "" as never,
    bytesRead: 0,
    run: {
      signal: new AbortController().signal,
      progress: () => undefined,
      log: () => undefined,
      ...run,
    },
  };
}

const progress = () => ({ phase: "walk", done: 0, total: null, unit: "files" }) as const;

test("a native call is under way when its promise is there: what is done until it is looked at costs nothing", async () => {
  let started = false;
  const result = runNative(contextWith({}), progress, () => {
    started = true;
    return Promise.resolve(7);
  });
  expect(started).toBe(true);
  expect(await result).toBe(7);
});

test("where a gate holds, the native call waits for it", async () => {
  const gate = Promise.withResolvers<undefined>();
  let started = false;
  const result = runNative(contextWith({ gate: () => gate.promise }), progress, () => {
    started = true;
    return Promise.resolve(7);
  });
  await new Promise(setImmediate);
  expect(started).toBe(false);
  gate.resolve(undefined);
  expect(await result).toBe(7);
});
