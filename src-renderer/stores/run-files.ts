/** The files of a run, read by pages as they come into view; few pages are kept. */
import { shallowRef, triggerRef, type ShallowRef } from "vue";
import type { ErrorData, HistoryFileInfo } from "../../src-helper/rpc/protocol.ts";
import type { Client } from "../bridge.ts";

export const PAGE = 200;
const KEPT_PAGES = 6;

export interface RunFiles {
  /** null before the first page. */
  readonly total: ShallowRef<number | null>;
  readonly error: ShallowRef<ErrorData | null>;
  /** undefined while its page is not here. */
  at(index: number): HistoryFileInfo | undefined;
  /** Says which rows are in view; their pages are fetched. */
  show(first: number, last: number): Promise<void>;
  /** Pages held now. */
  held(): number;
}

export function createRunFiles(client: Pick<Client, "ask">, volume: string, run: number): RunFiles {
  const total = shallowRef<number | null>(null);
  const error = shallowRef<ErrorData | null>(null);
  // a Map keeps the order of insertion: the first is the one seen longest ago
  const pages = shallowRef(new Map<number, readonly HistoryFileInfo[] | null>());

  async function fetch(page: number): Promise<void> {
    const held = pages.value;
    const known = held.get(page);
    if (known !== undefined) {
      held.delete(page);
      held.set(page, known);
      return;
    }
    held.set(page, null);
    const answer = await client.ask("history.files", { volume, run, offset: page * PAGE, limit: PAGE });
    if (!answer.ok) {
      held.delete(page);
      error.value = answer.error;
      return;
    }
    error.value = null;
    total.value = answer.value.total;
    held.set(page, answer.value.files);
    for (const old of held.keys()) {
      if (held.size <= KEPT_PAGES) break;
      held.delete(old);
    }
    triggerRef(pages);
  }

  return {
    total,
    error,
    at: (index) => pages.value.get(Math.floor(index / PAGE))?.[index % PAGE],
    held: () => pages.value.size,
    async show(first, last) {
      const fetches: Promise<void>[] = [];
      for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page++)
        fetches.push(fetch(page));
      await Promise.all(fetches);
    },
  };
}
