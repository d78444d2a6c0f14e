import { changeFolderRules, readRulesFile, type StoredFolderRule } from "../rules/file.ts";
import { PlaceFinder } from "../rules/places.ts";
import { bytesToJsonString, jsonStringToBytes } from "../text/path-text.ts";
import { discoverVolumes } from "../volumes/discover.ts";
import { VolumeHandle } from "../volumes/volume-handle.ts";
import type { FolderRule, PathBytes } from "./contract.ts";
import { RefoldError } from "./errors.ts";

/**
 * Rules of folders, by path, and where each finds something now.
 * @throws RefoldError where the file is refused; "permission" without root
 */
export function listRules(rulesFile: string): FolderRule[] {
  const rules = readRulesFile(rulesFile)?.folders ?? [];
  if (rules.length === 0) return [];
  const volumes = new Map<StoredFolderRule, string[]>(rules.map((rule) => [rule, []]));
  eachVolume((handle, finder) => {
    for (const rule of rules) if (finder.placesOf(rule).length > 0) volumes.get(rule)?.push(handle.uuid);
  });
  return rules.map((rule) => described(rule, volumes.get(rule) ?? [])).sort((a, b) => a.path.compare(b.path));
}

/** As Engine.setRule. */
export function setRule(rulesFile: string, folder: PathBytes, fold: FolderRule["fold"]): FolderRule {
  const path = bytesToJsonString(folder);
  let rule: StoredFolderRule = { path, fold };
  const volumes: string[] = [];
  eachVolume((handle, finder) => {
    if (finder.placesOf(rule).length > 0) volumes.push(handle.uuid);
    const fromTop = finder.located(folder);
    if (fromTop !== null) rule = { ...rule, on: { volume: handle.uuid, folder: bytesToJsonString(fromTop) } };
  });
  if (volumes.length === 0) {
    throw new RefoldError("no-volume", `${path} is no folder of a mounted btrfs filesystem`, {
      kept: "The rules are as they were.",
      next: "Name a folder by its whole path, without a symbolic link in it.",
    });
  }
  changeFolderRules(rulesFile, (rules) => [...rules.filter((one) => one.path !== path), rule]);
  return described(rule, volumes);
}

/** As Engine.removeRule. */
export function removeRule(rulesFile: string, folder: PathBytes): boolean {
  const path = bytesToJsonString(folder);
  const known = readRulesFile(rulesFile)?.folders.some((one) => one.path === path) ?? false;
  if (known) changeFolderRules(rulesFile, (rules) => rules.filter((one) => one.path !== path));
  return known;
}

function described({ path, fold }: StoredFolderRule, volumes: readonly string[]): FolderRule {
  return { path: jsonStringToBytes(path), fold, volumes };
}

/** Every mounted filesystem; one that is unmounted meanwhile is passed over. */
function eachVolume(visit: (handle: VolumeHandle, finder: PlaceFinder) => void): void {
  for (const found of discoverVolumes()) {
    let handle: VolumeHandle;
    try {
      handle = new VolumeHandle(found);
    } catch (error) {
      if (error instanceof RefoldError && error.code === "no-volume") continue;
      throw error;
    }
    try {
      visit(handle, new PlaceFinder(handle));
    } finally {
      handle.close();
    }
  }
}
