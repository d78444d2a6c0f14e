import { formatCount, pluralForm } from "../../src-common/format.ts";
import type { Texts } from "./texts.ts";

const files = (count: number): string =>
  `${formatCount(count, "en")} ${pluralForm(count, "en") === "one" ? "file" : "files"}`;
const stuckFiles = (count: number): string =>
  `${formatCount(count, "en")} stuck ${pluralForm(count, "en") === "one" ? "file" : "files"}`;

export const en: Texts = {
  tray: {
    reclaimable: (volume, amount) => `${volume}: ${amount} can be reclaimed`,
    ofWhichParts: (line, amount, trust) =>
      trust === "old"
        ? `${line}, ${amount} of it in parts of files, before the last changes`
        : `${line}, ${trust === "least" ? "at least " : ""}${amount} of it in parts of files`,
    notAsSelected: (line) => `${line}, without your choices in Settings`,
    nothing: (volume) => `${volume}: nothing to reclaim`,
    notScanned: (volume) => `${volume}: not scanned yet`,
    scanning: (volume) => `${volume}: scanning`,
    folding: (volume) => `${volume}: folding`,
    paused: (volume) => `${volume}: paused`,
    progress: (line, percent) => `${line}, ${percent}`,
    stuck: stuckFiles,
    noVolumes: "No btrfs filesystem is mounted",
    lost: "Refold has stopped working",
    review: "Review…",
    scanNow: "Scan now",
    pause: "Pause",
    resume: "Resume",
    fixStuck: (count) => `Fix ${stuckFiles(count)}`,
    showStuck: (count) => `Show ${stuckFiles(count)}…`,
    restart: "Start again",
    open: "Open Refold",
    quit: "Quit",
  },
  notifications: {
    foundTitle: (amount) => `${amount} can be reclaimed`,
    foundBody: (volume, more) => `${volume} has ${more} more than at the scan before. Nothing was changed.`,
    foundFirstBody: (volume) => `The first scan of ${volume} found it. Nothing was changed.`,
    foldedTitle: (amount) => `${amount} freed`,
    foldedNothing: "Nothing was freed",
    foldedBody: (volume, count, skipped) =>
      `${volume}: ${files(count)} folded${skipped === 0 ? "" : `, ${formatCount(skipped, "en")} skipped`}.`,
    stuckTitle: (count) =>
      pluralForm(count, "en") === "one"
        ? "1 file was left immutable"
        : `${formatCount(count, "en")} files were left immutable`,
    stuckBody: (volume) =>
      `A run on ${volume} was cut off. The files are intact, but nothing can change them until that is mended.`,
  },
  dialogs: {
    quitFolding: {
      message: "Refold is folding files",
      detail:
        "If you quit now, the step at hand ends first and what is folded stays folded. No file is left locked.",
      keep: "Keep folding",
      quit: "Stop and quit",
    },
    folderTitle: "Choose a folder",
    exportTitle: "Save the history",
    exportName: (volume) => `refold-history-${volume}`,
  },
};
