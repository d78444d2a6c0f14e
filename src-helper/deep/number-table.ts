const EMPTY = -1;

/** Numbers of 0 and more, each with a number: 16 bytes an entry and as much again for speed, in no object. */
export class NumberTable {
  #keys = new Float64Array(1024).fill(EMPTY);
  #values = new Float64Array(1024);
  #count = 0;

  get count(): number {
    return this.#count;
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
    if (added && ++this.#count > this.#keys.length * 0.7) {
      this.#grow();
      at = this.#find(key);
    }
    this.#keys[at] = key;
    this.#values[at] = value;
    return added;
  }

  #find(key: number): number {
    const mask = this.#keys.length - 1;
    const mixed = Math.imul(key >>> 0, 0x9e3779b1) ^ Math.imul((key / 2 ** 32) >>> 0, 0x85ebca6b);
    let at = (mixed ^ (mixed >>> 15)) & mask;
    while (this.#keys[at] !== key && this.#keys[at] !== EMPTY) at = (at + 1) & mask;
    return at;
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
