/**
 * File names for the screen. A name can hold anything but "/" and NUL: newlines
 * that fake a second row, bidi marks that turn it round, bytes that are no text.
 * Bytes outside UTF-8 arrive as lone surrogates U+DC80..U+DCFF.
 */

// format characters (Cf) have no shape of their own: two names could look alike
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufff9-\ufffb\ud800-\udfff]|\p{Cf}/gu;
const UNSAFE_OR_BACKSLASH = new RegExp(`${UNSAFE.source}|\\\\`, "gu");
const KEPT = /[\u200c\u200d]/u; // joiners are part of words and of emoji
const ENCODER = new TextEncoder();

function escapeCharacter(character: string): string {
  if (character === "\\") return "\\\\";
  if (KEPT.test(character)) return character;
  const unit = character.charCodeAt(0);
  const bytes = unit >= 0xdc80 && unit <= 0xdcff ? [unit - 0xdc00] : [...ENCODER.encode(character)];
  return bytes.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}

/** A path as it is shown: every byte that has no shape of its own as \xNN, a backslash as two. */
export function displayPath(path: string): string {
  return path.replace(UNSAFE_OR_BACKSLASH, escapeCharacter);
}

/** A label or a message that may quote names: made safe, backslashes left alone. */
export function displayText(text: string): string {
  return text.replace(UNSAFE, escapeCharacter);
}

/** The longest text a title carries; a longer one is cut in its middle. */
export const MAX_TITLE = 8192;

/** Splits a text that may grow wide: the end stays whole, the start is what gives way. */
export function splitForMiddle(text: string, tail = 24): { readonly head: string; readonly tail: string } {
  const slash = text.lastIndexOf("/");
  const name = text.length - slash;
  // the name whole where it is short enough, else only its end
  const cut = slash > 0 && name <= tail * 2 ? slash : text.length - tail;
  if (cut <= 0 || text.length <= tail) return { head: "", tail: text };
  const at = isLowSurrogate(text, cut) ? cut - 1 : cut;
  return { head: text.slice(0, at), tail: text.slice(at) };
}

function isLowSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** At most `most` characters: the start, an ellipsis, the end. */
export function shortenMiddle(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = Math.floor((most - 1) / 2);
  let headEnd = most - 1 - end;
  let tailStart = text.length - end;
  if (isLowSurrogate(text, headEnd)) headEnd -= 1;
  if (isLowSurrogate(text, tailStart)) tailStart += 1;
  return `${text.slice(0, headEnd)}…${text.slice(tailStart)}`;
}
