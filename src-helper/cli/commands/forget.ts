import { Command } from "commander";
import type { Engine } from "../../engine/contract.ts";
import { RefoldError } from "../../engine/errors.ts";
import { EXIT } from "../exit-codes.ts";
import { addOptions } from "../options.ts";
import { displayPath } from "../terminal-text.ts";
import { OpenVolumes } from "../volumes.ts";
import type { Launch } from "./launch.ts";

/** `refold forget`: removes everything kept of a filesystem. */
export function forgetCommand(launch: Launch): Command {
  const command = new Command("forget")
    .summary("remove everything that is kept of a filesystem")
    .description(
      "Removes everything that Refold keeps of a filesystem, mounted or not: its scan and its history. Asks where " +
        "there is a history. The filesystem itself is not touched.",
    )
    .argument("<UUID>", "which; 'refold show' lists them");
  addOptions(command, "yes", "basic");
  return command.action((name: string, own: { yes?: boolean }) =>
    launch(command, { root: true }, async (session) => {
      const uuid = name.toLowerCase();
      const engine = await session.engine();
      if (!engine.known().includes(uuid)) {
        throw new RefoldError("no-volume", `nothing is kept of '${displayPath(name)}'`, {
          next: "'refold show' lists the uuids of mounted and remembered filesystems.",
        });
      }
      if (own.yes !== true && mayHaveHistory(engine, uuid)) {
        if (!session.io.stdinIsTerminal) {
          throw new RefoldError(
            "usage",
            "forget asks before it removes a history, and standard input is no terminal",
            {
              next: "Add --yes to remove it without being asked.",
            },
          );
        }
        if (!(await session.ask(`Remove the scan and the history of ${uuid}?`))) {
          session.note("nothing was removed");
          session.raise(EXIT.cancelled);
          return;
        }
      }
      engine.forget(uuid);
      if (session.options.json) session.printJson({ forgotten: uuid });
      else session.say(`Forgot ${uuid}.`);
    }),
  );
}

/** false only where it can be seen that nothing was ever folded there. */
function mayHaveHistory(engine: Engine, uuid: string): boolean {
  try {
    using volumes = new OpenVolumes(engine.open([uuid]));
    return volumes.all.length === 0 || volumes.all.some((volume) => volume.history().length > 0);
  } catch {
    return true; // its device is not here: what is kept of it cannot be seen without opening it
  }
}
