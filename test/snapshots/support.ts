/** Snapshots that are sent from one volume to another, and what btrfs keeps of each. */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect } from "vitest";
import { exec } from "../support/exec.ts";
import { refold } from "../support/run.ts";
import { diffStates, snapshotState, type TreeState } from "../support/state.ts";
import type { LoopVolume } from "../support/volume.ts";
import type { Random } from "../support/random.ts";
import { MIB, overwrite, write } from "../exact/support.ts";
import { ITEM, subvolumeOf, TREE, treeItems, withOpen } from "../kernel-facts/support.ts";

/** What tells a subvolume apart, and what an incremental send and its receiver go by. */
export interface Identity {
  readonly uuid: string;
  readonly receivedUuid: string;
  readonly parentUuid: string;
  readonly created: string;
  readonly generationAtCreation: string;
  readonly sendTransid: string;
  readonly receiveTransid: string;
  readonly sent: string;
  readonly received: string;
  readonly flags: string;
}

/** `btrfs subvolume show`, without the generation, which any change raises. */
export function identityOf(path: string): Identity {
  const text = exec("btrfs", ["subvolume", "show", path]);
  const field = (name: string): string => {
    const match = new RegExp(`^\\s*${name}:\\s*(.*)$`, "m").exec(text);
    if (match === null) throw new Error(`no ${name} in ${text}`);
    return match[1] ?? "";
  };
  return {
    uuid: field("UUID"),
    receivedUuid: field("Received UUID"),
    parentUuid: field("Parent UUID"),
    created: field("Creation time"),
    generationAtCreation: field("Gen at creation"),
    sendTransid: field("Send transid"),
    receiveTransid: field("Receive transid"),
    sent: field("Send time"),
    received: field("Receive time"),
    flags: field("Flags"),
  };
}

/** A subvolume's whole ROOT_ITEM: nothing of it may move while it is left alone. */
export function rootItemOf(volume: LoopVolume, name: string): string {
  volume.sync();
  const id = withOpen(join(volume.path, name), subvolumeOf);
  return withOpen(volume.path, (fd) => {
    const [item] = treeItems(fd, TREE.root, { objectid: BigInt(id), type: ITEM.root });
    if (item === undefined) throw new Error(`no subvolume ${name}`);
    return item.data.toString("hex");
  });
}

/** Sends a snapshot into a file and receives it from there below a directory; parent: incremental to it. */
export function sendReceive(
  from: LoopVolume,
  name: string,
  parent: string | null,
  to: LoopVolume,
  below = "",
): string {
  const stream = from.beside("stream");
  const words = parent === null ? [] : ["-p", join(from.path, parent)];
  exec("btrfs", ["send", "-q", ...words, "-f", stream, join(from.path, name)]);
  mkdirSync(join(to.path, below), { recursive: true });
  exec("btrfs", ["receive", "-q", "-f", stream, join(to.path, below)]);
  from.removeBeside("stream");
  return join(to.path, below, name);
}

/** What a receiver must have: all but the inode numbers, which are its own. */
export function contentOf(path: string): TreeState {
  return new Map(
    [...snapshotState(path)].map(([name, state]) => [
      name,
      new Map([...state].filter(([property]) => property !== "inode")),
    ]),
  );
}

export function expectSameContent(a: string, b: string): void {
  expect(diffStates(contentOf(a), contentOf(b))).toEqual([]);
}

export interface SnapshotFold {
  readonly files: number;
  readonly predictedBytes: number;
  readonly freedBytes: number;
  readonly differences: readonly { readonly cause: string; readonly bytes: number }[];
  readonly skipped: readonly { readonly path: string; readonly reason: string; readonly detail: string }[];
}

export async function foldSnapshots(
  volume: LoopVolume,
  extra: readonly string[] = [],
): Promise<SnapshotFold> {
  const words = ["--yes", "--json", "--snapshots", "--db", volume.beside("db"), ...extra];
  const run = await refold(["dedup", ...words, volume.path]);
  const [fold] = (run.expectCode(0, 1).json() as { volumes: SnapshotFold[] }).volumes;
  if (fold === undefined) throw new Error("no volume in the answer");
  volume.settle();
  return fold;
}

/** Copies, an overwritten file and ranges in common, in a subvolume. */
export function fillSubvolume(volume: LoopVolume, name: string, random: Random): void {
  volume.createSubvolume(name);
  const path = (file: string): string => join(volume.path, name, file);
  for (let k = 0; k < 8; k++) {
    const data = random.bytes(random.pick([5000, 70_000, 300_000, MIB]));
    for (const copy of ["a", "b", "c"]) write(path(`dir-${copy}/file-${k}`), data);
  }
  const run = random.bytes(400_000);
  write(path("range-a"), Buffer.concat([random.bytes(40_960), run]));
  write(path("range-b"), Buffer.concat([run, random.bytes(20_480)]));
  volume.sync();
}

/** What somebody does to it between two snapshots. */
export function changeSubvolume(volume: LoopVolume, name: string, random: Random): void {
  const path = (file: string): string => join(volume.path, name, file);
  overwrite(path(`dir-a/file-${random.below(8)}`), 0, random.bytes(4096));
  exec("mv", [path("dir-b/file-1"), path(`moved-${random.uint32()}`)]);
  exec("cp", ["--reflink=never", path("dir-c/file-2"), path(`copy-${random.uint32()}`)]);
  exec("cp", ["--reflink=never", path("dir-c/file-1"), path("dir-b/file-1")]);
  write(path(`new-${random.uint32()}`), random.bytes(100_000));
  volume.sync();
}

/** A `btrfs send` whose reader has stopped reading: it holds its snapshot until it may go on. */
export class StalledSend implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<null, Readable, null>;
  readonly #ended: Promise<number | null>;

  private constructor(child: ChildProcessByStdio<null, Readable, null>) {
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once("close", resolve));
  }

  /** Returns when it has begun; what it sends must be more than pipes hold (some 200 KiB). */
  static async start(volume: LoopVolume, name: string): Promise<StalledSend> {
    const child = spawn("btrfs", ["send", "-q", join(volume.path, name)], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const send = new StalledSend(child);
    await new Promise((resolve, reject) => {
      child.stdout.once("readable", resolve);
      child.once("error", reject);
      child.once("exit", reject);
    });
    return send;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Lets it go on into a file, to its end. @returns its exit code */
  async finish(path: string): Promise<number | null> {
    await pipeline(this.#child.stdout, createWriteStream(path));
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.running) return;
    this.#child.kill("SIGKILL");
    this.#child.stdout.resume();
    await this.#ended;
  }
}
