/** A volume with all kinds of groups, scanned, and its review. */
import {
  chownSync,
  linkSync,
  mkdirSync,
  openSync,
  closeSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { constants } from "node:fs";
import { join } from "node:path";
import { createEngine } from "../../src-helper/engine/engine.ts";
import type { DeepOptions, RunContext, Selection } from "../../src-helper/engine/contract.ts";
import type { Review } from "../../src-helper/engine/review/review.ts";
import { OpenReviews } from "../../src-helper/engine/review/reviews.ts";
import {
  NO_FILTER,
  type FileRow,
  type Filter,
  type GroupRow,
  type Sort,
} from "../../src-helper/rpc/protocol.ts";
import { exec } from "../support/exec.ts";
import { changeFlags, cloneRange, fallocate, FALLOC_KEEP_SIZE, FileFlag, withFd } from "../support/libc.ts";
import { Random } from "../support/random.ts";
import { LoopVolume, type LoopVolumeOptions } from "../support/volume.ts";

export const BY_SAVING: Sort = { by: "frees", descending: true };
export const MIN_SIZE = 4096;
export const EVERYTHING: Selection = {
  minSize: MIN_SIZE,
  exclude: [],
  pathGlob: null,
  crossVolume: true,
  snapshots: false,
};

/** A context that wants to know nothing. */
export function quiet(signal = new AbortController().signal): RunContext {
  return { signal, progress: () => undefined, log: () => undefined };
}

export function namesContext(): Parameters<Review["names"]>[0] {
  return { signal: new AbortController().signal, progress: () => undefined };
}

/** A loop volume, its databases, and the reviews of it. */
export class ReviewBench implements Disposable {
  readonly volume: LoopVolume;
  readonly reviews = new OpenReviews();

  constructor(options: LoopVolumeOptions = {}) {
    this.volume = LoopVolume.create({ size: "2G", ...options });
  }

  get db(): string {
    return this.volume.beside("db");
  }

  path(relative: string): string {
    return join(this.volume.path, relative);
  }

  async scan(minSize = MIN_SIZE): Promise<void> {
    await this.withVolume((volume) =>
      volume.scan({ minSize, flush: true, selection: { ...EVERYTHING, minSize } }, quiet()),
    );
  }

  async withVolume<T>(
    work: (volume: ReturnType<ReturnType<typeof createEngine>["open"]>[number]) => Promise<T> | T,
  ): Promise<T> {
    const [volume] = createEngine({ databaseDir: this.db }).open([this.volume.uuid]);
    if (volume === undefined) throw new Error("no volume");
    try {
      return await work(volume);
    } finally {
      volume.close();
    }
  }

  open(
    options: {
      minSize?: number;
      exclude?: readonly string[];
      snapshots?: boolean;
      deep?: DeepOptions | null;
    } = {},
  ): Promise<Review> {
    return this.reviews.open({
      uuid: this.volume.uuid,
      databaseDir: this.db,
      warn: (message) => {
        throw new Error(message);
      },
      minSize: MIN_SIZE,
      exclude: [],
      snapshots: false,
      ...options,
    });
  }

  /** Opens it and waits for all that is loaded in the background. */
  async openWhole(options: Parameters<ReviewBench["open"]>[0] = {}): Promise<Review> {
    const review = await this.open(options);
    await review.names(namesContext());
    return review;
  }

  [Symbol.dispose](): void {
    this.reviews.closeAll();
    this.volume.dispose();
  }
}

/** Every row of a filter. */
export async function allRows(
  review: Review,
  filter: Partial<Filter> = {},
  sort: Sort = BY_SAVING,
): Promise<GroupRow[]> {
  const rows: GroupRow[] = [];
  for (;;) {
    const page = await review.rows({
      filter: { ...NO_FILTER, ...filter },
      sort,
      offset: rows.length,
      limit: 37, // several pages
    });
    rows.push(...page.rows);
    if (rows.length === page.total) return rows;
    if (page.rows.length === 0) throw new Error(`${rows.length} rows of ${page.total}`);
  }
}

/** Every file of a group. */
export async function allFiles(review: Review, group: string): Promise<FileRow[]> {
  const files: FileRow[] = [];
  for (;;) {
    const page = await review.files(group, files.length, 3);
    files.push(...page.files);
    if (files.length >= page.total) return files;
  }
}

/** Names that a program could stumble over, as bytes. */
export const HOSTILE_NAMES: readonly Buffer[] = [
  Buffer.from([0x6e, 0x6f, 0x74, 0xff, 0xfe, 0x20, 0xc3, 0x28]), // not UTF-8
  Buffer.from([0xed, 0xa0, 0x80, 0x2e, 0x6a, 0x70, 0x67]), // an encoded surrogate, .jpg
  Buffer.from("new\nline\ttab"),
  Buffer.from("*[a]{b,c}?.iso"),
  Buffer.from("-rf --no-preserve-root"),
  Buffer.from("\u202egpj.exe"),
  Buffer.from('"quoted" \\ $(id) `id`'),
  Buffer.from("n".repeat(255)),
  Buffer.from(".hidden"),
  Buffer.from("GRÖSSE.PDF"),
];

const FOLDERS = ["home/anna/Pictures", "home/anna/docs/old", "home/ben", "other/deep/er", "other"];
const ENDINGS = ["jpg", "pdf", "ts", "mp3", "iso", "zip", "", "unknown"];

/**
 * Fills a volume: groups of two to five files over several folders of two
 * subvolumes, extents that two groups let go of only together, hard links,
 * NOCOW and immutable files, hostile names, several owners and times, and at
 * last a read-only snapshot of "home".
 */
export function fillVolume(bench: ReviewBench, seed: number, groups = 40): void {
  const random = new Random(seed);
  bench.volume.createSubvolume("home");
  bench.volume.createSubvolume("other");
  for (const folder of FOLDERS) mkdirSync(bench.path(folder), { recursive: true });
  for (let group = 0; group < groups; group++) {
    const content = random.bytes(random.pick([4096, 5000, 8192, 20_000, 70_000, 300_000]));
    const copies = random.between(2, 5);
    for (let copy = 0; copy < copies; copy++) {
      const ending = random.pick(ENDINGS);
      const name = `file ${group} ${copy}${ending === "" ? "" : `.${ending}`}`;
      const path = bench.path(join(random.pick(FOLDERS), name));
      writeFileSync(path, content);
      if (random.chance(0.1)) linkSync(path, `${path} again`);
      if (random.chance(0.3)) chownSync(path, random.pick([1, 54_321]), 0);
      const time = 1_500_000_000 + random.below(200_000_000);
      utimesSync(path, time, time);
    }
  }
  HOSTILE_NAMES.forEach((name, k) => {
    const content = random.bytes(9000 + k);
    writeFileSync(Buffer.concat([Buffer.from(`${bench.path("other/deep")}/`), name]), content);
    writeFileSync(bench.path(`home/ben/plain ${k}`), content);
  });
  writeSpecial(bench, random);
  for (let pair = 0; pair < 6; pair++) writeEntangled(bench, random, pair);
  bench.volume.sync();
  bench.volume.snapshot("home", "snapshot", { readOnly: true });
  // written after the snapshot: its old data is in the snapshot alone
  for (let k = 0; k < 3; k++) {
    const content = random.bytes(30_000 + k);
    writeFileSync(bench.path(`home/ben/plain ${k}`), content);
    writeFileSync(bench.path(`other/plain ${k}`), content);
  }
  bench.volume.sync();
}

/** A group with a file that is immutable, and one of NOCOW and other files. */
function writeSpecial(bench: ReviewBench, random: Random): void {
  const fixed = random.bytes(50_000);
  for (let k = 0; k < 3; k++) writeFileSync(bench.path(`other/fixed ${k}`), fixed);
  changeFlags(bench.path("other/fixed 1"), FileFlag.immutable);
  const content = random.bytes(60_000);
  mkdirSync(bench.path("other/nocow"));
  exec("chattr", ["+C", bench.path("other/nocow")]);
  for (const path of ["nocow/a", "nocow/b", "nocow/c", "cow a", "cow b"]) {
    writeFileSync(bench.path(`other/${path}`), content);
  }
}

/** Two groups whose first files are the two halves of one extent: it comes back only when both are folded. */
function writeEntangled(bench: ReviewBench, random: Random, pair: number): void {
  const half = 65_536;
  const content = random.bytes(2 * half);
  const whole = bench.path(`other/whole ${pair}`);
  writeFileSync(whole, content);
  bench.volume.sync(); // into one extent
  [0, half].forEach((offset, k) => {
    const path = (name: string): string => bench.path(`other/half ${pair} ${k} ${name}`);
    withFd(whole, (from) => {
      const to = openSync(path("part"), constants.O_RDWR | constants.O_CREAT);
      try {
        cloneRange(from, offset, half, to, 0);
      } finally {
        closeSync(to);
      }
    });
    // two that share their data make the better source
    writeFileSync(path("copy"), content.subarray(offset, offset + half));
    exec("cp", ["--reflink=always", path("copy"), path("reflink")]);
  });
  rmSync(whole);
}

/**
 * Groups whose copies have some of their data in common already, take an extent
 * more than once, hold room behind their end, or are a hole.
 */
export function writeMixed(bench: ReviewBench, seed: number): void {
  const random = new Random(seed);
  bench.volume.createSubvolume("mixed");
  const [block, size] = [65_536, 4 * 65_536];
  const edit = (path: string, use: (fd: number) => void): void => {
    withFd(path, use, constants.O_RDWR);
  };
  for (let group = 0; group < 8; group++) {
    const content = random.bytes(size);
    const path = (copy: number): string => bench.path(`mixed/${group} ${copy}`);
    writeFileSync(path(0), content);
    writeFileSync(path(1), content);
    bench.volume.sync();
    // partly rewritten with the same bytes: the rest is shared with the first
    for (let copy = 2; copy < 5; copy++) {
      exec("cp", ["--reflink=always", path(random.below(2)), path(copy)]);
      edit(path(copy), (fd) => {
        const at = random.below(4) * block;
        writeSync(fd, content, at, block, at);
      });
    }
    if (group % 2 === 0) {
      edit(path(1), (fd) => {
        fallocate(fd, FALLOC_KEEP_SIZE, size, block);
      });
    }
  }
  // the same block twice, once as two references to one extent
  const twice = random.bytes(block);
  for (let copy = 0; copy < 3; copy++) {
    const path = bench.path(`mixed/twice ${copy}`);
    writeFileSync(path, copy === 2 ? Buffer.concat([twice, twice]) : twice);
    bench.volume.sync();
    if (copy < 2) {
      edit(path, (fd) => {
        cloneRange(fd, 0, block, fd, block);
      });
    }
  }
  // one of holes alone takes nothing, and others are folded onto it
  for (let copy = 0; copy < 3; copy++) writeFileSync(bench.path(`mixed/zeros ${copy}`), Buffer.alloc(block));
  writeFileSync(bench.path("mixed/hole"), "");
  truncateSync(bench.path("mixed/hole"), block);
  // preallocated room that the file ends in
  for (let copy = 0; copy < 2; copy++) {
    const path = bench.path(`mixed/room ${copy}`);
    writeFileSync(path, "");
    edit(path, (fd) => {
      fallocate(fd, FALLOC_KEEP_SIZE, 0, 2 * block);
      writeSync(fd, twice, 0, 20_000, 0);
    });
    truncateSync(path, 30_000);
  }
  bench.volume.sync();
  exec("cp", ["--reflink=always", bench.path("mixed/room 0"), bench.path("mixed/room 2")]);
  bench.volume.sync();
  bench.volume.snapshot("mixed", "snapshot of mixed", { readOnly: true });
  bench.volume.sync();
}
