/** Errors in German: that all codes and the app's own sentences have a text, and that no text is of a sentence that is gone. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { errorDataSchema, type ErrorData } from "../../../src-helper/rpc/protocol.ts";
import { deErrors } from "../../../src-main/locale/de-errors.ts";
import { createErrorLocale } from "../../../src-main/locale/error-texts.ts";
import type { Task } from "../../../src-main/ipc/state.ts";
import { ROOT } from "../../support/run.ts";
import { appState } from "./support.ts";

const sources = ["src-main", "src-helper"].map((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith("de-errors.ts"))
    .map((name) => readFileSync(join(ROOT, folder, name), "utf8"))
    .join("\n"),
);
const [main = "", helper = ""] = sources;
/** Sentences that are cut over lines come whole. */
const joined = (text: string): string => text.replaceAll(/" \+\s+"/gu, "");

const german = createErrorLocale(() => "de");
const error = (message: string, more: Partial<ErrorData> = {}): ErrorData => ({
  ...{ code: "failed", message, kept: "", next: "" },
  ...more,
});

describe("in German", () => {
  test("every code has a sentence", () => {
    for (const code of errorDataSchema.shape.code.options) {
      const told = german.error(error("of this one there is no text", { code }));
      expect(told.message).toBe(`${deErrors.codes[code]} (of this one there is no text)`);
      expect(deErrors.codes[code]).toMatch(/\.$/u);
    }
  });

  test("every fixed sentence of the app's own errors has a text", () => {
    const calls = joined(main).matchAll(/appError\([^;]*?\);/gsu);
    const fixed = [...calls].flatMap(([call]) =>
      [...call.matchAll(/"([A-Z][^"]*\.)"/gu)].map(([, text]) => text),
    );
    expect(fixed.length).toBeGreaterThan(20);
    expect(fixed.filter((text) => !Object.hasOwn(deErrors.sentences, text ?? ""))).toEqual([]);
  });

  test("no text is of a sentence that nobody says any more", () => {
    const said = joined(main) + joined(helper);
    // a stale review's sentence gets its full stop where it is told
    const gone = Object.keys(deErrors.sentences).filter(
      (text) => !said.includes(`"${text}"`) && !said.includes(`"${text.replace(/\.$/u, "")}"`),
    );
    expect(gone).toEqual([]);
  });

  test.each([
    [
      "The helper stopped while it was folding home: it was ended by SIGKILL.",
      "während es home faltete: es wurde durch SIGKILL beendet.",
    ],
    ["The helper stopped: it ended with code 3.", "Der Helfer hat aufgehört: es endete mit Code 3."],
    ["Try again in 1 second.", "in 1 Sekunde noch einmal."],
    ["Try again in 40 seconds.", "in 40 Sekunden noch einmal."],
    ["/mnt is mounted read-only", "/mnt ist schreibgeschützt eingehängt."],
  ])("%s", (english, text) => {
    const told = german.error(error("", { next: english }));
    expect(told.next).toContain(text);
    expect(german.error(error(english)).message).toContain(text);
  });

  test("what has no text stays: nothing that says what to do is lost", () => {
    const told = german.error(error("disk on fire", { kept: "All of it.", next: "Call somebody." }));
    expect(told).toEqual({
      ...{ code: "failed", message: `${deErrors.codes.failed} (disk on fire)` },
      ...{ kept: "All of it.", next: "Call somebody." },
    });
  });

  test("in the state and in a task, and not where there is no error", () => {
    const failed: Task = {
      ...{ id: "scan-1", kind: "scan", volume: null, startedAt: 1, progress: null, rate: null, etaMs: null },
      ...{ cancelling: false, result: { kind: "failed", error: error("The helper failed.") } },
    };
    const state = appState({
      tasks: [failed],
      helper: { status: "lost", error: error("The helper does not answer.") },
    });
    const told = german.state(state);
    expect(told.helper.error?.message).toBe("Der Helfer antwortet nicht.");
    expect(told.tasks[0]?.result).toMatchObject({ error: { message: "Der Helfer ist gescheitert." } });
    expect(german.task({ ...failed, result: null }).result).toBeNull();
  });
});

test("in English all is as it came", () => {
  const english = createErrorLocale(() => "en");
  const data = error("The helper failed.", { next: "Try again." });
  expect(english.error(data)).toBe(data);
});
