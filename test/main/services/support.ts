import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Log } from "../../../src-main/app/log.ts";
import type { AppState, Task } from "../../../src-main/ipc/state.ts";
import type { Clock } from "../../../src-main/schedule/clock.ts";
import { DEFAULT_SETTINGS } from "../../../src-main/settings/schema.ts";
import type { VolumeInfo } from "../../../src-helper/rpc/protocol.ts";

/** A directory of the test's own, removed when it ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "refold-services-"));
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

/** Keeps what was logged: "warn: the message". */
export function memoryLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const at =
    (level: string) =>
    (message: string): void => {
      lines.push(`${level}: ${message}`);
    };
  return { lines, error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}

/** Time that goes on when it is told to. */
export class TestClock implements Clock {
  private time: number;
  private readonly timers = new Set<{ readonly at: number; readonly call: () => void }>();

  constructor(start: number) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.time + ms, call };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** How many calls are waiting. */
  get waiting(): number {
    return this.timers.size;
  }

  /** Lets time pass, timer by timer, and lets each one's work come to rest. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await settled();
    for (;;) {
      const next = [...this.timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.timers.delete(next);
      this.time = Math.max(this.time, next.at);
      next.call();
      await settled();
    }
    this.time = end;
  }

  /** The machine sleeps: time passes and no timer runs. */
  sleep(ms: number): void {
    this.time += ms;
  }
}

/** Resolves when every promise that is ready has been dealt with. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const GIB = 1024 ** 3;
export const UUID = "0f7c9b1e-0000-4000-8000-000000000001";
export const UUID_2 = "0f7c9b1e-0000-4000-8000-000000000002";

export function volume(changes: Partial<VolumeInfo> = {}): VolumeInfo {
  return {
    uuid: UUID,
    label: "fedora",
    devices: ["/dev/nvme0n1p3"],
    mounts: [{ path: "/", root: "/@", readOnly: false }],
    mountPath: "/",
    readOnly: false,
    compression: null,
    dataProfile: "single",
    generation: 7,
    checksum: "crc32c",
    totalBytes: 476 * GIB,
    usedBytes: 340 * GIB,
    freeBytes: 137 * GIB,
    subvolumes: 4,
    snapshots: 22,
    lastScan: scanned(48.6 * GIB),
    openIntents: 0,
    demo: false,
    ...changes,
  };
}

export function scanned(reclaimableBytes: number): NonNullable<VolumeInfo["lastScan"]> {
  return {
    at: 1_800_000_000_000,
    files: 31_856,
    groups: 1204,
    duplicateFiles: 3012,
    reclaimableBytes,
    pinnedBytes: null,
  };
}

export function task(changes: Partial<Task> = {}): Task {
  return {
    id: "scan-1",
    kind: "scan",
    volume: UUID,
    startedAt: 0,
    progress: null,
    rate: null,
    etaMs: null,
    cancelling: false,
    result: null,
    ...changes,
  };
}

export function progress(done: number, total: number | null, paused = false): NonNullable<Task["progress"]> {
  return { phase: "walk", done, total, unit: "files", item: null, skipped: {}, paused };
}

export function appState(changes: Partial<AppState> = {}): AppState {
  return {
    version: "0.1.0",
    helper: { status: "running", error: null },
    volumes: [volume()],
    tasks: [],
    stuck: {},
    settings: DEFAULT_SETTINGS,
    locale: "en",
    tray: true,
    nextScan: null,
    ...changes,
  };
}
