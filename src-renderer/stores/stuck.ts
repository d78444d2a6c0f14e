/** Files that were left immutable, by volume, and what came of mending them. */
import { defineStore } from "pinia";
import { shallowRef } from "vue";
import type { ErrorData, RepairResultInfo, StuckFileInfo } from "../../src-helper/rpc/protocol.ts";
import { useClient } from "../bridge.ts";

export interface StuckList {
  /** null before they were listed. */
  readonly files: readonly StuckFileInfo[] | null;
  readonly loading: boolean;
  readonly repairing: boolean;
  readonly error: ErrorData | null;
  /** Of the last repair. */
  readonly result: RepairResultInfo | null;
}
const UNKNOWN: StuckList = { files: null, loading: false, repairing: false, error: null, result: null };

export const useStuck = defineStore("stuck", () => {
  const client = useClient();
  const lists = shallowRef<Readonly<Record<string, StuckList>>>({});

  function of(volume: string): StuckList {
    return lists.value[volume] ?? UNKNOWN;
  }
  function set(volume: string, patch: Partial<StuckList>): void {
    lists.value = { ...lists.value, [volume]: { ...of(volume), ...patch } };
  }

  /** Lists a volume's stuck files; once at a time. */
  async function load(volume: string): Promise<void> {
    if (of(volume).loading) return;
    set(volume, { loading: true });
    const answer = await client.ask("stuck.list", { volume });
    if (answer.ok) set(volume, { loading: false, files: answer.value, error: null });
    else set(volume, { loading: false, error: answer.error.code === "cancelled" ? null : answer.error });
  }

  /**
   * Mends ours, and those of unknown origin that are named; lists them anew.
   *
   * @returns what came of it; null where it could not be tried (a toast says why)
   */
  async function repair(volume: string, ids: readonly string[]): Promise<RepairResultInfo | null> {
    if (of(volume).repairing) return null;
    set(volume, { repairing: true });
    const answer = await client.attempt("stuck.repair", { volume, ids: [...ids] });
    set(volume, { repairing: false });
    if (!answer.ok) return null;
    set(volume, { result: answer.value });
    await load(volume);
    return answer.value;
  }

  function isRepairing(volume: string): boolean {
    return of(volume).repairing;
  }
  function dismissResult(volume: string): void {
    set(volume, { result: null });
  }

  return { lists, of, load, repair, isRepairing, dismissResult };
});
