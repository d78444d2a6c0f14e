import type { Session } from "./session.ts";
import { displayPath } from "./terminal-text.ts";

const NEWLINE = Buffer.from("\n");
const NUL = Buffer.from([0]);

/**
 * Prints one path a line, or NUL-terminated. To a program the bytes go out as
 * they are; to a terminal without --zero-terminated they go out made safe.
 */
export function printPaths(session: Session, paths: Iterable<Buffer>, zeroTerminated: boolean): void {
  const { out } = session.io;
  for (const path of paths) {
    if (out.closed || session.signal.aborted) return;
    if (out.isTerminal && !zeroTerminated) session.print(displayPath(path));
    else {
      out.write(path);
      out.write(zeroTerminated ? NUL : NEWLINE);
    }
  }
}
