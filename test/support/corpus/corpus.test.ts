/** The generator and the oracle against each other: what the one plants, the other must find. */
import { describe, expect, test } from "vitest";
import { consultOracle, type OracleFile } from "../oracle.ts";
import { diffStates, snapshotState } from "../state.ts";
import { LoopVolume } from "../volume.ts";
import { buildCorpus } from "./corpus.ts";
import { DECORATIONS } from "./decorate.ts";
import { WRITERS } from "./writers.ts";

describe("corpus", () => {
  test("the oracle finds what was planted, and every way of writing was used", () => {
    using volume = LoopVolume.create({ size: "2G" });
    const corpus = buildCorpus(volume, { seed: 1 });
    const oracle = consultOracle(volume.path);
    const live = oracle.files.filter(({ subvolume }) => !/snapshot/.test(subvolume.path.toString()));
    const found = Map.groupBy(live, (file) => file.sha256);
    for (const [sha256, count] of corpus.planted) expect(found.get(sha256)?.length ?? 0, sha256).toBe(count);
    expect(live.length).toBe([...corpus.planted.values()].reduce((sum, count) => sum + count, 0));
    for (const { name } of [...WRITERS, ...DECORATIONS])
      expect(corpus.used.get(name), name).toBeGreaterThan(0);
    const has = (test: (file: OracleFile) => boolean): number => oracle.files.filter(test).length;
    expect(has((file) => file.pieces.some((piece) => piece.compressed))).toBeGreaterThan(20);
    expect(has((file) => file.pieces.some((piece) => piece.preallocated))).toBeGreaterThan(3);
    expect(has((file) => file.noChecksums)).toBeGreaterThan(5);
    expect(has((file) => file.subvolume.readOnly)).toBeGreaterThan(50);
    expect(has((file) => file.layout === "none" && file.size > 100_000)).toBeGreaterThan(0);
    expect(oracle.subvolumes.length).toBe(10);
    const paths = oracle.files.flatMap((file) => file.paths);
    expect(paths.some((path) => path.length > 4096)).toBe(true);
    expect(paths.some((path) => path.includes("\n"))).toBe(true);
    expect(paths.some((path) => path.toString("utf8").includes("\ufffd"))).toBe(true);
    expect(oracle.groups(1).length).toBeGreaterThan(40);
  });

  test("one seed gives one volume, another seed another", () => {
    const build = (seed: number): { groups: string[]; state: ReturnType<typeof snapshotState> } => {
      using volume = LoopVolume.create({ size: "2G" });
      buildCorpus(volume, { seed, maxSize: 100_000 });
      const groups = consultOracle(volume.path)
        .groups(1)
        .map((group) => `${group.sha256} ${group.files.map((file) => file.inode).join(" ")}`);
      return { groups, state: snapshotState(volume.path) };
    };
    const [one, again, other] = [build(2), build(2), build(3)];
    expect(again.groups).toEqual(one.groups);
    expect(other.groups).not.toEqual(one.groups);
    const differences = diffStates(one.state, again.state).filter((line) => !/: mtime was/.test(line));
    expect(differences).toEqual([]);
  });
});
