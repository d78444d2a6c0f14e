import { isUtf8 } from "node:buffer";

/**
 * Paths are bytes; JSON and command lines want text. Valid UTF-8 stays as it
 * is, and each byte 0xNN that is not part of valid UTF-8 becomes the lone
 * surrogate U+DCNN, as Python's "surrogateescape" does. No byte is lost and no
 * two paths meet in one string.
 */
const ESCAPE_BASE = 0xdc00;

/** Length of the valid UTF-8 sequence at `at`, 0 where there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const length =
    lead >= 0xc2 && lead <= 0xdf
      ? 2
      : lead >= 0xe0 && lead <= 0xef
        ? 3
        : lead >= 0xf0 && lead <= 0xf4
          ? 4
          : 0;
  if (length === 0) return 0;
  for (let k = 1; k < length; k++) {
    const byte = bytes[at + k];
    if (byte === undefined || (byte & 0xc0) !== 0x80) return 0;
  }
  const second = bytes[at + 1] ?? 0;
  // Overlong forms, encoded surrogates, and what lies beyond U+10FFFF.
  if (lead === 0xe0 && second < 0xa0) return 0;
  if (lead === 0xed && second > 0x9f) return 0;
  if (lead === 0xf0 && second < 0x90) return 0;
  if (lead === 0xf4 && second > 0x8f) return 0;
  return length;
}

/** Bytes of a path as text that keeps every byte; see the top of this file. */
export function bytesToJsonString(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  let text = "";
  let start = 0; // of the valid stretch not yet copied
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    text += bytes.toString("utf8", start, at) + String.fromCharCode(ESCAPE_BASE + (bytes[at] ?? 0));
    at += 1;
    start = at;
  }
  return text + bytes.toString("utf8", start);
}

/**
 * The inverse of bytesToJsonString.
 *
 * @throws RangeError for a lone surrogate that stands for no byte
 */
export function jsonStringToBytes(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, "utf8");
  const parts: Buffer[] = [];
  let start = 0;
  let at = 0;
  while (at < text.length) {
    const point = text.codePointAt(at) ?? 0;
    if (point < 0xd800 || point > 0xdfff) {
      at += point > 0xffff ? 2 : 1;
      continue;
    }
    if (point < ESCAPE_BASE + 0x80 || point > ESCAPE_BASE + 0xff) {
      throw new RangeError(`U+${point.toString(16).toUpperCase()} stands for no byte of a path`);
    }
    parts.push(Buffer.from(text.slice(start, at), "utf8"), Buffer.of(point - ESCAPE_BASE));
    at += 1;
    start = at;
  }
  parts.push(Buffer.from(text.slice(start), "utf8"));
  return Buffer.concat(parts);
}
