import { Command } from "commander";
import type { StuckFile } from "../../engine/contract.ts";
import { PATHS_HELP } from "../help-text.ts";
import { addOptions } from "../options.ts";
import { bytesToJsonString } from "../../text/path-text.ts";
import type { Session } from "../session.ts";
import { table } from "../table.ts";
import { displayPath } from "../terminal-text.ts";
import { formatTime, isoTime } from "../units.ts";
import { eachVolume, openVolumes } from "../volumes.ts";
import type { Launch } from "./launch.ts";

/** `refold stuck`: files left immutable. */
export function stuckCommand(launch: Launch): Command {
  const command = new Command("stuck")
    .summary("files left immutable by an interrupted run")
    .description(
      "Lists immutable files: those that an interrupted run of Refold left so (refold), and those of which Refold " +
        "knows nothing (unknown), which may well be meant to be so.",
    )
    .argument("[VOLUME...]", "where to look; none: all mounted writable btrfs filesystems")
    .addHelpText("after", PATHS_HELP);
  addOptions(command, "basic");
  return command.action((names: string[]) =>
    launch(command, { root: true }, async (session) => {
      using volumes = await openVolumes(session, names);
      const files: StuckFile[] = [];
      let looked = 0;
      await eachVolume(session, volumes, async (volume) => {
        files.push(...(await session.work((context) => volume.stuck(context))));
        looked += 1;
      });
      if (session.options.json) {
        session.printJson({ files: files.map(stuckJson), ...session.jsonErrors() });
      } else if (files.length > 0) {
        session.print(...describeStuck(session, files));
        session.say("");
        if (files.some((file) => file.origin === "refold")) {
          session.say("'refold repair' unlocks those that Refold left.");
        }
        if (files.some((file) => file.origin === "unknown")) {
          session.say("Unlock an unknown one only if you know it: refold repair --id ID");
        }
      } else if (looked > 0) session.say("No file is immutable.");
    }),
  );
}

function stuckJson(file: StuckFile): Record<string, unknown> {
  return {
    id: file.id,
    path: bytesToJsonString(file.path),
    inode: file.inode,
    origin: file.origin,
    since: isoTime(file.since),
    volume: file.volume,
  };
}

/** A table of immutable files, ours first. */
export function describeStuck(session: Session, files: readonly StuckFile[]): string[] {
  const ordered = [...files].sort((a, b) => Number(b.origin === "refold") - Number(a.origin === "refold"));
  const [title, ...lines] = table(
    [
      { title: "origin", align: "left" },
      { title: "since", align: "left" },
      { title: "id", align: "left" },
      { title: "path", align: "left" },
    ],
    ordered.map((file) => [
      file.origin,
      file.since === null ? "not known" : formatTime(file.since),
      file.id,
      displayPath(file.path),
    ]),
  );
  return [session.out.dim(title ?? ""), ...lines];
}
