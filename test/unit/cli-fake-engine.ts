import { EventEmitter } from "node:events";
import type {
  Engine,
  FoldResult,
  Group,
  Skipped,
  Volume,
  VolumeSummary,
} from "../../src-helper/engine/contract.ts";
import { RefoldError } from "../../src-helper/engine/errors.ts";
import type { Io } from "../../src-helper/cli/io.ts";
import { run } from "../../src-helper/cli/run.ts";
import { MemorySink } from "../support/run-here.ts";

export const UUID = "0f8b2a34-9a5e-4a86-8a8e-3d0c6a1d7c11";
export const UUID_B = "1f8b2a34-9a5e-4a86-8a8e-3d0c6a1d7c22";

export function summaryOf(uuid: string, label: string, mountPath: string): VolumeSummary {
  return {
    uuid,
    label,
    devices: [`/dev/${label}`],
    mounts: [{ path: mountPath, root: "/", readOnly: false }],
    mountPath,
    readOnly: false,
    generation: 120,
    checksum: "crc32c",
    totalBytes: 8 * 2 ** 30,
    usedBytes: 3 * 2 ** 30,
    freeBytes: 5 * 2 ** 30,
    subvolumes: null,
    lastScan: null,
    lastScanAt: null,
  };
}

export function groupOf(volume: string, reclaimableBytes: number, paths: readonly Buffer[]): Group {
  return {
    volume,
    id: `g${reclaimableBytes}`,
    size: reclaimableBytes,
    reclaimableBytes,
    files: paths.map((path, k) => ({
      subvolume: Buffer.from("home"),
      subvolumeId: 256,
      path,
      reachable: true,
      inode: 257 + k,
      generation: 9,
      readOnly: false,
      shared: 1,
    })),
  };
}

/** What a fake volume does where a test wants something of its own. */
export type VolumeParts = Partial<Volume> & {
  fakeGroups?: readonly Group[];
  fakeSkipped?: readonly Skipped[];
};

/** A volume of canned answers that notes what it is asked. */
export class FakeVolume {
  readonly calls: { name: string; args: readonly unknown[] }[] = [];
  scanned = false;
  open = 0;
  readonly summary: VolumeSummary;
  private readonly parts: VolumeParts;

  constructor(summary: VolumeSummary, parts: VolumeParts = {}) {
    this.summary = summary;
    this.parts = parts;
  }

  called(name: string): readonly unknown[][] {
    return this.calls.filter((call) => call.name === name).map((call) => [...call.args]);
  }

  handle(): Volume {
    const { summary, parts } = this;
    const groups = parts.fakeGroups ?? [];
    const skipped = parts.fakeSkipped ?? [];
    const bytes = groups.reduce((sum, group) => sum + group.reclaimableBytes, 0);
    const files = groups.reduce((sum, group) => sum + group.files.length - 1, 0);
    const noted = <A extends unknown[], R>(name: string, body: (...args: A) => R) => {
      return (...args: A): R => {
        this.calls.push({ name, args });
        return body(...args);
      };
    };
    this.open += 1;
    return {
      uuid: summary.uuid,
      readOnly: summary.readOnly,
      summary,
      scope: null,
      sight: () => {
        throw new Error("the command line does not look for news");
      },
      hasNews: () => true,
      scan: noted("scan", () => {
        this.scanned = true;
        return Promise.resolve({
          ...{ uuid: summary.uuid, label: summary.label, mountPath: summary.mountPath, generation: 121 },
          ...{ incremental: false, files: 30021, bytes: 3 * 2 ** 30, groups: groups.length },
          ...{
            duplicateFiles: files + groups.length,
            reclaimableBytes: bytes,
            bytesRead: 4096,
            elapsedMs: 210,
          },
        });
      }),
      groups: noted("groups", () => groups),
      rangeGroups: noted("rangeGroups", () => Promise.resolve([])),
      hasScan: noted("hasScan", () => this.scanned),
      preview: noted("preview", () => ({
        groups: groups.length,
        files,
        predictedBytes: bytes,
        pinnedBytes: 0,
        unsharedBytes: 5 * 2 ** 20,
      })),
      pinned: noted("pinned", () =>
        Promise.resolve({ aloneBytes: 0, sharedBytes: 0, otherBytes: 0, foldedBytes: 0, snapshots: [] }),
      ),
      fold: noted("fold", () =>
        Promise.resolve({
          ...{ uuid: summary.uuid, runId: 1, groups: groups.length, files, predictedBytes: bytes },
          ...{ freedBytes: bytes, elapsedMs: 1234, skipped, cancelled: false },
        }),
      ),
      stuck: noted("stuck", () => Promise.resolve([])),
      repair: noted("repair", () => Promise.resolve({ repaired: [], failed: [] })),
      history: noted("history", () => []),
      historyFiles: noted("historyFiles", () => []),
      reset: noted("reset", () => undefined),
      sizeLookup: noted("sizeLookup", () => []),
      ...(parts as Partial<Volume>),
      close: () => {
        this.open -= 1;
      },
    };
  }
}

/** An engine over fake volumes; `parts` replaces single calls. */
export function fakeEngine(volumes: readonly FakeVolume[], parts: Partial<Engine> = {}): Engine {
  return {
    list: () => volumes.map((volume) => volume.summary),
    open: (names) => {
      if (names.length === 0) return volumes.map((volume) => volume.handle());
      const named = names.map((name) => {
        const found = volumes.find(({ summary }) =>
          [summary.uuid, summary.label, summary.mountPath].includes(name),
        );
        if (found === undefined) throw new RefoldError("no-volume", `${name}: not a btrfs filesystem`);
        return found;
      });
      return named.map((volume) => volume.handle());
    },
    foldFiles: () => Promise.reject(new Error("no foldFiles in this test")),
    findNew: () => [],
    generation: () => 121,
    forget: () => undefined,
    rules: () => [],
    setRule: (path, fold) => ({ path, fold, volumes: [UUID] }),
    removeRule: () => true,
    known: () => volumes.map((volume) => volume.summary.uuid),
    ...parts,
  };
}

export interface CallOptions {
  readonly isRoot?: boolean;
  /** The answer to a question; makes standard input a terminal. */
  readonly answer?: string;
  readonly outIsTerminal?: boolean;
  readonly signals?: EventEmitter;
  readonly environment?: Record<string, string>;
  readonly out?: MemorySink;
}

export interface CallResult {
  readonly code: number;
  readonly out: string;
  readonly outBytes: Buffer;
  readonly err: string;
  /** Whether the engine was loaded at all. */
  readonly loaded: boolean;
  readonly databaseDir: string | null;
}

/** Runs the command line in this process over a fake engine. */
export async function call(
  engine: Engine,
  words: readonly string[],
  options: CallOptions = {},
): Promise<CallResult> {
  const out = options.out ?? new MemorySink(options.outIsTerminal ?? false);
  const err = new MemorySink();
  const loads: string[] = [];
  const io: Io = {
    out,
    err,
    stdinIsTerminal: options.answer !== undefined,
    isRoot: options.isRoot ?? true,
    environment: options.environment ?? {},
    readLine: (signal) => Promise.resolve(signal.aborted ? null : (options.answer ?? null)),
  };
  const code = await run(words, {
    io,
    loadEngine: (wanted) => {
      loads.push(wanted.databaseDir);
      return Promise.resolve(engine);
    },
    signals: options.signals ?? new EventEmitter(),
    launcher: null,
  });
  return {
    code,
    out: out.text,
    outBytes: out.bytes,
    err: err.text,
    loaded: loads.length > 0,
    databaseDir: loads[0] ?? null,
  };
}

/** Two volumes to name: "data" and "other". */
export const data = (parts = {}): FakeVolume => new FakeVolume(summaryOf(UUID, "data", "/mnt/data"), parts);
export const other = (parts = {}): FakeVolume =>
  new FakeVolume(summaryOf(UUID_B, "other", "/mnt/other"), parts);
export const paths = (...names: string[]): Buffer[] => names.map((name) => Buffer.from(name));
export const twoGroups = [
  groupOf(UUID, 8192, paths("/mnt/data/a", "/mnt/data/b", "/mnt/data/c")),
  groupOf(UUID, 4096, [Buffer.from([0x2f, 0xff]), Buffer.from("/x\ny")]),
];
export const foldResult = (parts: Partial<FoldResult>): FoldResult => ({
  ...{ uuid: UUID, runId: 3, groups: 1, files: 1, predictedBytes: 4096, freedBytes: 4096, elapsedMs: 5 },
  ...{ skipped: [], cancelled: false },
  ...parts,
});
export const oneLine = (text: string): boolean => /^refold: [^\n]+\n$/.test(text);
