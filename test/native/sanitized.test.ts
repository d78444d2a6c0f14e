/** The library under the address, leak and undefined-behaviour sanitizers, on random and malformed input. */
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes, randomInt } from "node:crypto";
import { expect, test } from "vitest";
import { ROOT, runProgram } from "../support/run.ts";
import { LoopVolume } from "../support/volume.ts";
import { WRITERS } from "./files.ts";

const ROUNDS = 8000;

test("malformed blobs, small buffers and random arguments do no harm", async () => {
  using volume = LoopVolume.create({ size: "1G" });
  for (let k = 0; k < 60; k++) {
    const write = Object.values(WRITERS)[k % 7];
    const content = randomBytes(100 + k * 5000);
    content.subarray(4096, 20_000).fill(0);
    write?.(join(volume.path, `file ${k}`), content);
  }
  mkdirSync(join(volume.path, "folder"));
  truncateSync(join(volume.path, "file 20"), 5000);
  volume.remount("compress-force=zstd");
  writeFileSync(join(volume.path, "compressed"), Buffer.alloc(400_000, "text"));
  volume.sync();
  const seed = String(randomInt(2 ** 32));
  const result = await runProgram(join(ROOT, "native/test/run-sanitized.sh"), [String(ROUNDS), seed, volume.path]);
  expect(`seed ${seed}: ${result.stderr}`).toBe(`seed ${seed}: `);
  expect(result.code).toBe(0);
  expect(result.stdout).toBe(`${ROUNDS} rounds\n`);
});
