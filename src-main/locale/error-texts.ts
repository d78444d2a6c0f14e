import type { Locale } from "../../src-common/format.ts";
import type { ErrorData } from "../../src-helper/rpc/protocol.ts";
import type { AppState, Task } from "../ipc/state.ts";
import { deErrors } from "./de-errors.ts";

/** The errors of app and helper, which are English where they arise, in another language. */
export interface ErrorTexts {
  /** What kind of thing went wrong, for a message that has no text of its own: that one follows in brackets. */
  readonly codes: Readonly<Record<ErrorData["code"], string>>;
  /** Whole sentences: messages, what was kept, what to do next. */
  readonly sentences: Readonly<Record<string, string>>;
  /** Sentences with something in them; the last part of the first that fits. */
  readonly patterns: readonly (readonly [pattern: RegExp, text: (...parts: string[]) => string])[];
}

const TEXTS: Readonly<Record<Locale, ErrorTexts | null>> = { en: null, de: deErrors };

/** What the page is told, in the language that it shows. The log keeps the words as they came. */
export interface ErrorLocale {
  error(error: ErrorData): ErrorData;
  state(state: AppState): AppState;
  task(task: Task): Task;
}

/** @param current the language in use now */
export function createErrorLocale(current: () => Locale): ErrorLocale {
  const error = (data: ErrorData): ErrorData => {
    const texts = TEXTS[current()];
    if (texts === null) return data;
    const sentence = (text: string): string | null => {
      if (text === "") return "";
      if (Object.hasOwn(texts.sentences, text)) return texts.sentences[text] ?? null;
      for (const [pattern, say] of texts.patterns) {
        const parts = pattern.exec(text);
        if (parts !== null) return say(...parts.slice(1));
      }
      return null;
    };
    return {
      code: data.code,
      message: sentence(data.message) ?? `${texts.codes[data.code]} (${data.message})`,
      kept: sentence(data.kept) ?? data.kept,
      next: sentence(data.next) ?? data.next,
    };
  };
  const task = (one: Task): Task =>
    one.result?.kind === "failed"
      ? { ...one, result: { kind: "failed", error: error(one.result.error) } }
      : one;
  return {
    error,
    task,
    state: (state) => {
      const failure = state.helper.error;
      if (TEXTS[current()] === null) return state;
      return {
        ...state,
        helper: failure === null ? state.helper : { ...state.helper, error: error(failure) },
        tasks: state.tasks.map(task),
      };
    },
  };
}
