/**
 * How much of a volume is there more than once, block by block, found by
 * reading everything. Shares nothing with the code under test.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { consultOracle } from "../support/oracle.ts";

const BLOCK = 4096;
const ZERO = Buffer.alloc(BLOCK);

/** A block of a file: where it lies, and what it holds. */
interface Seen {
  /** Number over all blocks of all files, with gaps between the files. */
  readonly number: number;
  readonly content: string;
}

/**
 * Bytes on disk that hold what stands elsewhere, counted in runs of so many
 * bytes and more; a block that several files share counts once. top: where the
 * top level is mounted, synced before. Data is not compressed.
 */
export function redundantBytes(top: string, minRun: number): number {
  return redundantBytesOf(top, [minRun])[0] ?? 0;
}

/** The same for several lengths of runs, in one reading. */
export function redundantBytesOf(top: string, minRuns: readonly number[]): number[] {
  const places = new Set<number>();
  const first = new Map<string, number>();
  let number = 0;
  const redundant = minRuns.map(() => 0);
  for (const file of consultOracle(top).files) {
    const [path] = file.paths;
    if (path === undefined) continue;
    number += 2; // no run goes from file to file
    const data = readFileSync(Buffer.concat([Buffer.from(`${top}/`), path]));
    let run = 0;
    let last = -2;
    const endRun = (): void => {
      for (const [k, minRun] of minRuns.entries()) {
        if (run * BLOCK >= minRun) redundant[k] = (redundant[k] ?? 0) + run * BLOCK;
      }
      run = 0;
    };
    for (const { content } of blocksOf(data, file.pieces, places)) {
      number++;
      const known = content === "" ? undefined : first.get(content);
      if (known === undefined || known !== last + 1) endRun();
      if (known === undefined) {
        if (content !== "") first.set(content, number);
        last = -2;
        continue;
      }
      run++;
      last = known;
    }
    endRun();
  }
  return redundant;
}

/** The blocks of a file in order; "" for one that lies where another file's lies, for a hole, and for zeros. */
function* blocksOf(
  data: Buffer,
  pieces: readonly { logical: number; length: number; diskBytenr: number; offset: number }[],
  places: Set<number>,
): Generator<Pick<Seen, "content">> {
  let end = 0;
  for (const piece of pieces) {
    if (piece.logical > end) yield { content: "" };
    for (let at = piece.logical; at < piece.logical + piece.length && at < data.length; at += BLOCK) {
      const place = piece.diskBytenr + piece.offset + (at - piece.logical);
      const block = data.subarray(at, at + BLOCK);
      if (places.has(place) || block.equals(ZERO.subarray(0, block.length))) {
        yield { content: "" };
        continue;
      }
      places.add(place);
      yield { content: createHash("sha1").update(block).digest("hex") };
    }
    end = piece.logical + piece.length;
  }
}
