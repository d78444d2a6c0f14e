import type { Skipped, SkipReason } from "../engine/contract.ts";
import { SKIP_SENTENCES } from "./skip-sentences.ts";
import type { Style } from "./style.ts";
import { displayMessage, displayPath } from "./terminal-text.ts";
import { formatCount, plural } from "./units.ts";

/** How many files of a reason are listed without --verbose. */
const LISTED = 10;

/** What sets this file apart; what follows is said of most. */
function firstSentence(text: string): string {
  return /^.*?[.!?](?= |$)/u.exec(text)?.[0] ?? text;
}

/** The files skipped, by reason, the most frequent reason first. */
export function describeSkipped(style: Style, skipped: readonly Skipped[], all: boolean): string[] {
  const byReason = new Map<SkipReason, Skipped[]>();
  for (const file of skipped) {
    const same = byReason.get(file.reason);
    if (same === undefined) byReason.set(file.reason, [file]);
    else same.push(file);
  }
  const lines = [style.yellow(`Skipped ${plural(skipped.length, "file")}:`)];
  for (const [reason, files] of [...byReason].sort((a, b) => b[1].length - a[1].length)) {
    lines.push(`  ${formatCount(files.length)} ${SKIP_SENTENCES[reason]}`);
    // One sentence for all of them is what the line above says.
    const alike = files.length > 1 && files.every((file) => file.detail === files[0]?.detail);
    for (const file of all ? files : files.slice(0, LISTED)) {
      const detail =
        file.detail === "" || (alike && !all)
          ? ""
          : style.dim(`  ${displayMessage(all ? file.detail : firstSentence(file.detail))}`);
      lines.push(`    ${displayPath(file.path)}${detail}`);
    }
    if (!all && files.length > LISTED) {
      lines.push(style.dim(`    and ${formatCount(files.length - LISTED)} more (--verbose lists them all)`));
    }
  }
  return lines;
}
