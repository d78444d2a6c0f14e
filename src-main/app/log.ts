/** What the main process writes to: the log files in the app, memory in tests. */
export interface Log {
  error(message: string): void;
  warn(message: string): void;
  info(message: string): void;
  debug(message: string): void;
}

/**
 * Lets through `perMinute` messages a minute and says, with the first of the
 * next minute, how many were left out. Whoever sends rubbish must not fill the disk.
 */
export function rateLimited(
  write: (message: string) => void,
  perMinute: number,
  now: () => number = Date.now,
): (message: string) => void {
  let since = -Infinity;
  let written = 0;
  let dropped = 0;
  return (message) => {
    if (now() - since >= 60_000) {
      if (dropped > 0) write(`${String(dropped)} more like the last were left out`);
      since = now();
      written = 0;
      dropped = 0;
    }
    if (written < perMinute) {
      written += 1;
      write(message);
    } else {
      dropped += 1;
    }
  };
}

/** A text from elsewhere as one short line: control characters are escaped, the rest is cut off. */
export function oneLine(text: string, length = 300): string {
  const cut = text.length > length ? `${text.slice(0, length)}…` : text;
  return cut.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
