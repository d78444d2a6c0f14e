import { Command } from "commander";
import { addOptions } from "../options.ts";
import type { Launch } from "./launch.ts";

/** `refold generation`: the current generation of a subvolume. */
export function generationCommand(launch: Launch): Command {
  const command = new Command("generation")
    .summary("the current generation of a subvolume")
    .description("Prints the current generation (transid) of a subvolume, for a later 'refold find-new'.")
    .argument("<SUBVOLUME>", "a directory of the subvolume");
  addOptions(command, "flush", "basic");
  return command.action((subvolume: string) =>
    launch(command, { root: true }, async (session) => {
      const engine = await session.engine();
      const generation = engine.generation(subvolume, session.options.flush ?? false);
      if (session.options.json) session.printJson({ subvolume, generation });
      else session.print(String(generation));
    }),
  );
}
