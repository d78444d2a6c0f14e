import { existsSync, readdirSync, rmSync } from "node:fs";
import type {
  ChangedFile,
  Engine,
  FoldFilesResult,
  FolderRule,
  FoldOptions,
  PathBytes,
  RunContext,
  Volume,
  VolumeSummary,
} from "./contract.ts";
import { RefoldError } from "./errors.ts";
import { changedFiles, subvolumeGeneration } from "./changed.ts";
import { withJournal } from "./folding.ts";
import { listRules, removeRule, setRule } from "./folder-rules.ts";
import { foldNamedFiles } from "./named-files.ts";
import { summarize, summarizeOpen } from "./summary.ts";
import { EngineVolume } from "./volume.ts";
import { indexPath, VolumeState } from "./volume-state.ts";
import { journalPath } from "../journal/store.ts";
import { RULES_FILE } from "../rules/file.ts";
import { withDatabaseErrors } from "../store/open-database.ts";
import { discoverVolumes } from "../volumes/discover.ts";
import { selectVolumes, withSubvolumesBelow, type SelectedVolume } from "../volumes/select.ts";
import { VolumeHandle } from "../volumes/volume-handle.ts";

export interface EngineOptions {
  /** Where the databases are; made 0700 when first written. */
  readonly databaseDir: string;
  /** Where the rules of folders are; only for tests is that not the machine's own. */
  readonly rulesFile?: string;
  /** What a person should know although the call goes on. */
  readonly warn?: (message: string) => void;
}

/** The engine on this machine's filesystems. */
export function createEngine(options: EngineOptions): Engine {
  return new RealEngine(options.databaseDir, options.warn ?? defaultWarn, options.rulesFile ?? RULES_FILE);
}

function defaultWarn(message: string): void {
  process.stderr.write(`refold: ${message}\n`);
}

class RealEngine implements Engine {
  readonly #databaseDir: string;
  readonly #warn: (message: string) => void;
  readonly #rulesFile: string;

  constructor(databaseDir: string, warn: (message: string) => void, rulesFile: string) {
    this.#databaseDir = databaseDir;
    this.#warn = warn;
    this.#rulesFile = rulesFile;
  }

  list(): readonly VolumeSummary[] {
    return discoverVolumes().map((found) => {
      try {
        const state = this.#state({ found, subvolume: null });
        try {
          return summarizeOpen(state, this.#warn);
        } finally {
          state.close();
        }
      } catch (error) {
        // without root: what every user may know
        if (error instanceof RefoldError && error.code === "permission") return summarize(found);
        throw error;
      }
    });
  }

  open(names: readonly string[]): readonly Volume[] {
    const opened: Volume[] = [];
    try {
      for (const selected of selectVolumes(names, this.#warn)) {
        opened.push(new EngineVolume(this.#state(selected), this.#databaseDir, this.#warn));
      }
    } catch (error) {
      for (const volume of opened) volume.close();
      throw error;
    }
    return opened;
  }

  async foldFiles(
    source: PathBytes,
    destinations: readonly PathBytes[],
    options: FoldOptions,
    ctx: RunContext,
  ): Promise<FoldFilesResult> {
    return withDatabaseErrors(this.#databaseDir, () =>
      foldNamedFiles(
        { databaseDir: this.#databaseDir, rulesFile: this.#rulesFile, warn: this.#warn },
        source,
        destinations,
        options,
        ctx,
      ),
    );
  }

  findNew(subvolume: string, generation: number | null): readonly ChangedFile[] {
    return this.#withSubvolume(subvolume, (state, id) => changedFiles(state, id, generation));
  }

  generation(subvolume: string, flush: boolean): number {
    return this.#withSubvolume(subvolume, (state, id) => subvolumeGeneration(state, id, flush));
  }

  forget(uuid: string): void {
    const index = indexPath(this.#databaseDir, uuid);
    const journal = journalPath(this.#databaseDir, uuid);
    if (!existsSync(index) && !existsSync(journal)) {
      throw new RefoldError("no-volume", `nothing is kept of a filesystem ${uuid}`);
    }
    const open =
      withJournal(this.#databaseDir, uuid, this.#warn, (opened) => opened.openIntents().length) ?? 0;
    if (open > 0) {
      throw new RefoldError("failed", `${open} files of ${uuid} may have been left immutable by a run`, {
        kept: "Nothing was forgotten.",
        next: `Run \`refold repair ${uuid}\` first.`,
      });
    }
    for (const path of [index, journal]) {
      for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
    }
  }

  rules(): readonly FolderRule[] {
    return listRules(this.#rulesFile);
  }

  setRule(folder: PathBytes, fold: FolderRule["fold"]): FolderRule {
    return setRule(this.#rulesFile, folder, fold);
  }

  removeRule(folder: PathBytes): boolean {
    return removeRule(this.#rulesFile, folder);
  }

  known(): readonly string[] {
    if (!existsSync(this.#databaseDir)) return [];
    const uuids = readdirSync(this.#databaseDir).map(
      (name) => /^([0-9a-f-]{36})(\.journal)?\.db$/.exec(name)?.[1],
    );
    return [...new Set(uuids.filter((uuid) => uuid !== undefined))].sort();
  }

  #state({ found, subvolume }: SelectedVolume): VolumeState {
    const handle = new VolumeHandle(found);
    const scope = subvolume === null ? null : withSubvolumesBelow(subvolume, handle.subvolumes);
    return new VolumeState(handle, scope, this.#databaseDir, this.#warn, this.#rulesFile);
  }

  /** For calls that are about one subvolume: a mount path stands for the one mounted there. */
  #withSubvolume<Result>(name: string, work: (state: VolumeState, id: number) => Result): Result {
    const [selected] = selectVolumes([name], this.#warn);
    if (selected === undefined) throw new RefoldError("no-volume", `there is no subvolume ${name}`);
    const state = this.#state(selected);
    try {
      return work(state, selected.subvolume ?? state.mountedSubvolume());
    } finally {
      state.close();
    }
  }
}
