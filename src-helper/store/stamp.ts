import { statSync } from "node:fs";

/** The stamp of a database that is not there. */
export const NO_DATABASE = "";

/** Changes when the database does, whoever wrote it; reads nothing of it. NO_DATABASE where there is none. */
export function stampOf(database: string): string {
  const [main, log] = ["", "-wal"].map((suffix) =>
    statSync(database + suffix, { bigint: true, throwIfNoEntry: false }),
  );
  if (main === undefined) return NO_DATABASE;
  return [main, log].map((stat) => `${stat?.mtimeNs ?? 0n}:${stat?.size ?? 0n}:${stat?.ino ?? 0n}`).join(" ");
}
