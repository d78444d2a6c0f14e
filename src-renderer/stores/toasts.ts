/** Short messages over the window. */
import { defineStore } from "pinia";
import { ref } from "vue";
import type { ErrorData } from "../../src-helper/rpc/protocol.ts";

export interface Toast {
  readonly id: number;
  readonly tone: "neutral" | "good" | "error";
  readonly title: string;
  /** Further sentences; each gets a line. */
  readonly lines: readonly string[];
}

/** More at once than this would hide the window; the oldest go. */
const MOST = 4;

export const useToasts = defineStore("toasts", () => {
  const toasts = ref<readonly Toast[]>([]);
  let lastId = 0;

  /** @returns its id, for dismiss */
  function show(title: string, tone: Toast["tone"] = "neutral", lines: readonly string[] = []): number {
    lastId += 1;
    // the same message twice is one message that came again
    const others = toasts.value.filter((toast) => toast.title !== title || toast.tone !== tone);
    toasts.value = [...others, { id: lastId, tone, title, lines }].slice(-MOST);
    return lastId;
  }

  /** What happened, what was kept safe, what to do next. */
  function showError(error: ErrorData): number {
    return show(
      error.message,
      "error",
      [error.kept, error.next].filter((line) => line !== ""),
    );
  }

  function dismiss(id: number): void {
    toasts.value = toasts.value.filter((toast) => toast.id !== id);
  }

  return { toasts, show, showError, dismiss };
});
