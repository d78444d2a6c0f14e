import { readFileSync } from "node:fs";

/** The person behind root: who called sudo or pkexec. */
export interface Person {
  readonly uid: number;
  readonly gid: number;
}

/** passwd(5), name:password:uid:gid:... */
const PASSWD = /^[^:]*:[^:]*:(\d+):(\d+):/;

/**
 * Who started this process by sudo or pkexec; null where that was root, or
 * nobody that /etc/passwd knows.
 */
export function callingPerson(
  environment: Readonly<Record<string, string | undefined>>,
  passwd: string = readFileSync("/etc/passwd", "latin1"),
): Person | null {
  const text = environment["PKEXEC_UID"] ?? environment["SUDO_UID"] ?? "";
  if (!/^[1-9]\d{0,9}$/.test(text)) return null;
  const entry = passwd
    .split("\n")
    .map((line) => PASSWD.exec(line))
    .find((match) => match?.[1] === text);
  return entry === null || entry === undefined ? null : { uid: Number(text), gid: Number(entry[2]) };
}
