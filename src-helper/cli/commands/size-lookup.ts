import { Command } from "commander";
import type { SizeMatch } from "../../engine/contract.ts";
import { PATHS_HELP } from "../help-text.ts";
import { addOptions, DEFAULT_MIN_SIZE, sizeArgument } from "../options.ts";
import { bytesToJsonString } from "../../text/path-text.ts";
import { printPaths } from "../print-paths.ts";
import { eachVolume, openVolumes } from "../volumes.ts";
import type { Launch } from "./launch.ts";
import { scanFirst } from "./scan.ts";

/** `refold size-lookup`: files of exactly this size, from the last scan. */
export function sizeLookupCommand(launch: Launch): Command {
  const command = new Command("size-lookup")
    .summary("files of exactly this size")
    .description(
      "Lists the files that had exactly this size at the last scan, one path a line. Scans first where no scan " +
        "was made yet that took in files this small.",
    )
    .argument("<SIZE>", "4096, 4K, 1M, 1.5G", sizeArgument)
    .argument("[VOLUME...]", "where to look; none: all mounted writable btrfs filesystems")
    .addHelpText("after", PATHS_HELP);
  addOptions(command, "paths", "flush", "basic");
  return command.action((size: number, names: string[], own: { zeroTerminated?: boolean }) =>
    launch(command, { root: true }, async (session) => {
      using volumes = await openVolumes(session, names);
      const found: SizeMatch[] = [];
      await eachVolume(session, volumes, async (volume) => {
        if (!volume.hasScan(size)) await scanFirst(session, volume, Math.min(size, DEFAULT_MIN_SIZE));
        const matches = volume.sizeLookup(size);
        found.push(...matches);
        if (session.options.json) return;
        const paths = matches.map((match) => match.path);
        printPaths(session, paths, own.zeroTerminated === true);
      });
      if (session.options.json) {
        const files = found.map((match) => ({
          volume: match.volume,
          path: bytesToJsonString(match.path),
          inode: match.inode,
          subvolumeId: match.subvolumeId,
        }));
        session.printJson({ files, ...session.jsonErrors() });
      }
    }),
  );
}
