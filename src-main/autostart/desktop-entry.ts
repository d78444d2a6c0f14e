/** Just enough of the Desktop Entry Specification 1.5 to write an autostart file and to read one back. */

/**
 * Quotes one argument of an Exec line. Each is quoted, which is always allowed:
 * inside the quotes `"`, backtick, `$` and `\` take a backslash, `%` is doubled
 * (a field code otherwise), and as in every string value a backslash is doubled again.
 *
 * @throws RangeError for a control character, which an Exec line cannot carry
 */
function quoteArgument(argument: string): string {
  if (/\p{Cc}/u.test(argument)) throw new RangeError("a control character cannot be part of an Exec line");
  const quoted = `"${argument.replaceAll(/["`$\\]/gu, "\\$&").replaceAll("%", "%%")}"`;
  return quoted.replaceAll("\\", "\\\\");
}

/** An Exec line for a program and its arguments. */
export function execLine(command: readonly string[]): string {
  return command.map(quoteArgument).join(" ");
}

/**
 * Reads the keys of the group [Desktop Entry], values as they stand there.
 * Localized keys keep their bracket. Lines that are none are left out.
 */
export function readDesktopEntry(text: string): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  let inside = false;
  for (const line of text.split("\n")) {
    if (line.startsWith("[")) inside = line.trim() === "[Desktop Entry]";
    const match = inside ? /^([A-Za-z0-9-]+(?:\[[^\]]*\])?)\s*=\s*(.*?)\s*$/u.exec(line) : null;
    if (match?.[1] !== undefined && match[2] !== undefined) keys.set(match[1], match[2]);
  }
  return keys;
}
