/** Random changes from a seed, one after the other. */
import { closeSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Deck, Random } from "../random.ts";
import type { LoopVolume } from "../volume.ts";
import type { Change } from "./change.ts";
import { CHANGES } from "./changes.ts";
import { readLiveTree } from "./tree.ts";

const BLOCK = 4096;

/** Contents of few sizes: equal ones are frequent, and so are different ones of equal size. */
function makeContents(random: Random): Buffer[] {
  const contents: Buffer[] = [];
  for (const size of [1, 1500, 3000, BLOCK, 5000, 2 * BLOCK, 20_000, 65_536, 150_000]) {
    const base = random.bytes(size);
    const other = Buffer.from(base);
    other[size - 1] = (other[size - 1] ?? 0) ^ 0x80;
    contents.push(base, other);
  }
  contents.push(Buffer.alloc(65_536), Buffer.alloc(150_000, "compressible text "), Buffer.alloc(0));
  return contents;
}

export class Mutator implements Disposable {
  /** How often each change happened. */
  readonly applied = new Map<string, number>();
  private readonly volume: LoopVolume;
  private readonly random: Random;
  private readonly deck: Deck<Change>;
  private readonly contents: readonly Buffer[];
  private readonly orphans: number[] = [];
  private names = 0;

  /** @param without names of changes that are not made */
  constructor(volume: LoopVolume, seed: number, without: readonly string[] = []) {
    this.volume = volume;
    this.random = new Random(seed);
    this.deck = new Deck(
      this.random,
      CHANGES.filter(({ name }) => !without.includes(name)),
    );
    this.contents = makeContents(this.random);
  }

  private readonly newName = (): string => {
    this.names += 1;
    return `n${this.names}`;
  };

  /** Three subvolumes, one of them nested, with so many files. */
  populate(files: number): void {
    const homes = ["", "one", "two", "two/nested"];
    for (const home of homes) {
      if (home !== "") this.volume.createSubvolume(home);
      mkdirSync(join(this.volume.path, home, `folder-${this.newName()}`, "below"), { recursive: true });
    }
    const { directories } = readLiveTree(this.volume.path);
    for (let k = 0; k < files; k++) {
      const path = join(this.random.pick(directories), this.newName());
      writeFileSync(path, this.random.pick(this.contents));
    }
  }

  /** Makes one change. Returns what it was, for the message of a failing test. */
  change(): string {
    for (;;) {
      const card = this.deck.draw();
      const tree = readLiveTree(this.volume.path);
      const { volume, random, contents, newName, orphans } = this;
      const done = card.apply({ volume, random, tree, contents, newName, orphans });
      if (done === null) continue;
      this.applied.set(card.name, (this.applied.get(card.name) ?? 0) + 1);
      return `${card.name}: ${done}`;
    }
  }

  /** Closes the files that were deleted while open, without which the volume cannot be unmounted. */
  [Symbol.dispose](): void {
    for (const fd of this.orphans.splice(0)) closeSync(fd);
  }
}
