/** Writes a volume's history to a file: every run, and every file of each. */
import { randomBytes } from "node:crypto";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { MAX_PAGE, type HistoryFileInfo, type HistoryRunInfo } from "../../src-helper/rpc/protocol.ts";
import { appError } from "./app-error.ts";

/** The history as the helper gives it. */
export interface HistorySource {
  runs(volume: string): Promise<readonly HistoryRunInfo[]>;
  /** A page of a run's files. */
  files(
    volume: string,
    run: number,
    offset: number,
    limit: number,
  ): Promise<{ readonly total: number; readonly files: readonly HistoryFileInfo[] }>;
}

export type ExportFormat = "json" | "csv";

const CSV_COLUMNS = [
  "run",
  "started",
  "finished",
  "state",
  "groups",
  "files",
  "predicted_bytes",
  "freed_bytes",
  "skipped",
  "path",
  "outcome",
  "detail",
] as const;

/**
 * A cell as RFC 4180 has it. A text that a spreadsheet would take for a formula
 * gets a leading apostrophe (https://owasp.org/www-community/attacks/CSV_Injection);
 * numbers are ours and stay numbers.
 */
export function csvCell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const csvLine = (cells: readonly (string | number | null)[]): string => `${cells.map(csvCell).join(",")}\r\n`;
const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

async function* pages(
  source: HistorySource,
  run: HistoryRunInfo,
): AsyncGenerator<readonly HistoryFileInfo[]> {
  for (let offset = 0; ;) {
    const { total, files } = await source.files(run.volume, run.id, offset, MAX_PAGE);
    if (files.length > 0) yield files;
    offset += files.length;
    if (files.length === 0 || offset >= total) return;
  }
}

async function* csv(source: HistorySource, runs: readonly HistoryRunInfo[]): AsyncGenerator<string> {
  yield csvLine(CSV_COLUMNS);
  for (const run of runs) {
    const { id, state, groups, files, predictedBytes, freedBytes, skipped } = run;
    const about = [
      ...[id, time(run.startedAt), time(run.finishedAt), state],
      ...[groups, files, predictedBytes, freedBytes, skipped],
    ];
    let any = false;
    for await (const page of pages(source, run)) {
      any = true;
      yield page.map((file) => csvLine([...about, file.path, file.outcome, file.detail])).join("");
    }
    // a run without files is a line of its own, so that none is missing
    if (!any) yield csvLine([...about, null, null, null]);
  }
}

async function* json(
  source: HistorySource,
  runs: readonly HistoryRunInfo[],
  volume: string,
): AsyncGenerator<string> {
  yield `{"volume":${JSON.stringify(volume)},"runs":[`;
  for (const [index, run] of runs.entries()) {
    const { id, state, groups, files, predictedBytes, freedBytes, skipped } = run;
    const about = JSON.stringify({
      ...{ run: id, started: time(run.startedAt), finished: time(run.finishedAt), state },
      ...{ groups, folded: files, predictedBytes, freedBytes, skipped },
    });
    yield `${index === 0 ? "" : ","}\n${about.slice(0, -1)},"files":[`;
    let separator = "\n";
    for await (const page of pages(source, run)) {
      yield separator + page.map((file) => JSON.stringify(file)).join(",\n");
      separator = ",\n";
    }
    yield "]}";
  }
  yield "\n]}\n";
}

/**
 * Exports a volume's history to `path`, as the person chose it: written beside it
 * first, mode 0600 (it names their files), and renamed when it is whole.
 *
 * In JSON a byte of a path that is no UTF-8 is a lone surrogate (escaped), as
 * in the protocol; in CSV it is U+FFFD, since a CSV file is UTF-8.
 *
 * @throws AppError where it cannot be written; what was at `path` is kept then
 */
export async function exportHistory(
  source: HistorySource,
  volume: string,
  format: ExportFormat,
  path: string,
): Promise<void> {
  const runs = await source.runs(volume);
  const temporary = `${path}.${randomBytes(6).toString("hex")}.part`;
  let file: FileHandle | null = null;
  try {
    // "wx": never through a link or into a file that is there
    file = await open(temporary, "wx", 0o600);
    for await (const text of format === "csv" ? csv(source, runs) : json(source, runs, volume)) {
      await file.appendFile(text);
    }
    await file.sync();
    await file.close();
    file = null;
    await rename(temporary, path);
  } catch (error) {
    await file?.close();
    await rm(temporary, { force: true });
    throw writeError(error);
  }
}

function writeError(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return error;
  return appError("failed", `The file could not be written: ${error.message}`, {
    kept: "What was there before is as it was. The history is kept.",
    next: "Choose another folder, or make room.",
    cause: error,
  });
}
