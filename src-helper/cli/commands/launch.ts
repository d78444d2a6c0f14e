import type { Command } from "commander";
import type { Session } from "../session.ts";

/** Runs the body of a parsed command with a session of its own; done by ../run.ts. */
export type Launch = (
  command: Command,
  needs: { readonly root: boolean },
  body: (session: Session) => Promise<void>,
) => Promise<void>;
