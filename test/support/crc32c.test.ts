import { describe, expect, test } from "vitest";
import { collidingBlock, crc32c, forgeChecksum } from "./crc32c.ts";
import { Deck, Random } from "./random.ts";

describe("crc32c", () => {
  test("has the check value of the catalogue", () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
  });

  test.each([5, 777, 4096])("other bytes of the same checksum: %i", (length) => {
    for (let seed = 0; seed < 20; seed++) {
      const block = new Random(seed).bytes(length);
      const other = collidingBlock(block);
      expect(other.equals(block)).toBe(false);
      expect(crc32c(other)).toBe(crc32c(block));
    }
  });

  test("any checksum can be forged", () => {
    expect(crc32c(forgeChecksum(Buffer.alloc(4096), 0x12345678))).toBe(0x12345678);
  });
});

describe("Random", () => {
  test("repeats itself for one seed, differs for another, and spreads", () => {
    expect(new Random(7).bytes(64)).toEqual(new Random(7).bytes(64));
    expect(new Random(7).bytes(64)).not.toEqual(new Random(8).bytes(64));
    const counts = new Array<number>(16).fill(0);
    const random = new Random(1);
    for (let k = 0; k < 16_000; k++) {
      const n = random.below(16);
      counts[n] = (counts[n] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(200);
  });

  test("a deck deals every card before it deals one again", () => {
    const deck = new Deck(new Random(3), ["a", "b", "c", "d"]);
    const dealt = Array.from({ length: 8 }, () => deck.draw());
    expect(dealt.slice(0, 4).sort()).toEqual(["a", "b", "c", "d"]);
    expect(dealt.slice(4).sort()).toEqual(["a", "b", "c", "d"]);
  });
});
