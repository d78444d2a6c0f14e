import { readFileSync } from "node:fs";
import { bytesToJsonString } from "../text/path-text.ts";

/**
 * The words of the call with no byte lost: Node decodes argv as UTF-8 and puts
 * U+FFFD for what is none, so the bytes come from the kernel and are written as
 * path-text.ts says.
 *
 * @param words what Node made of them
 * @param commandLine the content of /proc/self/cmdline: every word, Node's own
 *   first, each with a NUL after it
 */
export function exactWords(words: readonly string[], commandLine: Buffer): readonly string[] {
  const raw: Buffer[] = [];
  let start = 0;
  for (let end = commandLine.indexOf(0); end >= 0; end = commandLine.indexOf(0, start)) {
    raw.push(commandLine.subarray(start, end));
    start = end + 1;
  }
  // Node takes words away at the front only: count from the end.
  const ours = words.length === 0 ? [] : raw.slice(-words.length);
  const same = ours.length === words.length && ours.every((word, k) => word.toString("utf8") === words[k]);
  return same ? ours.map(bytesToJsonString) : words;
}

/** The words of this process's call after the program, undecodable bytes kept. */
export function readWords(): readonly string[] {
  const words = process.argv.slice(2);
  if (!words.some((word) => word.includes("\ufffd"))) return words;
  try {
    return exactWords(words, readFileSync("/proc/self/cmdline"));
  } catch {
    return words; // no /proc here: the names that Node could decode still work
  }
}
