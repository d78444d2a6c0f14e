import { readFileSync } from "node:fs";

/** Names of users by uid, from /etc/passwd; one that is not there is its number. */
export class Owners {
  readonly #names: ReadonlyMap<number, string>;

  constructor(passwd: string) {
    const names = new Map<number, string>();
    for (const line of passwd.split("\n")) {
      const [name, , uid] = line.split(":");
      // several names of one uid: the first is what ls shows
      if (name === undefined || uid === undefined || !/^\d+$/.test(uid)) continue;
      if (!names.has(Number(uid))) names.set(Number(uid), name);
    }
    this.#names = names;
  }

  /** Of this machine. */
  static read(): Owners {
    try {
      return new Owners(readFileSync("/etc/passwd", "utf8"));
    } catch {
      return new Owners("");
    }
  }

  name(uid: number): string {
    return this.#names.get(uid) ?? String(uid);
  }
}
