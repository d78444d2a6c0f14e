import { Command } from "commander";
import { addOptions } from "../options.ts";
import { eachVolume, nameOfVolume, openVolumes } from "../volumes.ts";
import type { Launch } from "./launch.ts";

/** `refold reset`: forgets the scan of a filesystem. */
export function resetCommand(launch: Launch): Command {
  const command = new Command("reset")
    .summary("forget the scan, so that the next one starts anew")
    .description(
      "Forgets what was scanned of a filesystem, so that the next scan is a full one. Its history, and the journal " +
        "of files that are locked, are kept.",
    )
    .argument("<VOLUME>", "which");
  addOptions(command, "basic");
  return command.action((name: string) =>
    launch(command, { root: true }, async (session) => {
      using volumes = await openVolumes(session, [name]);
      const done: string[] = [];
      await eachVolume(session, volumes, (volume) => {
        volume.reset();
        done.push(volume.uuid);
        session.say(`Forgot the scan of ${nameOfVolume(volume)}; the next one is a full one.`);
      });
      if (session.options.json) session.printJson({ reset: done, ...session.jsonErrors() });
    }),
  );
}
