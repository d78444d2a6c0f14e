/** Randomness from a seed: the same seed makes the same data, byte for byte, on every machine. */
import { createCipheriv, createHash } from "node:crypto";

const CHUNK = Buffer.alloc(4 << 20);

/** Numbers in [0, 1) from a seed (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number in [0, n). */
export function below(random: () => number, n: number): number {
  return Math.floor(random() * n);
}

/** A whole number in [low, high), evenly spread over its logarithm, as file sizes are. */
export function logUniform(random: () => number, low: number, high: number): number {
  return Math.floor(low * Math.exp(random() * Math.log(high / low)));
}

/**
 * Incompressible bytes, no two contents alike: AES-CTR of zeros, so gigabytes
 * cost seconds and any content can be made again from its number.
 * @param size bytes
 * @returns buffers of up to 4 MiB
 */
export function* contentBytes(seed: number, content: number, size: number): Generator<Buffer> {
  const key = createHash("sha256").update(`refold ${seed}`).digest().subarray(0, 16);
  const nonce = Buffer.alloc(16);
  nonce.writeUInt32BE(content, 0);
  const cipher = createCipheriv("aes-128-ctr", key, nonce);
  for (let left = size; left > 0; left -= CHUNK.length) {
    yield cipher.update(left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK);
  }
}
