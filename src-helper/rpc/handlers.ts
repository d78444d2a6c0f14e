/** What a handler of a request gets, and what it must be. The server is server.ts. */
import type { z } from "zod";
import type { Engine, Progress, RunContext, Volume } from "../engine/contract.ts";
import type { Method, Params, phaseSchema, Result } from "./protocol.ts";

/** A step of a task. As the engine's, with the phases that only the helper has. */
export type TaskStep = Omit<Progress, "phase" | "volume"> & {
  readonly phase: z.infer<typeof phaseSchema>;
  readonly volume?: string;
};

/**
 * A task while it runs: a RunContext for the engine. `signal` is aborted by
 * "cancel" and when the connection ends; `gate` is awaited at safe points and
 * holds the task while it is paused; progress is throttled here, so tell it as
 * often as is handy.
 */
export interface TaskRun extends Omit<RunContext, "progress"> {
  progress(step: TaskStep): void;
  gate(): Promise<void> | undefined;
  pausing(): boolean;
  working(item: () => Buffer): void;
  skipped(reason: Parameters<NonNullable<RunContext["skipped"]>>[0]): void;
}

/** What every handler is given. One object a connection. */
export interface CallContext {
  readonly engine: Engine;
  /** Where the databases are. */
  readonly databaseDir: string;
  /** Where the rules of folders are. */
  readonly rulesFile: string;
  /** For what a person should know although the call goes on. */
  readonly warn: (message: string) => void;
  /** Aborted when the connection ends: stop background work, close what is open. */
  readonly closing: AbortSignal;

  /**
   * Registers a task for as long as `work` runs, so that progress, pause and
   * cancel find it by its name.
   *
   * @param name chosen by the client
   * @param volume uuid that the work is heavy on: one such task a volume at a
   *   time. null for light work, which shuts nobody out (names of a review)
   * @throws RpcError "busy" where the volume has a task, "refused" where the name is taken
   */
  run<T>(name: string, volume: string | null, work: (run: TaskRun) => Promise<T>): Promise<T>;

  /**
   * Opens a volume, and closes it however `work` ends.
   * @throws RefoldError "no-volume", "permission"
   */
  withVolume<T>(uuid: string, work: (volume: Volume) => Promise<T> | T): Promise<T>;
}

/** Answers one method. The parameters have passed its schema; the result is held to it. */
export type Handler<M extends Method> = (
  params: Params<M>,
  call: CallContext,
) => Promise<Result<M>> | Result<M>;

/** An answer for every method. */
export type Handlers = { readonly [M in Method]: Handler<M> };

/** What methods/review.ts answers. */
export type ReviewMethod = Extract<Method, `review.${string}`>;
export type ReviewHandlers = Pick<Handlers, ReviewMethod>;

/** The reviews of one connection: what methods/review.ts exports `createReviews(): Reviews` for. */
export interface Reviews {
  readonly handlers: ReviewHandlers;
  /**
   * The index of a volume is no more what it was (a scan, a repair): its review
   * is out of date, and what it holds can be freed. Called after the task.
   */
  drop(volume: string): void;
  /** The connection ended: closes everything. Called once, after every task has ended. */
  close(): void;
}
