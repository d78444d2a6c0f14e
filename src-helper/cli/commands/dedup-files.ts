import { readlinkSync } from "node:fs";
import { Command } from "commander";
import type { FileOutcome } from "../../engine/contract.ts";
import { assertNever } from "../../engine/errors.ts";
import { EXIT } from "../exit-codes.ts";
import { PATHS_HELP } from "../help-text.ts";
import { addOptions, readFoldOptions } from "../options.ts";
import { bytesToJsonString, jsonStringToBytes } from "../../text/path-text.ts";
import { SKIP_SENTENCES } from "../skip-sentences.ts";
import { displayMessage, displayPath } from "../terminal-text.ts";
import { formatBytes, plural } from "../units.ts";
import type { Launch } from "./launch.ts";

/** `refold dedup-files`: folds files named by path. */
export function dedupFilesCommand(launch: Launch): Command {
  const command = new Command("dedup-files")
    .summary("fold the given identical files")
    .description(
      "Folds the given files onto the data of the first, where they are identical. Says which differ, and " +
        "which are in use and by which process. They need not have been scanned.",
    )
    .argument("<SOURCE>", "the file whose data is kept")
    .argument("<DEST...>", "the files to fold onto it")
    .addHelpText("after", PATHS_HELP);
  addOptions(command, "folding", "basic");
  return command.action((source: string, destinations: string[]) =>
    launch(command, { root: true }, async (session) => {
      const engine = await session.engine();
      const [from, ...to] = [source, ...destinations].map(absolutePath);
      if (from === undefined) return;
      const result = await session.work((context) =>
        engine.foldFiles(from, to, readFoldOptions(command), context),
      );
      if (result.cancelled) session.raise(EXIT.cancelled);
      if (result.files.some((file) => !isFolded(file))) session.raise(EXIT.incomplete);
      if (session.options.json) {
        session.printJson({
          source: bytesToJsonString(result.source),
          files: result.files.map((file) => ({ ...file, path: bytesToJsonString(file.path) })),
          freedBytes: result.freedBytes,
          cancelled: result.cancelled,
        });
        return;
      }
      for (const file of result.files) {
        const detail = file.detail === "" ? "" : session.out.dim(`  ${displayMessage(file.detail)}`);
        const line = `${displayPath(file.path)}: ${outcomeWords(file)}${detail}`;
        if (isFolded(file)) session.say(line);
        else session.print(line);
      }
      const folded = result.files.filter((file) => file.outcome === "folded").length;
      session.say(`${plural(folded, "file")} folded, ${formatBytes(result.freedBytes)} given back`);
    }),
  );
}

/** A path of the command line as bytes from the root: the engine need not know where the call was made. */
function absolutePath(word: string): Buffer {
  const bytes = jsonStringToBytes(word);
  if (bytes[0] === "/".charCodeAt(0)) return bytes;
  const here = readlinkSync("/proc/self/cwd", { encoding: "buffer" });
  return Buffer.concat([here, Buffer.from("/"), bytes]);
}

function isFolded(file: FileOutcome): boolean {
  return file.outcome === "folded" || file.outcome === "already-shared";
}

function outcomeWords({ outcome }: FileOutcome): string {
  switch (outcome) {
    case "folded":
      return "folded";
    case "already-shared":
      return "shares its data already";
    case "in-use":
      return "in use";
    case "differs":
      return "not identical";
    case "immutable":
      return "immutable, left alone";
    case "changed":
      return "changed meanwhile";
    case "other":
      return "failed";
    case "cancelled":
      return "not reached: cancelled";
    case "nocow":
    case "swap-file":
    case "read-only":
    case "no-space":
    case "io-error":
    case "not-permitted":
    case "send-running":
    case "ruled-out":
      return SKIP_SENTENCES[outcome];
    default:
      return assertNever(outcome);
  }
}
