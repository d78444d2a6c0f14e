/** File names that break programs. */
import type { Random } from "../random.ts";

/** Longest name that Linux allows, in bytes. */
const NAME_MAX = 255;

export const ODD_NAMES: readonly Buffer[] = [
  Buffer.from("new\nline"),
  Buffer.from("\n"),
  Buffer.from("ends with a newline\n"),
  Buffer.from("carriage\rreturn\ttab"),
  Buffer.from([0xff, 0xfe, 0x41, 0x80]),
  Buffer.from("latin1 caf\xe9", "latin1"),
  Buffer.from([0xc3]),
  Buffer.from([0xed, 0xa0, 0x80, 0x2e, 0x74]),
  Buffer.alloc(NAME_MAX, "n"),
  Buffer.alloc(NAME_MAX, Buffer.from("\u00e9\u6f22")),
  Buffer.alloc(NAME_MAX, Buffer.from([0xf0])),
  Buffer.from("--help"),
  Buffer.from("-"),
  Buffer.from(" leading and trailing "),
  Buffer.from("..."),
  Buffer.from(".hidden"),
  Buffer.from("quote\"s and 's"),
  Buffer.from("back\\slash \\x41 \\n"),
  Buffer.from("glob[a]*?{b}!"),
  Buffer.from("\u001b[31mcontrol\u0007\u0001"),
  Buffer.from("percent %s %41 %%"),
  Buffer.from("\u00e9 composed"),
  Buffer.from("e\u0301 composed"),
  Buffer.from("\u202eright to left"),
  Buffer.from("\ufeffbyte order mark"),
  Buffer.from("\u{1f5c4} emoji"),
  Buffer.from("$(touch pwned) `id` ; & |"),
];

/** A plain name with a number, so that no two are equal. */
export function plainName(random: Random, number: number): Buffer {
  return Buffer.from(`${random.pick(["file", "photo", "disk image", "a", "Copy of b"])}-${number}`);
}
