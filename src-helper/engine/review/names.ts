import { isAscii } from "node:buffer";
import { FIRST_FREE_OBJECTID } from "../../btrfs/constants.ts";
import { join } from "../../btrfs/paths.ts";
import { callAsync, Control, NativeError } from "../../native/library.ts";
import { bytesToJsonString } from "../../text/path-text.ts";
import type { VolumeHandle } from "../../volumes/volume-handle.ts";
import type { FileColumns } from "./columns.ts";
import { FolderTree, UNREACHABLE } from "./folder-tree.ts";
import { orderInSlices, orderOfTexts } from "./order.ts";
import type { Slices } from "./slices.ts";

/** Inodes named in one native call: some milliseconds, so that a cancel is heard. */
const BATCH_INODES = 16_384;
const NAMES_BYTES = 4 << 20;

/** Every name that files have, once. */
export class NameTable {
  readonly names: readonly string[];
  /** By name: its place in the order of names, whatever their case. */
  readonly rank: Int32Array;

  constructor(names: readonly string[], rank: Int32Array) {
    this.names = names;
    this.rank = rank;
  }
}

/** What a task of reading names is told and asked. */
export interface NamesContext {
  readonly slices: Slices;
  readonly signal: AbortSignal;
  progress(done: number): void;
}

/**
 * Reads a name of every file, and of every directory above them, in bulk.
 * Fills files.folder and files.name.
 */
export async function readNames(
  handle: VolumeHandle,
  files: FileColumns,
  context: NamesContext,
): Promise<{ folders: FolderTree; names: NameTable }> {
  const control = new Control();
  const cancel = (): void => {
    control.cancel();
  };
  context.signal.addEventListener("abort", cancel, { once: true });
  try {
    return await new NameReader(handle, files, context, control).read();
  } finally {
    context.signal.removeEventListener("abort", cancel);
  }
}

/** Called for each inode: its index in the list, the directory that names it (0: none), and its name. */
type Visit = (k: number, parent: number, bytes: Buffer, start: number, end: number, ascii: boolean) => void;

class NameReader {
  readonly #handle: VolumeHandle;
  readonly #files: FileColumns;
  readonly #context: NamesContext;
  readonly #control: Control;
  readonly #folders = new FolderTree();
  readonly #names: string[] = [];
  readonly #known = new Map<string, number>();
  readonly #buffer = Buffer.allocUnsafeSlow(NAMES_BYTES);

  constructor(handle: VolumeHandle, files: FileColumns, context: NamesContext, control: Control) {
    this.#handle = handle;
    this.#files = files;
    this.#context = context;
    this.#control = control;
  }

  async read(): Promise<{ folders: FolderTree; names: NameTable }> {
    const { subvolume, inode } = this.#files;
    const { slices } = this.#context;
    const order = await orderInSlices(subvolume, slices, await orderInSlices(inode, slices));
    for (let start = 0; start < order.length;) {
      const id = subvolume[order[start] ?? 0] ?? 0;
      let end = start;
      while (end < order.length && subvolume[order[end] ?? 0] === id) end++;
      await this.#subvolume(id, order.subarray(start, end), start);
      start = end;
    }
    this.#folders.finish();
    await slices.next();
    this.#known.clear();
    return { folders: this.#folders, names: new NameTable(this.#names, await this.#rank()) };
  }

  /** @param rows the files of a subvolume, by inode */
  async #subvolume(id: number, rows: Int32Array, before: number): Promise<void> {
    const { slices } = this.#context;
    const { folder, name, inode } = this.#files;
    const parents = new Float64Array(rows.length);
    const inos = new Float64Array(rows.length);
    for (let k = 0; k < rows.length; k++) inos[k] = inode[rows[k] ?? 0] ?? 0;
    await this.#read(
      id,
      inos,
      (k, parent, bytes, start, end, ascii) => {
        parents[k] = parent;
        if (parent === 0) return;
        const text = ascii
          ? bytes.toString("latin1", start, end)
          : bytesToJsonString(bytes.subarray(start, end));
        name[rows[k] ?? 0] = this.#intern(text);
      },
      (done) => {
        this.#context.progress(before + done);
      },
    );
    const directories = await this.#directories(id, new Set(parents));
    for (let k = 0; k < rows.length; k++) {
      const row = rows[k] ?? 0;
      const found = directories.get(parents[k] ?? 0);
      folder[row] = found ?? UNREACHABLE;
      if (found === undefined) {
        name[row] = this.#intern(`<inode ${inode[row] ?? 0} of subvolume ${id}, deleted>`);
      }
      if (k % 4096 === 0 && slices.over) await slices.next();
    }
  }

  /** Folders of the directories of a subvolume, by inode; without those that have no name any more. */
  async #directories(id: number, wanted: Set<number>): Promise<Map<number, number>> {
    const { slices } = this.#context;
    const parentOf = new Map<number, number>();
    const nameOf = new Map<number, Buffer>();
    wanted.delete(0);
    // upwards, a level a round
    for (let level = wanted; level.size > 0;) {
      const unknown = [...level].filter((ino) => ino !== FIRST_FREE_OBJECTID && !parentOf.has(ino));
      const inos = Float64Array.from(unknown).sort();
      level = new Set();
      await this.#read(id, inos, (k, parent, bytes, start, end) => {
        const ino = inos[k] ?? 0;
        parentOf.set(ino, parent);
        if (parent === 0) return;
        nameOf.set(ino, Buffer.from(bytes.subarray(start, end)));
        level.add(parent);
      });
    }
    const top = this.#handle.subvolumePath(id);
    const fromTop = new Map<number, Buffer>([[FIRST_FREE_OBJECTID, top]]);
    const folders = new Map<number, number>();
    for (const ino of wanted) {
      const chain: number[] = [];
      let at = ino;
      for (; !fromTop.has(at) && nameOf.has(at); at = parentOf.get(at) ?? 0) chain.push(at);
      let path = fromTop.get(at);
      if (path === undefined) continue; // something above it is gone
      for (const below of chain.reverse()) {
        path = join(path, nameOf.get(below) ?? Buffer.alloc(0));
        fromTop.set(below, path);
      }
      folders.set(ino, this.#folders.add(bytesToJsonString(this.#handle.reach(path).path)));
      if (slices.over) await slices.next();
    }
    return folders;
  }

  async #read(
    subvolume: number,
    inos: Float64Array,
    visit: Visit,
    progress: (done: number) => void = () => undefined,
  ): Promise<void> {
    const { slices } = this.#context;
    for (let start = 0; start < inos.length; start += BATCH_INODES) {
      const batch = inos.subarray(start, start + BATCH_INODES);
      await this.#batch(subvolume, batch, (k, ...name) => {
        visit(start + k, ...name);
      });
      progress(start + batch.length);
      await slices.next();
    }
  }

  async #batch(subvolume: number, inos: Float64Array, visit: Visit): Promise<void> {
    const { slices } = this.#context;
    const buffer = this.#buffer;
    const cursor = new Float64Array(1);
    const parents = new Float64Array(inos.length);
    const ends = new Uint32Array(inos.length);
    for (let from = 0; from < inos.length;) {
      const done = await this.#call(subvolume, inos, cursor, parents, ends);
      if (done === 0) return; // the subvolume is gone: no names
      const ascii = isAscii(buffer.subarray(0, ends[from + done - 1]));
      let start = 0;
      for (let k = from; k < from + done; k++) {
        const end = ends[k] ?? 0;
        visit(k, parents[k] ?? 0, buffer, start, end, ascii);
        start = end;
        if (k % 1024 === 0 && slices.over) await slices.next();
      }
      from += done;
    }
  }

  async #call(
    subvolume: number,
    inos: Float64Array,
    cursor: Float64Array,
    parents: Float64Array,
    ends: Uint32Array,
  ): Promise<number> {
    try {
      return await callAsync(
        "rf_read_names",
        this.#handle.dir,
        subvolume,
        inos,
        inos.length,
        cursor,
        parents,
        ends,
        this.#buffer,
        NAMES_BYTES,
        this.#control.buffer,
      );
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      this.#context.signal.throwIfAborted();
      if (error.code === "ENOENT") return 0;
      throw error;
    }
  }

  #intern(text: string): number {
    let id = this.#known.get(text);
    if (id === undefined) {
      id = this.#names.length;
      this.#names.push(text);
      this.#known.set(text, id);
    }
    return id;
  }

  async #rank(): Promise<Int32Array> {
    const { slices } = this.#context;
    const lower: string[] = [];
    for (const name of this.#names) {
      lower.push(name.toLowerCase());
      if (lower.length % 4096 === 0 && slices.over) await slices.next();
    }
    const order = await orderOfTexts(lower, () => (slices.over ? slices.next() : undefined));
    const rank = new Int32Array(order.length);
    order.forEach((name, place) => {
      rank[name] = place;
    });
    return rank;
  }
}
