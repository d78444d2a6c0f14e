/** Refold's groups against the oracle's, with a message from which the fault can be found. */
import { lstatSync } from "node:fs";
import { describeFile, fileKey, type Oracle, type OracleFile, type OracleGroup } from "./oracle.ts";
import { NO_LAYOUT } from "./layout.ts";
import { decodePath, type GroupLine } from "./refold-json.ts";

interface Known {
  readonly files: ReadonlyMap<string, OracleFile>;
  /** Subvolume path (latin1) -> id. */
  readonly subvolumes: ReadonlyMap<string, number>;
}

function keysOf(line: GroupLine, known: Known): string[] {
  return line.files.map((file) => {
    const path = decodePath(file.subvolume).toString("latin1").replace(/^\//, "");
    return fileKey(known.subvolumes.get(path) ?? NaN, file.inode);
  });
}

function describeKeys(keys: readonly string[], known: Known): string {
  return keys
    .map((key) => {
      const file = known.files.get(key);
      return `    ${file === undefined ? `${key} (no such file)` : describeFile(file)}`;
    })
    .join("\n");
}

/** What is wrong with the details of one group that has the right members. */
function compareDetails(
  line: GroupLine,
  keys: readonly string[],
  group: OracleGroup,
  known: Known,
): string[] {
  const faults: string[] = [];
  if (line.size !== group.size) faults.push(`size ${line.size}, is ${group.size}: group ${line.id}`);
  line.files.forEach((file, k) => {
    const truth = known.files.get(keys[k] ?? "");
    if (truth === undefined) return;
    const shared = group.files.filter((other) => other.layout === truth.layout).length;
    // With nothing on disk, whether one shares with another is a question of words.
    if (file.shared !== shared && truth.layout !== NO_LAYOUT)
      faults.push(`shared ${file.shared}, is ${shared}: ${describeFile(truth)}`);
    if (file.readOnly !== truth.subvolume.readOnly) faults.push(`readOnly is wrong: ${describeFile(truth)}`);
  });
  return faults;
}

/** One sentence for each difference; empty when the groups are the same, no more and no fewer. */
export function compareGroups(oracle: Oracle, minSize: number, lines: readonly GroupLine[]): string[] {
  const known: Known = {
    files: new Map(oracle.files.map((file) => [fileKey(file.subvolume.id, file.inode), file])),
    subvolumes: new Map(oracle.subvolumes.map(({ path, id }) => [path.toString("latin1"), id])),
  };
  const name = (keys: readonly string[]): string => [...keys].sort().join(" ");
  const expected = new Map(
    oracle.groups(minSize).map((group) => {
      const keys = group.files.map((file) => fileKey(file.subvolume.id, file.inode));
      return [name(keys), { keys, group }];
    }),
  );
  const differences: string[] = [];
  const seen = new Set<string>();
  for (const line of lines) {
    const keys = keysOf(line, known);
    const match = expected.get(name(keys));
    if (seen.has(name(keys))) differences.push(`listed twice:\n${describeKeys(keys, known)}`);
    seen.add(name(keys));
    if (match === undefined) differences.push(`not a group:\n${describeKeys(keys, known)}`);
    else differences.push(...compareDetails(line, keys, match.group, known));
  }
  for (const [id, { keys }] of expected) {
    if (!seen.has(id)) differences.push(`missing group:\n${describeKeys(keys, known)}`);
  }
  return differences;
}

/** Paths of the answer that do not lead to the file they are said to be; too long ones are passed over. */
export function comparePaths(lines: readonly GroupLine[]): string[] {
  const faults: string[] = [];
  for (const file of lines.flatMap((line) => line.files)) {
    const path = decodePath(file.path);
    if (path.length > 4000) continue;
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.ino !== file.inode) faults.push(`${JSON.stringify(file.path)}: is not inode ${file.inode}`);
  }
  return faults;
}

/** Groups in one order, for comparing two answers of Refold. */
export function sortedGroups(lines: readonly GroupLine[]): GroupLine[] {
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return lines
    .map((line) => ({
      ...line,
      files: [...line.files].sort((a, b) => order(a.subvolume, b.subvolume) || a.inode - b.inode),
    }))
    .sort((a, b) => order(a.id, b.id));
}
