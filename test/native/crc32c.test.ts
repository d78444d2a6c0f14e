import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { tryCall } from "../../src-helper/native/library.ts";

function crc32c(data: Uint8Array): number {
  return tryCall("rf_crc32c", data, data.length);
}

/** Bit by bit, after the definition (Castagnoli polynomial, reflected). */
function reference(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

const ascending = Uint8Array.from({ length: 32 }, (_, k) => k);

// RFC 3720, appendix B.4, and the check value of the CRC catalogues
test.each([
  ["32 bytes of zeros", new Uint8Array(32), 0x8a9136aa],
  ["32 bytes of ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ["32 bytes ascending", ascending, 0x46dd794e],
  ["32 bytes descending", ascending.toReversed(), 0x113fdb5c],
  ["123456789", Buffer.from("123456789"), 0xe3069283],
  ["nothing", new Uint8Array(0), 0],
])("%s", (_, data, sum) => {
  expect(crc32c(data)).toBe(sum);
});

test("every length and alignment gives what the definition gives", () => {
  const data = randomBytes(400);
  for (let start = 0; start < 9; start++)
    for (let length = 0; length < 130; length++) {
      const piece = data.subarray(start, start + length);
      expect(crc32c(piece), `${start}+${length}`).toBe(reference(piece));
    }
});
