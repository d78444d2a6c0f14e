import { restorePriority } from "../dedupe/priority.ts";
import { DemoVolume } from "../demo/demo-volume.ts";
import type { Engine } from "../engine/contract.ts";
import { Log } from "./log.ts";
import { policyOf } from "./modes.ts";
import { ObserveLimits } from "./observe-limits.ts";
import type { Mode } from "./protocol.ts";
import { demoHandlers } from "./methods/demo.ts";
import { historyHandlers } from "./methods/history.ts";
import { LiveScans } from "./methods/live-scans.ts";
import { ruleHandlers } from "./methods/rules.ts";
import { taskHandlers } from "./methods/tasks.ts";
import { VolumeList } from "./methods/volumes.ts";
import { workHandlers } from "./methods/work.ts";
import { createReviews } from "./methods/review.ts";
import { Server, type Ending } from "./server.ts";
import type { Streams } from "./streams.ts";

export interface ServeOptions {
  readonly streams: Streams;
  readonly mode: Mode;
  readonly version: string;
  readonly privileged: boolean;
  readonly databaseDir: string;
  readonly rulesFile: string;
  /** For what lives until the next boot: the mount point of the demo volume. */
  readonly runtimeDir: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly makeEngine: (warn: (message: string) => void) => Promise<Engine>;
  /** Writes a line on standard error. */
  readonly tell: (line: string) => void;
}

/** The RPC server on one connection, until it ends. */
export async function serve(options: ServeOptions): Promise<Ending> {
  const { version, privileged, databaseDir, rulesFile, runtimeDir, environment, signal, makeEngine } =
    options;
  const log = new Log((line) => {
    options.tell(`rpc: ${line}`);
  });
  const observes = options.mode === "observe";
  const limits = observes && privileged ? ObserveLimits.take({ databaseDir, runtimeDir, environment }) : null;
  const demo = new DemoVolume({ databaseDir, runtimeDir, environment });
  return Server.serve({
    ...options.streams,
    policy: policyOf(options.mode),
    ...{ version, privileged, databaseDir, rulesFile, log, signal, makeEngine },
    atRest: observes ? () => undefined : restorePriority,
    makeHandlers: ({ tasks, warn }) => {
      const reviews = createReviews();
      const liveScans = new LiveScans(databaseDir, rulesFile);
      const volumes = new VolumeList({
        ...{ databaseDir, rulesFile, warn, tasks, privileged, observes, demoMount: demo.mountPath },
      });
      const indexChanged = (volume: string): void => {
        reviews.drop(volume);
        liveScans.forget(volume);
      };
      const work = workHandlers(indexChanged, liveScans);
      return {
        handlers: {
          volumes: ({ selection }) => volumes.list(selection),
          ...work,
          ...historyHandlers(tasks),
          ...ruleHandlers(),
          ...taskHandlers(tasks),
          ...limits?.around(work.scan, tasks),
          ...demoHandlers(demo, tasks, indexChanged),
          ...reviews.handlers,
        },
        close: () => {
          reviews.close();
          limits?.close();
        },
      };
    },
  });
}
