import { bytesToJsonString } from "../text/path-text.ts";

/**
 * A file name can hold anything but "/" and NUL: escape codes that repaint the
 * terminal, newlines that fake a line of output, bidi marks that turn it round.
 */

const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]|\p{Bidi_Control}/gu;
const UNSAFE_OR_BACKSLASH = new RegExp(`${UNSAFE.source}|\\\\`, "gu");

function escapeCharacter(character: string): string {
  if (character === "\\") return "\\\\";
  const unit = character.charCodeAt(0);
  const bytes = unit >= 0xdc80 && unit <= 0xdcff ? [unit - 0xdc00] : [...Buffer.from(character, "utf8")];
  return bytes.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}

/**
 * A file name for a person: every byte that could act on the terminal is
 * written as \xNN and a backslash as two, so that the name can be told exactly.
 */
export function displayPath(path: Buffer | string): string {
  const text = typeof path === "string" ? path : bytesToJsonString(path);
  return text.replace(UNSAFE_OR_BACKSLASH, escapeCharacter);
}

/** A message that may quote names: made safe and kept on one line, backslashes left alone. */
export function displayMessage(message: string): string {
  return message.replace(/\s*\n\s*/gu, " ").replace(UNSAFE, escapeCharacter);
}

/** One word of a shell command line that gives back exactly these characters and bytes. */
export function shellQuote(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/u.test(word)) return word;
  if (word.search(UNSAFE) < 0) return `'${word.replaceAll("'", `'\\''`)}'`;
  return `$'${displayPath(word).replaceAll("'", "\\'")}'`;
}

/** Columns a text takes on a terminal; wide (East Asian, emoji) characters take two. */
export function displayWidth(text: string): number {
  if (/^[\u0020-\u007e]*$/u.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

function characterWidth(character: string): number {
  if (/^[\p{Mn}\p{Me}\u200b-\u200d\ufe0f]$/u.test(character)) return 0;
  const point = character.codePointAt(0) ?? 0;
  const wide =
    (point >= 0x1100 && point <= 0x115f) ||
    (point >= 0x2e80 && point <= 0xa4cf) ||
    (point >= 0xac00 && point <= 0xd7a3) ||
    (point >= 0xf900 && point <= 0xfaff) ||
    (point >= 0xfe30 && point <= 0xfe6f) ||
    (point >= 0xff00 && point <= 0xff60) ||
    (point >= 0xffe0 && point <= 0xffe6) ||
    (point >= 0x1f300 && point <= 0x1faff) ||
    (point >= 0x20000 && point <= 0x3fffd);
  return wide ? 2 : 1;
}

/** The start of a text that fits into so many columns, with an ellipsis where it was cut. */
export function truncate(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  if (columns < 1) return "";
  let kept = "";
  let width = 1; // the ellipsis
  for (const character of text) {
    width += characterWidth(character);
    if (width > columns) break;
    kept += character;
  }
  return `${kept}…`;
}
