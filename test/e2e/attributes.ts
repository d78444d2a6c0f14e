import { execFileSync } from "node:child_process";

/** Files below a directory that carry the immutable flag, as lsattr says. */
export function lsattr(root: string): string[] {
  const text = execFileSync("lsattr", ["-R", "-a", root], {
    encoding: "utf8",
    maxBuffer: 64 * 2 ** 20,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return text
    .split("\n")
    .filter((line) => /^\S*i\S* /.test(line))
    .map((line) => line.slice(line.indexOf(" ") + 1));
}

/** @param change "+i" or "-i" */
export function chattr(change: string, path: string): void {
  execFileSync("chattr", [change, path]);
}
