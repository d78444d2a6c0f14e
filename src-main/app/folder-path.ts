import { realpath } from "node:fs/promises";
import { normalize } from "node:path/posix";
import { bytesToJsonString, jsonStringToBytes } from "../../src-helper/text/path-text.ts";

/**
 * A folder's path as a rule has it: without //, . and .., and with no link in
 * it, as far as this person's rights let that be seen. The helper follows none.
 */
export async function folderPath(text: string): Promise<string> {
  const plain = normalize(text);
  const path = plain.length > 1 ? plain.replace(/\/$/, "") : plain;
  try {
    return bytesToJsonString(await realpath(jsonStringToBytes(path), { encoding: "buffer" }));
  } catch {
    // not there, or not for this person to see: the helper says which
    return path;
  }
}
