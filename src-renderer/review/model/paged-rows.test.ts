import { describe, expect, it } from "vitest";
import { PagedRows, type FetchResult } from "./paged-rows.ts";

interface Question {
  readonly offset: number;
  answer(result?: FetchResult<string>): Promise<void>;
}

/** A list whose questions are answered by the test, in any order. */
function list(length: number) {
  const questions: Question[] = [];
  const state = { length, name: "a", changes: 0, arrivals: [] as [number, boolean][] };
  const rows = new PagedRows<string>({
    pageSize: 10,
    maxPages: 4,
    fetch: (offset, limit) => {
      const { promise, resolve } = Promise.withResolvers<FetchResult<string>>();
      const size = Math.max(0, Math.min(limit, state.length - offset));
      const page = Array.from({ length: size }, (_, at) => `${state.name}${offset + at}`);
      const whole = { total: state.length, rows: page };
      questions.push({
        offset,
        answer: async (result = whole) => {
          resolve(result);
          await promise;
          await Promise.resolve();
        },
      });
      return promise;
    },
    changed: () => {
      state.changes++;
    },
    arrived: (offset, _, first) => {
      state.arrivals.push([offset, first]);
    },
  });
  const offsets = (): number[] => questions.map(({ offset }) => offset);
  const answerAll = async (): Promise<void> => {
    for (let at = 0; at < questions.length; at++) await questions[at]?.answer();
  };
  return { rows, questions, offsets, answerAll, state };
}

describe("paged rows", () => {
  it("asks for what is in view and the two pages that come next", async () => {
    const { rows, offsets, answerAll } = list(1000);
    rows.want(0, 15);
    expect(offsets()).toEqual([0, 10]);
    await answerAll();
    expect(offsets()).toEqual([0, 10, 20, 30]);
    expect(rows.total).toBe(1000);
    expect(rows.at(15)).toBe("a15");
    expect(rows.at(500)).toBeUndefined();
  });

  it("never holds more than its pages, and keeps those in view", async () => {
    const { rows, answerAll } = list(1000);
    for (let line = 0; line < 900; line += 7) {
      rows.want(line, line + 12);
      await answerAll();
      expect(rows.held).toBeLessThanOrEqual(40);
      expect(rows.at(line)).toBe(`a${line}`);
      expect(rows.at(line + 12)).toBe(`a${line + 12}`);
    }
  });

  it("does not ask for pages that were scrolled past", () => {
    const { rows, offsets } = list(100_000);
    for (let line = 0; line < 100_000; line += 1000) rows.want(line, line + 9);
    expect(offsets()).toHaveLength(2);
  });

  it("drops an answer that is out of view by then, and asks for what is in view", async () => {
    const { rows, questions, offsets } = list(1000);
    rows.want(0, 9);
    rows.want(500, 509);
    await questions[0]?.answer();
    expect(rows.at(0)).toBeUndefined();
    expect(offsets()).toContain(500);
  });

  it("shows the old rows until the new ones are there", async () => {
    const { rows, questions, answerAll, state } = list(30);
    rows.want(0, 5);
    await answerAll();
    state.name = "b";
    rows.invalidate();
    expect(rows.at(3)).toBe("a3");
    await questions.findLast(({ offset }) => offset === 0)?.answer();
    expect(rows.at(3)).toBe("b3");
  });

  it("throws away an answer to an older question", async () => {
    const { rows, questions, answerAll, state } = list(30);
    rows.want(0, 5);
    state.name = "b";
    rows.reset();
    await questions.findLast(({ offset }) => offset === 0)?.answer();
    await questions[0]?.answer();
    expect(rows.at(3)).toBe("b3");
    await answerAll();
    expect(rows.at(13)).toBe("b13");
  });

  it("forgets the old list with the first page of the new one", async () => {
    const { rows, questions, answerAll, state } = list(30);
    rows.want(0, 25);
    await answerAll();
    expect(rows.at(25)).toBe("a25");
    state.length = 3;
    state.name = "b";
    const asked = questions.length;
    rows.reset();
    expect(rows.settled).toBe(false);
    expect(rows.at(25)).toBe("a25");
    await questions[asked]?.answer();
    expect(rows.settled).toBe(true);
    expect(rows.total).toBe(3);
    expect(rows.at(25)).toBeUndefined();
    expect(state.arrivals.at(-1)).toEqual([0, true]);
  });

  it("asks again where an answer was overtaken, but not for ever", async () => {
    const { rows, questions } = list(5);
    rows.want(0, 4);
    for (let at = 0; at < questions.length && at < 50; at++) await questions[at]?.answer("outdated");
    expect(questions.length).toBeGreaterThan(2);
    expect(questions.length).toBeLessThan(50);
    const asked = questions.length;
    rows.invalidate();
    expect(questions.length).toBeGreaterThan(asked);
  });

  it("does not ask again for what failed until something changes", async () => {
    const { rows, questions } = list(5);
    rows.want(0, 4);
    await questions[0]?.answer("failed");
    rows.want(0, 4);
    expect(questions.filter(({ offset }) => offset === 0)).toHaveLength(1);
    rows.invalidate();
    expect(questions.filter(({ offset }) => offset === 0)).toHaveLength(2);
  });

  it("asks an empty list again when it may have come to have rows", async () => {
    const { rows, questions, answerAll } = list(0);
    rows.want(0, 4);
    await answerAll();
    expect(rows.total).toBe(0);
    const asked = questions.length;
    rows.invalidate();
    expect(questions.length).toBe(asked + 1);
  });

  it("changes held rows in place and tells of it", async () => {
    const { rows, answerAll, state } = list(20);
    rows.want(0, 15);
    await answerAll();
    const before = state.changes;
    rows.patch((row) => `${row}!`);
    expect(rows.at(12)).toBe("a12!");
    expect(state.changes).toBe(before + 1);
  });

  it("holds nothing once it is released, and knows its total", async () => {
    const { rows, answerAll } = list(20);
    rows.want(0, 15);
    await answerAll();
    rows.release();
    expect(rows.held).toBe(0);
    expect(rows.total).toBe(20);
    rows.want(0, 5);
    await answerAll();
    expect(rows.at(5)).toBe("a5");
  });
});
