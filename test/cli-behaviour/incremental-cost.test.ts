/** What a rescan costs, counted in items that the kernel returned: nothing is timed. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exec } from "../support/exec.ts";
import { Random } from "../support/random.ts";
import type { ScanVolume } from "../support/refold-json.ts";
import { LoopVolume } from "../support/volume.ts";
import { Commands } from "./support.ts";

const SEARCHES = "REFOLD_TEST_SEARCHES";
const FIRST_SUBVOLUME = 256n;
const TOP_LEVEL = 5n;
const ROOT_DIRECTORY = 256n;
const PER_FOLDER = 100;

interface Search {
  readonly tree: bigint;
  readonly first: bigint;
  readonly last: bigint;
  readonly items: number;
}

/** Of a subvolume's tree; looking up the top-level directory itself, which is locked, is none. */
function isSubvolume({ tree, first, last }: Search): boolean {
  if (tree === TOP_LEVEL) return first !== ROOT_DIRECTORY || last !== ROOT_DIRECTORY;
  return tree >= FIRST_SUBVOLUME && tree < 1n << 63n;
}

/** A volume of three subvolumes whose scans are watched from outside. */
class Watched {
  readonly volume = LoopVolume.create({ size: "2G" });
  readonly commands = new Commands(this.volume);
  readonly files: string[] = [];
  private readonly shim: string;

  constructor(count: number) {
    this.shim = this.volume.beside("searches.so");
    const source = join(dirname(fileURLToPath(import.meta.url)), "searches.c");
    exec("gcc", ["-O1", "-Wall", "-Werror", "-shared", "-fPIC", source, "-o", this.shim]);
    for (const name of ["a", "b", "c"]) this.volume.createSubvolume(name);
    for (let k = 0; k < count; k++) {
      const folder = join(this.volume.path, "abc"[k % 3] ?? "a", String(Math.floor(k / 3 / PER_FOLDER)));
      if (k % (3 * PER_FOLDER) < 3) mkdirSync(folder);
      const path = join(folder, String(k));
      writeFileSync(path, randomBytes(2100 + (k % 50)));
      this.files.push(path);
    }
    this.volume.sync();
  }

  /** A scan, what it said, and the searches it made. */
  async scan(): Promise<{ result: ScanVolume; searches: Search[] }> {
    const log = this.volume.beside("searches");
    rmSync(log, { force: true });
    const env = { LD_PRELOAD: this.shim, [SEARCHES]: log };
    const run = await this.commands.run("scan", ["--json", "--flush"], { env });
    const [result] = (run.expectCode(0).json() as { volumes: ScanVolume[] }).volumes;
    if (result === undefined) throw new Error("no volume in the answer");
    const lines = existsSync(log) ? readFileSync(log, "latin1").trimEnd().split("\n") : [];
    const searches = lines.map((line) => {
      const [tree = "", first = "", last = "", items = ""] = line.split(" ");
      return { tree: BigInt(tree), first: BigInt(first), last: BigInt(last), items: Number(items) };
    });
    return { result, searches };
  }

  /** Changes so many files: most are rewritten, some made, deleted and renamed. */
  change(count: number, random: Random): void {
    for (let k = 0; k < count; k++) {
      const at = random.below(this.files.length);
      const path = this.files[at] ?? "";
      switch (k % 10) {
        case 0:
          unlinkSync(path);
          this.files.splice(at, 1);
          break;
        case 1:
          renameSync(path, `${path}.renamed`);
          this.files[at] = `${path}.renamed`;
          break;
        case 2:
          writeFileSync(`${path}.new`, randomBytes(2100));
          this.files.push(`${path}.new`);
          break;
        default:
          writeFileSync(path, randomBytes(2100 + random.below(50)));
      }
    }
    this.volume.sync();
  }
}

function itemsOf(searches: readonly Search[]): number {
  return searches.filter(isSubvolume).reduce((sum, { items }) => sum + items, 0);
}

describe("a rescan", () => {
  const CHANGES = 100;
  const [small, large] = [10_000, 30_000];
  const random = new Random(9);
  let few: Watched;
  let many: Watched;
  const whole = new Map<Watched, number>();

  beforeAll(async () => {
    few = new Watched(small);
    many = new Watched(large);
    for (const watched of [few, many]) {
      const { result, searches } = await watched.scan();
      expect(result.incremental).toBe(false);
      expect(result.files).toBe(watched.files.length);
      whole.set(watched, itemsOf(searches));
    }
  });
  afterAll(() => {
    few.volume.dispose();
    many.volume.dispose();
  });

  test("the first scan reads every inode: the counter works", () => {
    expect(whole.get(many) ?? 0).toBeGreaterThan(3 * large); // inode, name and data of each
    expect((whole.get(many) ?? 0) / (whole.get(few) ?? 1)).toBeCloseTo(large / small, 0);
  });

  test("with nothing changed searches no subvolume's tree and reads no data", async () => {
    const { result, searches } = await many.scan();
    expect(searches.length).toBeGreaterThan(0); // the root tree
    expect(searches.filter(isSubvolume)).toEqual([]);
    expect({ incremental: result.incremental, bytesRead: result.bytesRead }).toEqual({
      incremental: true,
      bytesRead: 0,
    });
    expect(result.files).toBe(many.files.length);
  });

  test("with one subvolume changed searches only that one's tree", async () => {
    const inA = many.files.find((path) => path.startsWith(join(many.volume.path, "a/"))) ?? "";
    writeFileSync(inA, randomBytes(2100));
    many.volume.sync();
    const { searches } = await many.scan();
    const id = BigInt(exec("btrfs", ["inspect-internal", "rootid", join(many.volume.path, "a")]).trim());
    expect(new Set(searches.filter(isSubvolume).map(({ tree }) => tree))).toEqual(new Set([id]));
  });

  test(`after ${CHANGES} changes does work for the changes, not for the files there are`, async () => {
    const work: number[] = [];
    for (const watched of [few, many]) {
      watched.change(CHANGES, random);
      const { result, searches } = await watched.scan();
      expect(result.incremental).toBe(true);
      expect(result.files).toBe(watched.files.length);
      work.push(itemsOf(searches));
    }
    const [inFew = 0, inMany = 0] = work;
    console.log(
      `items read: ${inFew} of ${whole.get(few) ?? 0} for ${small} files, ` +
        `${inMany} of ${whole.get(many) ?? 0} for ${large} files`,
    );
    expect(inMany).toBeGreaterThan(CHANGES);
    // three times the files: were the work theirs, it would be three times as much
    expect(inMany / inFew).toBeLessThan(2);
    expect(inMany).toBeLessThan((whole.get(many) ?? 0) / 2);
  });

  test("after a deletion in a folder of many names reads the folder once, and not its files", async () => {
    const folder = dirname(many.files[0] ?? "");
    const before = exec("ls", ["-f", folder]).trimEnd().split("\n").length;
    unlinkSync(many.files[0] ?? "");
    many.files.shift();
    many.volume.sync();
    const { result, searches } = await many.scan();
    expect(result.files).toBe(many.files.length);
    // the leaf that holds the folder, its names (two items each), the inode that is gone
    expect(itemsOf(searches)).toBeLessThan(20 * before);
  });

  test("after a new snapshot walks that one and none of the others", async () => {
    many.volume.snapshot("b", "b.snapshot", { readOnly: true });
    many.volume.sync();
    const { result, searches } = await many.scan();
    expect(result.files).toBeGreaterThan(many.files.length);
    const id = (name: string): bigint =>
      BigInt(exec("btrfs", ["inspect-internal", "rootid", join(many.volume.path, name)]).trim());
    const trees = new Set(searches.filter(isSubvolume).map(({ tree }) => tree));
    expect(trees.has(id("b.snapshot"))).toBe(true);
    // the top level got a new name, and a snapshot raises its origin's generation
    const concerned = [TOP_LEVEL, id("b"), id("b.snapshot")];
    expect([...trees].filter((tree) => !concerned.includes(tree))).toEqual([]);
    const inOrigin = itemsOf(searches.filter(({ tree }) => tree === id("b")));
    expect(inOrigin).toBeLessThan((whole.get(many) ?? 0) / 100);
  });
});
