import type { Hash } from "node:crypto";

/** A SHA-256 under way. Node's crypto is loaded where it is asked for: that takes a tenth of a short command. */
export function sha256(): Hash {
  return process.getBuiltinModule("node:crypto").createHash("sha256");
}
