import type { ErrorData } from "../../src-helper/rpc/protocol.ts";
import { AppError, errorDataOf } from "../app/app-error.ts";
import { oneLine, rateLimited, type Log } from "../app/log.ts";
import { INVOKE, type Answer, type Args, type InvokeName, type Value } from "./schema.ts";
import { shapeFault } from "./size.ts";

/** One function a call. Arguments have passed the schema. */
export type InvokeHandlers = { readonly [N in InvokeName]: (args: Args<N>) => Promise<Value<N>> };

const REFUSED: ErrorData = {
  code: "refused",
  message: "The app does not take this call.",
  kept: "Nothing was changed.",
  next: "",
};

/** Answers one call of a page. Never rejects: what goes wrong is in the answer. */
export type Dispatch = (senderFault: string | null, name: unknown, args: unknown) => Promise<Answer<unknown>>;

/**
 * The gate between the page and the handlers. A call is refused where its
 * sender, name, shape or arguments are not what they must be; refusals are
 * logged, few a minute, and say nothing of the arguments' content.
 *
 * @param told what a page is told of an error: the same, in its language
 */
export function createDispatch(
  handlers: InvokeHandlers,
  log: Log,
  told: (error: ErrorData) => ErrorData = (error) => error,
): Dispatch {
  const refuse = rateLimited((message) => {
    log.warn(message);
  }, 20);
  const refused = (why: string): Answer<never> => {
    refuse(`a call was refused: ${oneLine(why)}`);
    return { ok: false, error: told(REFUSED) };
  };
  return async (senderFault, name, args) => {
    if (senderFault !== null) return refused(senderFault);
    if (typeof name !== "string" || !Object.hasOwn(INVOKE, name)) {
      return refused(typeof name === "string" ? `no call "${name.slice(0, 80)}"` : "its name is no text");
    }
    const known = name as InvokeName;
    const fault = shapeFault(args);
    if (fault !== null) return refused(`${known}: its arguments are ${fault}`);
    const parsed = INVOKE[known].args.safeParse(args);
    if (!parsed.success) {
      const where = parsed.error.issues[0]?.path.map(String).join(".") ?? "";
      return refused(`${known}: its arguments do not fit at "${where.slice(0, 80)}"`);
    }
    try {
      // the schema of this very name has made the arguments
      const handler = handlers[known] as (args: unknown) => Promise<unknown>;
      return { ok: true, value: await handler(parsed.data) };
    } catch (error) {
      if (!(error instanceof AppError)) {
        log.error(`${known}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      }
      return { ok: false, error: told(errorDataOf(error)) };
    }
  };
}
