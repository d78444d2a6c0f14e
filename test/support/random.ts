/**
 * A small pseudo-random generator with a seed, so that a failing volume can be
 * made again: sfc32 (Chris Doty-Humphrey's Small Fast Counting generator, from
 * PractRand), 128 bits of state, seeded by splitmix32. The same seed gives the
 * same volume on every machine.
 */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(seed: number) {
    let state = seed >>> 0;
    const splitmix = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let z = state ^ (state >>> 16);
      z = Math.imul(z, 0x21f0aaad);
      z ^= z >>> 15;
      z = Math.imul(z, 0x735a2d97);
      return z ^ (z >>> 15);
    };
    this.a = splitmix();
    this.b = splitmix();
    this.c = splitmix();
    for (let k = 0; k < 12; k++) this.uint32();
  }

  /** 0 to 2^32 - 1. */
  uint32(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** 0 to n - 1. */
  below(n: number): number {
    return Math.floor((this.uint32() / 2 ** 32) * n);
  }

  /** low to high, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.uint32() / 2 ** 32 < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  /** A new array in random order. */
  shuffle<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, order: this.uint32() }))
      .sort((x, y) => x.order - y.order)
      .map(({ item }) => item);
  }

  /** So many random bytes. */
  bytes(length: number): Buffer {
    const words = new Uint32Array(Math.ceil(length / 4));
    for (let k = 0; k < words.length; k++) words[k] = this.uint32();
    return Buffer.from(words.buffer, 0, length);
  }
}

/** Deals cards from a shuffled deck, and shuffles anew when it is used up: each card comes up equally often. */
export class Deck<T> {
  private rest: T[] = [];
  private readonly random: Random;
  private readonly cards: readonly T[];

  constructor(random: Random, cards: readonly T[]) {
    this.random = random;
    this.cards = cards;
  }

  /** The next card for which `fits` holds. @throws Error where no card fits */
  draw(fits: (card: T) => boolean = () => true): T {
    for (let tries = 0; tries < 2; tries++) {
      const at = this.rest.findIndex(fits);
      const [card] = at < 0 ? [] : this.rest.splice(at, 1);
      if (card !== undefined) return card;
      this.rest.push(...this.random.shuffle(this.cards));
    }
    throw new Error("no card fits");
  }
}
