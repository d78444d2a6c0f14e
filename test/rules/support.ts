/** A volume with rules of its own, and commands that go by them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../support/random.ts";
import { refold, type RunResult } from "../support/run.ts";
import { LoopVolume, type LoopVolumeOptions } from "../support/volume.ts";

export const OPT_OUT = "user.refold.dedupe";

export interface Totals {
  readonly groups: number;
  readonly duplicateFiles: number;
  readonly reclaimableBytes: number;
}

export interface Fold {
  readonly files: number;
  readonly predictedBytes: number;
  readonly freedBytes: number;
  /** What the filesystem has less of, by its own account. */
  readonly gained: number;
}

export type Fate = "always" | "never";

export class RulesBench implements Disposable {
  readonly volume: LoopVolume;
  /** In a directory that is root's alone, and so are those above it: else it would be refused. */
  readonly directory = mkdtempSync("/run/refold-rules-");
  readonly random = new Random(20261121);

  constructor(options: LoopVolumeOptions = {}) {
    this.volume = LoopVolume.create({ size: "1G", ...options });
  }

  get file(): string {
    return join(this.directory, "rules.json");
  }

  path(relative: string): string {
    return join(this.volume.path, relative);
  }

  run(command: string, ...words: readonly string[]): Promise<RunResult> {
    const common = ["--db", this.volume.beside("db"), "--rules", this.file];
    return refold([command, ...common, ...words]);
  }

  async set(relative: string, fold: Fate): Promise<void> {
    (await this.run("rules", "set", this.path(relative), fold)).expectCode(0);
  }

  async remove(relative: string): Promise<void> {
    (await this.run("rules", "remove", this.path(relative))).expectCode(0);
  }

  async scan(...words: readonly string[]): Promise<Totals> {
    const run = await this.run("scan", "--flush", "--json", ...words, this.volume.path);
    const { volumes } = run.expectCode(0).json() as { volumes: Totals[] };
    return first(volumes);
  }

  /** The totals of a scan from nothing. */
  async scanFresh(...words: readonly string[]): Promise<Totals> {
    const db = this.volume.beside("fresh");
    const common = ["--db", db, "--rules", this.file, "--flush", "--json"];
    const run = await refold(["scan", ...common, ...words, this.volume.path]);
    this.volume.removeBeside("fresh");
    return first((run.expectCode(0).json() as { volumes: Totals[] }).volumes);
  }

  /** Paths of every file of every group, relative to the volume's. */
  async grouped(...words: readonly string[]): Promise<string[]> {
    const run = await this.run("groups", "--json", ...words, this.volume.path);
    const groups = run.expectCode(0).jsonLines() as { files: { path: string }[] }[];
    return groups
      .flatMap(({ files }) => files.map(({ path }) => path.slice(this.volume.path.length + 1)))
      .sort();
  }

  fold(...words: readonly string[]): Promise<Fold> {
    return this.#fold([0], words);
  }

  /** As fold, where files may be skipped. */
  foldMost(...words: readonly string[]): Promise<Fold> {
    return this.#fold([0, 1], words);
  }

  async #fold(codes: readonly number[], words: readonly string[]): Promise<Fold> {
    this.volume.settle();
    const before = this.volume.usage();
    const run = await this.run("dedup", "--yes", "--json", ...words, this.volume.path);
    const { volumes } = run.expectCode(...codes).json() as { volumes: Omit<Fold, "gained">[] };
    this.volume.settle();
    return { ...first(volumes), gained: before.dataUsed - this.volume.usage().dataUsed };
  }

  /** Writes one content at several places. */
  copies(bytes: number, ...relative: readonly string[]): void {
    const words = new Uint32Array(bytes / 4);
    for (let k = 0; k < words.length; k++) words[k] = this.random.uint32();
    for (const one of relative) {
      mkdirSync(join(this.path(one), ".."), { recursive: true });
      writeFileSync(this.path(one), words);
    }
    this.volume.sync();
  }

  [Symbol.dispose](): void {
    this.volume.dispose();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function first<T>(list: readonly T[]): T {
  const [one] = list;
  if (one === undefined) throw new Error("no volume in the answer");
  return one;
}
