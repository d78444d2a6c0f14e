/** The window's way to the main process, typed, with errors as values. */
import { inject, type InjectionKey } from "vue";
import type { Answer, Args, InvokeName, RefoldBridge, Value } from "../src-main/ipc/schema.ts";
import { useToasts } from "./stores/toasts.ts";

export type { Answer, RefoldBridge } from "../src-main/ipc/schema.ts";
export type { ErrorData } from "../src-helper/rpc/protocol.ts";

type Arguments<N extends InvokeName> = undefined extends Args<N> ? [] : [Args<N>];

export const BRIDGE: InjectionKey<RefoldBridge> = Symbol("refold");

export interface Client {
  /** Asks and hands the answer back as it is. Never rejects. */
  readonly ask: <N extends InvokeName>(name: N, ...args: Arguments<N>) => Promise<Answer<Value<N>>>;
  /** Asks; an error is shown as a toast too, except "cancelled", which the person wanted. Never rejects. */
  readonly attempt: <N extends InvokeName>(name: N, ...args: Arguments<N>) => Promise<Answer<Value<N>>>;
  readonly on: RefoldBridge["on"];
}

/**
 * Makes the client of a bridge.
 *
 * @param onError told of each error of `attempt`
 */
export function createClient(
  bridge: RefoldBridge,
  onError: (error: Extract<Answer<never>, { ok: false }>["error"]) => void,
): Client {
  const ask: Client["ask"] = async (name, ...args) => {
    try {
      return await bridge.invoke(name, ...args);
    } catch (cause) {
      // the main process answers errors as values; only a broken road to it ends here
      const message = cause instanceof Error ? cause.message : String(cause);
      return {
        ok: false,
        error: { code: "failed", message, kept: "", next: "" },
      };
    }
  };
  return {
    ask,
    async attempt(name, ...args) {
      const answer = await ask(name, ...args);
      if (!answer.ok && answer.error.code !== "cancelled") onError(answer.error);
      return answer;
    },
    on: bridge.on.bind(bridge),
  };
}

/** The client, in a component's or a store's setup. @throws where no bridge was provided */
export function useClient(): Client {
  const bridge = inject(BRIDGE);
  if (bridge === undefined) throw new Error("no bridge was provided");
  const toasts = useToasts();
  return createClient(bridge, (error) => {
    toasts.showError(error);
  });
}
