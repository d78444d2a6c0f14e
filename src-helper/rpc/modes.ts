/** What a helper takes of its client, and what it tells it: more in docs/security.md. */
import { z } from "zod";
import { RefoldError, type ErrorCode } from "../engine/errors.ts";
import { RpcError } from "./errors.ts";
import {
  countedSchema,
  deepSchema,
  METHODS,
  OBSERVE_METHODS,
  OBSERVED_MEMORY,
  OBSERVED_SCAN,
  type Method,
  type Mode,
  type Notification,
  type NotificationName,
  type TaskProgress,
} from "./protocol.ts";

export interface ModePolicy {
  readonly mode: Mode;
  /** Whether a path or a name may leave the helper, to the client or on standard error. */
  readonly tellsNames: boolean;
  /** The schema that the parameters must fit. @throws RpcError "refused" where the mode has no such method */
  paramsOf(method: Method): z.ZodType;
  /** What the client is told of an error; a text that may quote a path becomes one that does not. */
  told(error: unknown): unknown;
  /** The message as it leaves; null: it does not. */
  notification<N extends NotificationName>(name: N, message: Notification<N>): Notification<N> | null;
}

const MANAGE: ModePolicy = {
  mode: "manage",
  tellsNames: true,
  paramsOf: (method) => METHODS[method].params,
  told: (error) => error,
  notification: (_, message) => message,
};

const observedScan = z.strictObject({
  ...METHODS.scan.params.shape,
  minSize: z.literal(OBSERVED_SCAN.minSize),
  exclude: z.array(z.never()).length(0),
  flush: z.literal(OBSERVED_SCAN.flush),
  deep: deepSchema
    .extend({
      memory: z
        .int()
        .min(2 ** 20)
        .max(OBSERVED_MEMORY),
      // it could be asked to read the whole disk once a minute
      read: z.literal(false).optional(),
    })
    .optional(),
});

const observedVolumes = z.strictObject({
  selection: countedSchema
    .extend({ minSize: z.literal(OBSERVED_SCAN.minSize), exclude: z.array(z.never()).length(0) })
    .optional(),
});

/** Instead of the engine's own sentences, which name mount points, processes and databases. */
const SENTENCES: Readonly<Record<ErrorCode, string>> = {
  usage: "The helper was not started as it should be.",
  permission: "The helper lacks a right that it needs.",
  "no-volume": "There is no such filesystem, or it is not mounted any more.",
  busy: "Something else is being done with this volume.",
  cancelled: "It was cancelled.",
  failed: "It did not work. Somebody with root's rights sees why: sudo refold scan.",
};

const OBSERVE: ModePolicy = {
  mode: "observe",
  tellsNames: false,
  paramsOf: (method) => {
    if (method === "scan") return observedScan;
    if (method === "volumes") return observedVolumes;
    if (method === "hello" || (OBSERVE_METHODS as readonly string[]).includes(method))
      return METHODS[method].params;
    throw new RpcError("refused", `This helper only observes: it has no ${method}.`, {
      kept: "Nothing was done.",
      next: "Start one that may manage.",
    });
  },
  told: (error) => {
    if (error instanceof RpcError) return error;
    if (error instanceof RefoldError) return new RefoldError(error.code, SENTENCES[error.code]);
    return new Error("its text may name a file, so it is kept back");
  },
  notification: (name, message) => {
    if (name !== "progress") return null;
    return { ...(message as TaskProgress), item: null } as typeof message;
  },
};

/** The rules of a mode, which the helper holds to whatever its client says. */
export function policyOf(mode: Mode): ModePolicy {
  return mode === "observe" ? OBSERVE : MANAGE;
}
