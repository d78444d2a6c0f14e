import { Command } from "commander";
import { PATHS_HELP } from "../help-text.ts";
import { addOptions, countArgument } from "../options.ts";
import { bytesToJsonString } from "../../text/path-text.ts";
import { printPaths } from "../print-paths.ts";
import type { Launch } from "./launch.ts";

/** `refold find-new`: files of a subvolume that changed since a generation. */
export function findNewCommand(launch: Launch): Command {
  const command = new Command("find-new")
    .summary("files changed since a generation")
    .description(
      "Lists the files of a subvolume that changed in or after a generation, or since the last scan, one path a line.",
    )
    .argument("<SUBVOLUME>", "a directory of the subvolume")
    .argument("[GENERATION]", "see 'refold generation'; none: since the last scan", countArgument(0))
    .addHelpText("after", PATHS_HELP);
  addOptions(command, "paths", "flush", "basic");
  return command.action(
    (subvolume: string, generation: number | undefined, own: { zeroTerminated?: boolean }) =>
      launch(command, { root: true }, async (session) => {
        const engine = await session.engine();
        if (session.options.flush === true) engine.generation(subvolume, true);
        const files = engine.findNew(subvolume, generation ?? null);
        if (session.options.json) {
          session.printJson({
            files: files.map(({ path, inode, size, transid }) => ({
              path: bytesToJsonString(path),
              inode,
              size,
              generation: transid,
            })),
          });
          return;
        }
        const paths = files.map((file) => file.path);
        printPaths(session, paths, own.zeroTerminated === true);
      }),
  );
}
