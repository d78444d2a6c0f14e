import { formatCount, pluralForm } from "../../src-common/format.ts";
import type { Texts } from "./texts.ts";

const files = (count: number): string =>
  `${formatCount(count, "de")} ${pluralForm(count, "de") === "one" ? "Datei" : "Dateien"}`;
const stuckFiles = (count: number): string =>
  `${formatCount(count, "de")} gesperrte ${pluralForm(count, "de") === "one" ? "Datei" : "Dateien"}`;

export const de: Texts = {
  tray: {
    reclaimable: (volume, amount) => `${volume}: ${amount} lassen sich zurückgewinnen`,
    ofWhichParts: (line, amount, trust) =>
      trust === "old"
        ? `${line}, davon ${amount} in Teilen von Dateien, vor den letzten Änderungen`
        : `${line}, davon ${trust === "least" ? "mindestens " : ""}${amount} in Teilen von Dateien`,
    notAsSelected: (line) => `${line}, ohne die Auswahl in den Einstellungen`,
    nothing: (volume) => `${volume}: nichts zurückzugewinnen`,
    notScanned: (volume) => `${volume}: noch nicht gescannt`,
    scanning: (volume) => `${volume}: wird gescannt`,
    folding: (volume) => `${volume}: wird gefaltet`,
    paused: (volume) => `${volume}: angehalten`,
    progress: (line, percent) => `${line}, ${percent}`,
    stuck: stuckFiles,
    noVolumes: "Kein btrfs-Dateisystem eingehängt",
    lost: "Refold arbeitet nicht mehr",
    review: "Durchsehen …",
    scanNow: "Jetzt scannen",
    pause: "Anhalten",
    resume: "Fortsetzen",
    fixStuck: (count) => `${stuckFiles(count)} freigeben`,
    showStuck: (count) => `${stuckFiles(count)} ansehen …`,
    restart: "Neu starten",
    open: "Refold öffnen",
    quit: "Beenden",
  },
  notifications: {
    foundTitle: (amount) => `${amount} lassen sich zurückgewinnen`,
    foundBody: (volume, more) =>
      `Auf ${volume} sind es ${more} mehr als beim letzten Scan. Es wurde nichts verändert.`,
    foundFirstBody: (volume) => `Das ergab der erste Scan von ${volume}. Es wurde nichts verändert.`,
    foldedTitle: (amount) => `${amount} freigegeben`,
    foldedNothing: "Es wurde nichts frei",
    foldedBody: (volume, count, skipped) =>
      `${volume}: ${files(count)} gefaltet${skipped === 0 ? "" : `, ${formatCount(skipped, "de")} ausgelassen`}.`,
    stuckTitle: (count) =>
      pluralForm(count, "de") === "one"
        ? "1 Datei ist gesperrt geblieben"
        : `${formatCount(count, "de")} Dateien sind gesperrt geblieben`,
    stuckBody: (volume) =>
      `Ein Lauf auf ${volume} wurde unterbrochen. Die Dateien sind unversehrt, lassen sich aber erst nach der Freigabe wieder ändern.`,
  },
  dialogs: {
    quitFolding: {
      message: "Refold faltet gerade Dateien",
      detail:
        "Beim Beenden wird der laufende Schritt noch abgeschlossen; was gefaltet ist, bleibt gefaltet. Keine Datei bleibt gesperrt.",
      keep: "Weiter falten",
      quit: "Abbrechen und beenden",
    },
    folderTitle: "Ordner wählen",
    exportTitle: "Verlauf speichern",
    exportName: (volume) => `refold-verlauf-${volume}`,
  },
};
