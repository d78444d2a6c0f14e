/** crc32c, and blocks that share one: btrfs' default checksum is no proof of equality. */

const POLYNOMIAL = 0x82f63b78;
const table = new Uint32Array(256);
/** For each top byte of a table entry, its index: the way back. */
const reverse = new Uint8Array(256);
for (let n = 0; n < 256; n++) {
  let value = n;
  for (let k = 0; k < 8; k++) value = (value & 1) !== 0 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  table[n] = value;
  reverse[value >>> 24] = n;
}

function entry(index: number): number {
  return table[index & 0xff] ?? 0;
}

/** The register after `data`, begun with `state`. */
function advance(state: number, data: Buffer): number {
  let crc = state;
  for (const byte of data) crc = (crc >>> 8) ^ entry(crc ^ byte);
  return crc >>> 0;
}

/** crc32c as btrfs stores it (begun with all ones, inverted at the end). */
export function crc32c(data: Buffer): number {
  return ~advance(0xffffffff, data) >>> 0;
}

/**
 * A copy of `data` whose last four bytes are chosen so that its crc32c is
 * `checksum`. Four bytes are exactly as many as the checksum has, so there is
 * one solution: run the register back from the end, byte by byte, then forward
 * from the four bytes' beginning, and what has to be fed in between shows.
 */
export function forgeChecksum(data: Buffer, checksum: number): Buffer {
  const forged = Buffer.from(data);
  const start = data.length - 4;
  const indices: number[] = [];
  let state = ~checksum >>> 0;
  for (let k = 3; k >= 0; k--) {
    const index = reverse[state >>> 24] ?? 0;
    indices[k] = index;
    state = ((state ^ entry(index)) << 8) >>> 0;
  }
  let crc = advance(0xffffffff, data.subarray(0, start));
  for (let k = 0; k < 4; k++) {
    const index = indices[k] ?? 0;
    forged[start + k] = (crc ^ index) & 0xff;
    crc = ((crc >>> 8) ^ entry(index)) >>> 0;
  }
  return forged;
}

/** A block of the same length and crc32c as `block`, but of other bytes. Length: at least 5. */
export function collidingBlock(block: Buffer): Buffer {
  const other = Buffer.from(block);
  other[0] = (other[0] ?? 0) ^ 0x55;
  return forgeChecksum(other, crc32c(block));
}
