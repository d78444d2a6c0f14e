/**
 * Very many files of one size are compared by keys (scan/place-keys.ts): of a change only what has the same key is
 * looked at. After each change that must come to what a scan from nothing finds.
 */
import { ftruncateSync, closeSync, existsSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { compareGroups, sortedGroups } from "../support/compare.ts";
import { exec } from "../support/exec.ts";
import { consultOracle } from "../support/oracle.ts";
import { Random } from "../support/random.ts";
import { groups, scan, type Target } from "../support/refold-json.ts";
import { LoopVolume } from "../support/volume.ts";

/** Two blocks; two blocks and a part; one that has less than 64 bits of checksums. */
const SIZES = [8192, 12_345, 4096];
const FILES = 40;
const CONTENTS = 60;

function contentOf(size: number, content: number): Buffer {
  const data = Buffer.alloc(size);
  for (let at = 0; at < size; at += 16) data.write(`${content} of ${size} at ${at}`.slice(0, 16), at);
  return data;
}

interface Known {
  readonly prints: number;
  readonly keys: number;
}

/** Rows of print, and keys, of a size. */
function known(target: Target, uuid: string, size: number): Known {
  const db = new Database(join(target.db, `${uuid}.db`), { readonly: true });
  try {
    const prints = db.prepare("SELECT COUNT(*) FROM print WHERE size = ?").pluck().get(size) as number;
    const keys = db.prepare("SELECT length(keys) / 16 FROM place_keys WHERE size = ?").pluck().get(size);
    return { prints, keys: (keys as number | undefined) ?? 0 };
  } finally {
    db.close();
  }
}

test(
  "what changes among files of one size is found as by a scan from nothing",
  { timeout: 120_000 },
  async () => {
    using volume = LoopVolume.create({ size: "1G" });
    const random = new Random(11);
    const kept: Target = { volume: volume.path, db: volume.beside("kept"), minSize: 1 };
    const path = (size: number, k: number): string => join(volume.path, `${size} ${k}`);
    const write = (size: number, k: number): void => {
      writeFileSync(path(size, k), contentOf(size, random.between(0, CONTENTS)));
    };
    const compare = async (step: string): Promise<void> => {
      volume.sync();
      await scan(kept);
      const fresh: Target = { ...kept, db: volume.beside(`fresh ${step}`) };
      await scan(fresh);
      const found = await groups(kept);
      expect(sortedGroups(found), step).toEqual(sortedGroups(await groups(fresh)));
      expect(compareGroups(consultOracle(volume.path), 1, found), step).toEqual([]);
    };

    for (const size of SIZES) for (let k = 0; k < FILES; k++) write(size, k);
    await compare("at first");
    for (const size of SIZES.slice(0, 2)) {
      const { prints, keys } = known(kept, volume.uuid, size);
      expect(keys, "each place has a key").toBe(FILES);
      expect(prints, "only what is like another has a print").toBeLessThan(FILES);
    }
    expect(known(kept, volume.uuid, 4096).keys, "checksums do not decide").toBe(0);

    for (let step = 0; step < 4; step++) {
      for (const size of SIZES) {
        for (let change = 0; change < 5; change++) {
          const k = random.between(0, FILES);
          const kind = random.between(0, 4);
          if (kind === 0) rmSync(path(size, k), { force: true });
          else if (kind === 1 && existsSync(path(size, k))) {
            exec("cp", ["--reflink=always", path(size, k), path(size, FILES + random.between(0, 5))]);
          } else write(size, k);
        }
      }
      await compare(`step ${step}`);
    }

    // a file that was cut keeps the checksum of its whole last block
    const cut = openSync(path(12_345, 1), "w");
    writeSync(cut, Buffer.concat([contentOf(12_345, 5), Buffer.alloc(2000, "more")]));
    closeSync(cut);
    writeFileSync(path(12_345, 2), contentOf(12_345, 5));
    volume.sync();
    const shorter = openSync(path(12_345, 1), "r+");
    ftruncateSync(shorter, 12_345);
    closeSync(shorter);
    await compare("a file that was cut");

    // from here on checksums do not decide in this size
    expect(known(kept, volume.uuid, 8192).keys).toBeGreaterThan(0);
    const folder = join(volume.path, "compressed");
    exec("mkdir", [folder]);
    exec("btrfs", ["property", "set", folder, "compression", "zstd"]);
    writeFileSync(join(folder, "one"), contentOf(8192, 3));
    writeFileSync(path(8192, 0), contentOf(8192, 3));
    await compare("a compressed file");
    expect(known(kept, volume.uuid, 8192)).toMatchObject({ keys: 0 });
    write(8192, 1);
    await compare("after it");
  },
);
