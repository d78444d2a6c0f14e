import { describe, expect, it } from "vitest";
import type { Client } from "../bridge.ts";
import { createRunFiles, PAGE } from "./run-files.ts";

const TOTAL = 10_000;

function makeClient(): { client: Pick<Client, "ask">; offsets: number[]; fail: { next: boolean } } {
  const offsets: number[] = [];
  const fail = { next: false };
  const ask = (async (_name: string, args: { offset: number; limit: number }) => {
    offsets.push(args.offset);
    await Promise.resolve();
    if (fail.next) return { ok: false, error: { code: "failed", message: "gone", kept: "", next: "" } };
    const length = Math.max(0, Math.min(args.limit, TOTAL - args.offset));
    const files = Array.from({ length }, (_, k) => ({
      path: `/${String(args.offset + k)}`,
      outcome: "folded",
      detail: "",
    }));
    return { ok: true, value: { total: TOTAL, files } };
  }) as unknown as Client["ask"];
  return { client: { ask }, offsets, fail };
}

describe("a run's files", () => {
  it("reads the pages that are in view, once", async () => {
    const { client, offsets } = makeClient();
    const files = createRunFiles(client, "volume", 1);
    await Promise.all([files.show(0, 30), files.show(10, 40)]);
    await files.show(PAGE - 1, PAGE);
    expect(offsets).toEqual([0, PAGE]);
    expect(files.total.value).toBe(TOTAL);
    expect(files.at(PAGE)?.path).toBe(`/${String(PAGE)}`);
    expect(files.at(5 * PAGE)).toBeUndefined();
  });

  it("holds six pages at most, those seen last", async () => {
    const { client } = makeClient();
    const files = createRunFiles(client, "volume", 1);
    for (let page = 0; page < 30; page++) {
      await files.show(page * PAGE, page * PAGE + 20);
      await files.show(0, 0);
      expect(files.held()).toBeLessThanOrEqual(6);
    }
    expect(files.at(0)?.path).toBe("/0");
    expect(files.at(29 * PAGE)?.path).toBe(`/${String(29 * PAGE)}`);
    expect(files.at(10 * PAGE)).toBeUndefined();
  });

  it("keeps an error, and reads again when it is asked again", async () => {
    const { client, fail } = makeClient();
    const files = createRunFiles(client, "volume", 1);
    fail.next = true;
    await files.show(0, 10);
    expect(files.error.value?.message).toBe("gone");
    fail.next = false;
    await files.show(0, 10);
    expect(files.error.value).toBeNull();
    expect(files.at(3)?.path).toBe("/3");
  });
});
