import { Command, Option } from "commander";
import type { StuckFile, Volume } from "../../engine/contract.ts";
import { RefoldError } from "../../engine/errors.ts";
import { EXIT } from "../exit-codes.ts";
import { addOptions } from "../options.ts";
import { bytesToJsonString } from "../../text/path-text.ts";
import type { Session } from "../session.ts";
import { displayMessage, displayPath } from "../terminal-text.ts";
import { plural } from "../units.ts";
import { eachVolume, openVolumes, type OpenVolumes } from "../volumes.ts";
import type { Launch } from "./launch.ts";

interface Failure {
  readonly id: string;
  readonly path: Buffer;
  readonly reason: string;
}

/** `refold repair`: unlocks files left immutable. */
export function repairCommand(launch: Launch): Command {
  const command = new Command("repair")
    .summary("unlock files left immutable")
    .description(
      "Clears the immutable flag of every file that an interrupted run of Refold left so. A file of unknown origin " +
        "is only touched when it is named with --id.",
    )
    .argument("[VOLUME...]", "where to mend; none: all mounted writable btrfs filesystems")
    .addOption(
      new Option(
        "--id <ID>",
        "unlock this file of unknown origin, too; ids: 'refold stuck' (repeatable)",
      ).argParser((id: string, before: readonly string[] | undefined) => [...(before ?? []), id]),
    );
  addOptions(command, "basic");
  return command.action((names: string[], own: { id?: readonly string[] }) =>
    launch(command, { root: true }, async (session) => {
      using volumes = await openVolumes(session, names);
      const ids = own.id ?? [];
      const named = ids.length === 0 ? new Map<string, Volume>() : await findNamed(session, volumes, ids);
      if (session.signal.aborted) return;
      const repaired: string[] = [];
      const failed: Failure[] = ids
        .filter((id) => !named.has(id))
        .map((id) => ({ id, path: Buffer.alloc(0), reason: "no immutable file has this id" }));
      await eachVolume(session, volumes, async (volume) => {
        const own = ids.filter((id) => named.get(id) === volume);
        const result = await session.work((context) => volume.repair(own, context));
        repaired.push(...result.repaired);
        failed.push(...result.failed);
      });
      if (failed.length > 0) session.raise(EXIT.incomplete);
      report(session, repaired, failed);
    }),
  );
}

/**
 * Which volume each id belongs to; ids of no volume are left out.
 *
 * @throws RefoldError where an id means files on two volumes
 */
async function findNamed(
  session: Session,
  volumes: OpenVolumes,
  ids: readonly string[],
): Promise<Map<string, Volume>> {
  const named = new Map<string, Volume>();
  const ambiguous = new Set<string>();
  await eachVolume(session, volumes, async (volume) => {
    const files: readonly StuckFile[] = await session.work((context) => volume.stuck(context));
    for (const { id } of files.filter((file) => ids.includes(file.id))) {
      if (named.has(id)) ambiguous.add(id);
      named.set(id, volume);
    }
  });
  if (ambiguous.size > 0) {
    throw new RefoldError("usage", `found on more than one filesystem: ${[...ambiguous].join(", ")}`, {
      next: "Name the VOLUME that is meant.",
    });
  }
  return named;
}

function report(session: Session, repaired: readonly string[], failed: readonly Failure[]): void {
  if (session.options.json) {
    const failures = failed.map(({ id, path, reason }) => ({ id, path: bytesToJsonString(path), reason }));
    session.printJson({ repaired, failed: failures, ...session.jsonErrors() });
    return;
  }
  if (repaired.length > 0) session.say(`Unlocked ${plural(repaired.length, "file")}.`);
  else if (failed.length === 0 && session.errors.length === 0) session.say("Nothing to repair.");
  if (session.options.verbose) session.print(...repaired.map((id) => `  ${id}`));
  for (const { id, path, reason } of failed) {
    const what = path.length === 0 ? displayMessage(id) : `${displayPath(path)} (${displayMessage(id)})`;
    session.tell(`could not unlock ${what}: ${displayMessage(reason)}`);
  }
}
