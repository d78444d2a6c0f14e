import { Command } from "commander";
import type { HistoryFile, HistoryRun, Volume } from "../../engine/contract.ts";
import { PATHS_HELP } from "../help-text.ts";
import { describeDifferences, differencesJson } from "../differences-text.ts";
import { addOptions } from "../options.ts";
import { bytesToJsonString } from "../../text/path-text.ts";
import type { Session } from "../session.ts";
import { table } from "../table.ts";
import { displayMessage, displayPath } from "../terminal-text.ts";
import { formatBytes, formatCount, formatDuration, formatTime, isoTime } from "../units.ts";
import { eachVolume, nameOfVolume, openVolumes } from "../volumes.ts";
import type { Launch } from "./launch.ts";

/** `refold history`: every run, what it promised and what was measured. */
export function historyCommand(launch: Launch): Command {
  const command = new Command("history")
    .summary("every run: what was folded, promised and measured")
    .description("Lists every run that folded files: what it promised to give back and what was measured.")
    .argument("[VOLUME]", "whose; none: all mounted writable btrfs filesystems")
    .option("--files", "list each file of each run, too")
    .addHelpText("after", PATHS_HELP);
  addOptions(command, "basic");
  return command.action((name: string | undefined, own: { files?: boolean }) =>
    launch(command, { root: true }, async (session) => {
      using volumes = await openVolumes(session, name === undefined ? [] : [name]);
      const runs: Record<string, unknown>[] = [];
      await eachVolume(session, volumes, (volume) => {
        const history = volume.history();
        const files = (run: HistoryRun): readonly HistoryFile[] | null =>
          own.files === true ? volume.historyFiles(run.id) : null;
        if (session.options.json) runs.push(...history.map((run) => runJson(run, files(run))));
        else printHistory(session, volume, history, files);
      });
      if (session.options.json) session.printJson({ runs, ...session.jsonErrors() });
    }),
  );
}

function runJson(run: HistoryRun, files: readonly HistoryFile[] | null): Record<string, unknown> {
  return {
    id: run.id,
    volume: run.volume,
    startedAt: isoTime(run.startedAt),
    finishedAt: isoTime(run.finishedAt),
    state: run.state,
    groups: run.groups,
    files: run.files,
    predictedBytes: run.predictedBytes,
    freedBytes: run.freedBytes,
    differences: differencesJson(run.differences),
    skipped: run.skipped,
    ...(files === null
      ? {}
      : { fileList: files.map((file) => ({ ...file, path: bytesToJsonString(file.path) })) }),
  };
}

function printHistory(
  session: Session,
  volume: Volume,
  history: readonly HistoryRun[],
  files: (run: HistoryRun) => readonly HistoryFile[] | null,
): void {
  session.print(session.out.bold(nameOfVolume(volume)));
  if (history.length === 0) {
    session.print("  Nothing was folded here yet.");
    return;
  }
  const [title, ...lines] = table(
    [
      { title: "run", align: "right" },
      { title: "started", align: "left" },
      { title: "took", align: "right" },
      { title: "promised", align: "right" },
      { title: "measured", align: "right" },
      { title: "files", align: "right" },
      { title: "groups", align: "right" },
      { title: "skipped", align: "right" },
      { title: "state", align: "left" },
    ],
    history.map((run) => [
      String(run.id),
      formatTime(run.startedAt),
      run.finishedAt === null ? "-" : formatDuration(run.finishedAt - run.startedAt),
      formatBytes(run.predictedBytes),
      run.freedBytes === null ? "never" : formatBytes(run.freedBytes),
      formatCount(run.files),
      formatCount(run.groups),
      formatCount(run.skipped),
      run.state,
    ]),
  );
  session.print(`  ${session.out.dim(title ?? "")}`);
  history.forEach((run, k) => {
    session.print(`  ${lines[k] ?? ""}`);
    if (session.options.verbose) {
      for (const line of describeDifferences(session.out, run.differences)) session.print(`      ${line}`);
    }
    for (const file of files(run) ?? []) {
      const detail = file.detail === "" ? "" : session.out.dim(`  ${displayMessage(file.detail)}`);
      session.print(`      ${file.outcome.padEnd(13)}  ${displayPath(file.path)}${detail}`);
    }
  });
}
