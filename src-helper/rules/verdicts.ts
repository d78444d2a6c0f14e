import { FIRST_FREE_OBJECTID } from "../btrfs/constants.ts";
import { directoriesNaming, findDirectory, generationOf } from "../btrfs/lookup.ts";
import { PathResolver } from "../btrfs/paths.ts";
import { NativeError, TRAIT } from "../native/library.ts";
import { sha256 } from "../text/sha256.ts";
import type { VolumeHandle } from "../volumes/volume-handle.ts";
import type { Ancestry } from "./ancestry.ts";
import { Families } from "./families.ts";
import type { StoredFolderRule } from "./file.ts";
import { PlaceFinder } from "./places.ts";

/** What a rule says of a folder and of all below it. */
export type Fold = StoredFolderRule["fold"];

/** A file as far as rules ask. */
export interface RuledFile {
  readonly subvolume: number;
  readonly inode: number;
}

/** Of a directory: what its own place says, what was said of it in the subvolume it is an older state of, and attributes. */
interface Standing {
  readonly own: Fold | null;
  readonly family: Fold | null;
  readonly optedOut: boolean;
}
const FREE: Standing = { own: null, family: null, optedOut: false };
const NEVER: Standing = { own: "never", family: "never", optedOut: true };

/** A tree deeper than this is damaged. */
const MAX_DEPTH = 100_000;

/**
 * What rules and attributes say of the files of one volume.
 *
 * The nearest folder above a file that has a rule decides. What is said of a
 * folder holds for the same folder (by its path or by its identity) in
 * snapshots of its subvolume too; there "never" of either side wins. The
 * attribute of a file or of any folder above it wins over every rule. A file
 * that several folders name is left alone where any of them says so.
 */
export class Verdicts {
  readonly #handle: VolumeHandle;
  readonly #ancestry: Ancestry;
  readonly #families: Families;
  readonly #parents: ReadonlyMap<number, { readonly subvolume: number; readonly directory: number } | null>;
  /** Of the directories that rules name: "subvolume:inode". */
  readonly #own = new Map<string, { fold: Fold; above: number }>();
  readonly #ofFamily = new Map<string, Fold>();
  readonly #standings = new Map<number, Map<number, Standing>>();
  readonly #origins = new Map<number, readonly number[]>();
  readonly #optOuts: boolean;

  constructor(handle: VolumeHandle, rules: readonly StoredFolderRule[], ancestry: Ancestry) {
    this.#handle = handle;
    this.#ancestry = ancestry;
    this.#families = new Families(handle.subvolumes);
    this.#parents = new Map(handle.subvolumes.map(({ id, parent }) => [id, parent]));
    this.#optOuts = ancestry.anyOptOut();
    const finder = new PlaceFinder(handle);
    for (const rule of rules) this.#place(rule, finder);
    if (this.#own.size > 0) this.#spread();
  }

  /** Whether anything at all is left alone; where not, nothing need be asked. */
  get leaveAnything(): boolean {
    return this.#optOuts || this.#says("never");
  }

  /** Whether anything may be folded without asking. */
  get allowAnything(): boolean {
    return this.#says("always");
  }

  /** Changes where other folders, or the same ones with other words, are ruled; attributes have no part in it. */
  get fingerprint(): string {
    const hash = sha256();
    for (const [key, { fold }] of this.#own) hash.update(`${key} ${fold}\n`);
    hash.update("\n");
    for (const [key, fold] of this.#ofFamily) hash.update(`${key} ${fold}\n`);
    return hash.digest("hex");
  }

  /** Whether a file is neither changed, nor shared with, nor locked. */
  leaves(file: RuledFile): boolean {
    return this.of(file) === "never";
  }

  /** null: no rule says anything of it. */
  of(file: RuledFile): Fold | null {
    const { subvolume, inode } = file;
    const row = this.#ancestry.inode(subvolume, inode);
    if (row === null) return null;
    if ((row.traits & TRAIT.optOut) !== 0 || this.#optedOutInOrigin(subvolume, inode, row.generation))
      return "never";
    const folders =
      (row.traits & TRAIT.parents) === 0 ? [row.parent] : this.#namedBy(subvolume, inode, row.parent);
    let always = folders.length > 0;
    for (const folder of folders) {
      const fold = foldOf(this.#standing(subvolume, folder));
      if (fold === "never") return fold;
      if (fold !== "always") always = false;
    }
    return always ? "always" : null;
  }

  #says(fold: Fold): boolean {
    for (const one of this.#own.values()) if (one.fold === fold) return true;
    for (const one of this.#ofFamily.values()) if (one === fold) return true;
    return false;
  }

  #namedBy(subvolume: number, inode: number, known: number): number[] {
    try {
      const folders = directoriesNaming(this.#handle.dir, subvolume, inode);
      return folders.length === 0 ? [known] : folders;
    } catch (error) {
      if (error instanceof NativeError && error.code === "ENOENT") return [known];
      throw error;
    }
  }

  #place(rule: StoredFolderRule, finder: PlaceFinder): void {
    for (const { directory, above } of finder.placesOf(rule)) {
      const key = keyOf(directory.subvolume, directory.inode);
      const known = this.#own.get(key);
      if (known === undefined || isNearer({ fold: rule.fold, above }, known)) {
        this.#own.set(key, { fold: rule.fold, above });
      }
    }
  }

  /** What is said of a subvolume's folders holds in its snapshots. */
  #spread(): void {
    const { subvolumes, dir } = this.#handle;
    const resolver = new PathResolver(dir, new Map(subvolumes.map((one) => [one.id, one])));
    const named = new Map<number, number[]>();
    for (const key of this.#own.keys()) {
      const [subvolume = 0, inode = 0] = key.split(":").map(Number);
      named.set(subvolume, [...(named.get(subvolume) ?? []), inode]);
    }
    for (const origin of subvolumes) {
      const snapshots = this.#families.snapshotsOf(origin.id);
      if (snapshots.length === 0) continue;
      // what holds for the whole subvolume may be said of a folder above it
      const whole = this.#standing(origin.id, FIRST_FREE_OBJECTID).own;
      const folders = (named.get(origin.id) ?? []).filter((inode) => inode !== FIRST_FREE_OBJECTID);
      for (const { id, readOnly } of snapshots) {
        const say = (inode: number, fold: Fold): void => {
          if (fold === "always" && !readOnly) return;
          const key = keyOf(id, inode);
          if (this.#ofFamily.get(key) !== "never") this.#ofFamily.set(key, fold);
        };
        if (whole !== null) say(FIRST_FREE_OBJECTID, whole);
        for (const inode of folders) {
          const fold = this.#own.get(keyOf(origin.id, inode))?.fold;
          if (fold === undefined) continue;
          for (const other of this.#sameFolder(origin.id, inode, id, resolver)) say(other, fold);
        }
      }
    }
    this.#standings.clear();
  }

  /** A folder of a subvolume in another of its family: the same inode, and what has its path there. */
  #sameFolder(subvolume: number, inode: number, other: number, resolver: PathResolver): Set<number> {
    const { dir } = this.#handle;
    const found = new Set<number>();
    try {
      const generation = generationOf(dir, { subvolume, inode });
      if (generation !== null && generationOf(dir, { subvolume: other, inode }) === generation)
        found.add(inode);
      const path = resolver.inSubvolume(subvolume, inode);
      const there =
        path === null ? null : findDirectory(dir, { subvolume: other, inode: FIRST_FREE_OBJECTID }, path);
      if (there?.subvolume === other) found.add(there.inode);
    } catch (error) {
      // deleted meanwhile
      if (!(error instanceof NativeError) || error.code !== "ENOENT") throw error;
    }
    return found;
  }

  #standing(subvolume: number, directory: number): Standing {
    // walked up in a loop: deep trees would overflow the stack
    const chain: { subvolume: number; directory: number; optedOut: boolean }[] = [];
    let standing: Standing | undefined;
    let [tree, at] = [subvolume, directory];
    for (;;) {
      standing = this.#standings.get(tree)?.get(at);
      if (standing !== undefined) break;
      const row = this.#ancestry.inode(tree, at);
      if (chain.length > MAX_DEPTH) {
        standing = NEVER;
        break;
      }
      const optedOut =
        row !== null &&
        ((row.traits & TRAIT.optOut) !== 0 || this.#optedOutInOrigin(tree, at, row.generation));
      chain.push({ subvolume: tree, directory: at, optedOut });
      if (at === FIRST_FREE_OBJECTID) {
        const parent = this.#parents.get(tree);
        if (parent === null || parent === undefined) standing = FREE;
        else [tree, at] = [parent.subvolume, parent.directory];
      } else if (row === null || row.parent === 0) standing = FREE;
      else at = row.parent;
      if (standing !== undefined) break;
    }
    for (const one of chain.reverse()) {
      const key = keyOf(one.subvolume, one.directory);
      standing = {
        own: this.#own.get(key)?.fold ?? standing.own,
        family: this.#ofFamily.get(key) ?? standing.family,
        optedOut: standing.optedOut || one.optedOut,
      };
      let known = this.#standings.get(one.subvolume);
      if (known === undefined) {
        known = new Map<number, Standing>();
        this.#standings.set(one.subvolume, known);
      }
      known.set(one.directory, standing);
    }
    return standing;
  }

  /** Whether the same file or folder has the attribute in a subvolume that this one is an older state of. */
  #optedOutInOrigin(subvolume: number, inode: number, generation: number): boolean {
    if (!this.#optOuts) return false;
    let origins = this.#origins.get(subvolume);
    if (origins === undefined) {
      origins = this.#families.originsOf(subvolume).map(({ id }) => id);
      this.#origins.set(subvolume, origins);
    }
    return origins.length > 0 && this.#ancestry.optedOutIn(origins, inode, generation);
  }
}

function keyOf(subvolume: number, inode: number): string {
  return `${subvolume}:${inode}`;
}

function foldOf({ own, family, optedOut }: Standing): Fold | null {
  if (optedOut || own === "never" || family === "never") return "never";
  return own ?? family;
}

/** Of two rules on one directory. */
function isNearer(a: { fold: Fold; above: number }, b: { fold: Fold; above: number }): boolean {
  if (a.above === b.above) return a.fold === "never";
  if (a.above === 0 || b.above === 0) return a.above === 0;
  return a.above > b.above;
}
