import { Command, Option } from "commander";
import { version } from "../../../package.json";
import { EXIT } from "../exit-codes.ts";
import { addOptions } from "../options.ts";
import type { Launch } from "./launch.ts";

interface RpcOptions {
  readonly mode: "observe" | "manage";
  readonly runtimeDir: string;
  readonly socket?: string;
}

/**
 * `refold rpc`: answers the app on standard input and output, or on a socket
 * (docs/protocol.md). Not for people, so it is not in the help. As root it
 * first gives up every right that the mode does not need.
 */
export function rpcCommand(launch: Launch): Command {
  const command = new Command("rpc")
    .description("Answers the app on standard input and output; docs/protocol.md says how.")
    .addOption(new Option("--runtime-dir <DIR>", "where the demo volume is mounted").default("/run/refold"))
    .addOption(
      new Option("--mode <MODE>", "observe: totals only; manage: everything")
        .choices(["observe", "manage"])
        .default("manage"),
    )
    .addOption(new Option("--socket <PATH>", "the app's socket, instead of standard input and output"));
  addOptions(command, "basic");
  return command.action(async (own: RpcOptions) => {
    if (own.mode === "observe") {
      // before the process is started anew: every thread of it has this from its beginning
      const { applyPriority } = await import("../../dedupe/priority.ts");
      applyPriority({ priority: "idle" });
    }
    const { hardenHelper } = await import("../../hardening/harden.ts");
    hardenHelper({ mode: own.mode, programDirectory: import.meta.dirname });
    return launch(command, { root: false }, async (session) => {
      const { connectStreams, takeStreams } = await import("../../rpc/streams.ts");
      const { serve } = await import("../../rpc/serve.ts");
      const { createEngine } = await import("../../engine/engine.ts");
      const { databaseDir, rulesFile } = session.options;
      const { environment } = session.io;
      const ending = await serve({
        streams: own.socket === undefined ? takeStreams() : await connectStreams(own.socket, environment),
        ...{ mode: own.mode, version, databaseDir, rulesFile, runtimeDir: own.runtimeDir },
        privileged: session.io.isRoot,
        environment,
        signal: session.signal,
        makeEngine: (warn) => Promise.resolve(createEngine({ databaseDir, rulesFile, warn })),
        tell: (line) => {
          session.tell(line);
        },
      });
      if (ending === "violated") session.raise(EXIT.incomplete);
    });
  });
}
