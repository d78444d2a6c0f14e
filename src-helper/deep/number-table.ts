const EMPTY = -1;
/** Of the slots of a table; beyond it, one more look-up is many. */
const MOST_FULL = 0.7;

/** Where a key is, or would be. */
function slotOf(keys: Float64Array, key: number): number {
  const mask = keys.length - 1;
  const mixed = Math.imul(key >>> 0, 0x9e3779b1) ^ Math.imul((key / 2 ** 32) >>> 0, 0x85ebca6b);
  let at = (mixed ^ (mixed >>> 15)) & mask;
  while (keys[at] !== key && keys[at] !== EMPTY) at = (at + 1) & mask;
  return at;
}

/** Numbers of 0 and more: 8 bytes each and as much again for speed, in no object. */
export class NumberSet {
  #keys = new Float64Array(1024).fill(EMPTY);
  #count = 0;

  has(key: number): boolean {
    return this.#keys[slotOf(this.#keys, key)] === key;
  }

  /** @returns whether it is new */
  add(key: number): boolean {
    const at = slotOf(this.#keys, key);
    if (this.#keys[at] === key) return false;
    this.#keys[at] = key;
    if (++this.#count > this.#keys.length * MOST_FULL) this.#grow();
    return true;
  }

  #grow(): void {
    const keys = this.#keys;
    const larger = new Float64Array(keys.length * 2).fill(EMPTY);
    for (const key of keys) if (key !== EMPTY) larger[slotOf(larger, key)] = key;
    this.#keys = larger;
  }
}

/** Numbers of 0 and more, each with a number: 16 bytes an entry and as much again for speed, in no object. */
export class NumberTable {
  #keys = new Float64Array(1024).fill(EMPTY);
  #values = new Float64Array(1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  *entries(): Generator<[key: number, value: number]> {
    for (const [at, key] of this.#keys.entries()) if (key !== EMPTY) yield [key, this.#values[at] ?? 0];
  }

  /** undefined where there is none. */
  get(key: number): number | undefined {
    const at = this.#find(key);
    return this.#keys[at] === key ? this.#values[at] : undefined;
  }

  /** @returns whether the key is new */
  set(key: number, value: number): boolean {
    let at = this.#find(key);
    const added = this.#keys[at] === EMPTY;
    if (added && ++this.#count > this.#keys.length * MOST_FULL) {
      this.#grow();
      at = this.#find(key);
    }
    this.#keys[at] = key;
    this.#values[at] = value;
    return added;
  }

  #find(key: number): number {
    return slotOf(this.#keys, key);
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = new Float64Array(keys.length * 2).fill(EMPTY);
    this.#values = new Float64Array(keys.length * 2);
    keys.forEach((key, k) => {
      if (key === EMPTY) return;
      const at = this.#find(key);
      this.#keys[at] = key;
      this.#values[at] = values[k] ?? 0;
    });
  }
}
