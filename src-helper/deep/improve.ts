import type { Contents } from "./contents.ts";
import type { Part } from "./parts.ts";
import type { Stay } from "./stay.ts";

/** Bytes; less is no gain. */
const LEAST = 1;
/** A content that so many extents hold ties too many together to try each with each. */
const MANY_HOLDERS = 64;
/** How often the segments of a part may be looked at to better a choice of it. */
const ROUNDS = 400;

/** Decides a part: what is worth letting go goes. Two ways to begin, the better one stays. */
export function decide(contents: Contents, stay: Stay, part: Part): void {
  if (part.length === 1) {
    for (const extent of part) if (stay.worth(extent) > LEAST) stay.toggle(extent);
    return;
  }
  const before = valueOf(stay);
  const limit = (): number => stay.work + ROUNDS * sizeOf(contents, part);
  letGo(stay, byFile(contents, stay, part));
  new Improver(contents, stay, part).run(limit());
  const first = valueOf(stay) - before;
  const flags = part.map((extent) => stay.stays[extent] ?? 1);
  for (const extent of part) if (stay.stays[extent] === 0) stay.toggle(extent);
  letGo(stay, byShare(contents, stay, part));
  new Improver(contents, stay, part).run(limit());
  if (valueOf(stay) - before >= first) return;
  part.forEach((extent, k) => {
    if (stay.stays[extent] !== flags[k]) stay.toggle(extent);
  });
}

function sizeOf({ held }: Contents, part: Part): number {
  return part.reduce((sum, extent) => sum + 1 + held.size(extent), 0);
}

function valueOf({ gone, written, factor }: Stay): number {
  return gone - factor * written;
}

function letGo(stay: Stay, order: Part): void {
  for (const extent of order) if (stay.worth(extent) > LEAST) stay.toggle(extent);
}

/** What of an extent would have to be written anew while all others stay, 0 to 1. */
function sharesOf({ bytes }: Contents, stay: Stay, part: Part): Map<number, number> {
  return new Map(part.map((extent) => [extent, stay.alone(extent) / (bytes[extent] ?? 1)]));
}

/** Those first of which least is to be written. Of equal ones the later goes, so that the oldest stays. */
function byShare(contents: Contents, stay: Stay, part: Part): Part {
  const shares = sharesOf(contents, stay, part);
  return part.toSorted((a, b) => (shares.get(a) ?? 0) - (shares.get(b) ?? 0) || b - a);
}

/**
 * The extents of one file together, files first of which least is to be
 * written. Two files in common that are cut into extents at different places
 * would else each lose every other extent.
 */
function byFile(contents: Contents, stay: Stay, part: Part): Part {
  const shares = sharesOf(contents, stay, part);
  const files = Map.groupBy(part, (extent) => contents.file[extent] ?? -1);
  const order = [...files].map(([file, extents]) => {
    const sum = extents.reduce((total, extent) => total + (shares.get(extent) ?? 0), 0);
    return {
      file,
      extents: byShare(contents, stay, extents),
      share: Math.floor((10 * sum) / extents.length),
    };
  });
  order.sort((a, b) => a.share - b.share || b.file - a.file);
  return order.flatMap(({ extents }) => extents);
}

/** Betters a choice by trying what single extents, and all of a file, would change around them. */
class Improver {
  readonly #contents: Contents;
  readonly #stay: Stay;
  readonly #part: Part;
  readonly #done: number[] = [];

  constructor(contents: Contents, stay: Stay, part: Part) {
    this.#contents = contents;
    this.#stay = stay;
    this.#part = part;
  }

  /** @param limit of the work: what is bettered until then stays */
  run(limit: number): void {
    const { file } = this.#contents;
    this.#single(limit);
    const files = [...Map.groupBy(this.#part, (extent) => file[extent] ?? -1).values()];
    const groups = [
      ...files.filter((extents) => extents.length > 1),
      ...this.#part.map((extent) => [extent]),
    ];
    for (let better = true; better && this.#stay.work < limit;) {
      better = false;
      for (const group of groups) {
        if (this.#stay.work >= limit) break;
        if (this.#force(group, 1) || this.#force(group, 0)) better = true;
      }
      if (better) this.#single(limit);
    }
  }

  /** Each extent alone, until none is left that is better the other way. */
  #single(limit: number): void {
    for (let better = true; better && this.#stay.work < limit;) {
      better = false;
      for (const extent of this.#part) if (this.#toggle(extent)) better = true;
    }
    this.#done.length = 0;
  }

  #toggle(extent: number): boolean {
    if (this.#stay.worth(extent) <= LEAST) return false;
    this.#stay.toggle(extent);
    this.#done.push(extent);
    return true;
  }

  /** Tries extents that way, and what is then better around them; undone where the whole is not better. */
  #force(group: readonly number[], stays: 0 | 1): boolean {
    const stay = this.#stay;
    const forced = group.filter((extent) => stay.stays[extent] !== stays);
    if (forced.length === 0) return false;
    const before = valueOf(stay);
    this.#done.length = 0;
    for (const extent of forced) {
      stay.toggle(extent);
      this.#done.push(extent);
    }
    const own = new Set(group);
    for (const extent of forced) this.#around(extent, own);
    if (valueOf(stay) > before + LEAST) return true;
    for (const extent of this.#done.toReversed()) stay.toggle(extent);
    return false;
  }

  #around(extent: number, except: ReadonlySet<number>): void {
    const { held, holders, fixed } = this.#contents;
    held.each(extent, (segment) => {
      if (holders.size(segment) > MANY_HOLDERS) return;
      holders.each(segment, (other) => {
        if (fixed[other] === 0 && !except.has(other)) this.#toggle(other);
      });
    });
  }
}
