import type { ErrorTexts } from "./error-texts.ts";

/** "it was folding X", as the core says what ran. */
function worked(work: string): string {
  const volume = /^it was folding (.*)$/u.exec(work)?.[1];
  if (volume === undefined) return "bei der Arbeit";
  return volume === "a volume" ? "während es faltete" : `während es ${volume} faltete`;
}

/** How a process ended, as the client says it. */
function ended(why: string): string {
  const code = /^it ended with code (\d+)$/u.exec(why)?.[1];
  if (code !== undefined) return `es endete mit Code ${code}`;
  const signal = /^it was ended by (\w+)$/u.exec(why)?.[1];
  if (signal !== undefined) return `es wurde durch ${signal} beendet`;
  return why === "it closed its output" ? "es schloss seine Ausgabe" : why;
}

export const deErrors: ErrorTexts = {
  codes: {
    usage: "So kann Refold nicht gestartet werden.",
    permission: "Dafür fehlen die Rechte.",
    "no-volume": "Dieses Dateisystem gibt es nicht, oder es ist nicht mehr eingehängt.",
    busy: "Es wird gerade etwas anderes erledigt.",
    cancelled: "Es wurde abgebrochen.",
    failed: "Das hat nicht geklappt.",
    stale: "Was hier steht, ist nicht mehr aktuell.",
    refused: "Das nimmt Refold nicht an.",
  },
  sentences: {
    "It was cancelled.": "Es wurde abgebrochen.",
    "Something inside Refold went wrong.": "In Refold ist etwas schiefgegangen.",
    "Something else is being done.": "Es wird gerade etwas anderes erledigt.",
    "Something else is being done with this volume.":
      "Mit diesem Dateisystem wird gerade etwas anderes gemacht.",
    "Refold is at work on this volume already.": "Refold arbeitet schon an diesem Dateisystem.",
    "Refold scans already, here or for somebody else.": "Refold scannt schon, hier oder für jemand anderen.",
    "This volume was scanned a moment ago.": "Dieses Dateisystem wurde eben erst gescannt.",
    "what parts of files give back is being worked out anew":
      "Was Teile von Dateien zurückgeben, wird gerade neu berechnet.",
    "what is ticked in this review is being folded":
      "Was in dieser Durchsicht angekreuzt ist, wird gerade gefaltet.",
    "This work has ended already.": "Das ist schon zu Ende.",
    "This review is out of date.": "Diese Durchsicht ist nicht mehr aktuell.",
    "This review is closed.": "Diese Durchsicht ist geschlossen.",
    "The volume was scanned or folded since this review was opened.":
      "Seit diese Durchsicht geöffnet wurde, ist das Dateisystem gescannt oder gefaltet worden.",
    "This file is not in the group any more.": "Diese Datei gehört nicht mehr zur Gruppe.",
    "This file is in a part of the filesystem that is not mounted.":
      "Diese Datei liegt in einem Teil des Dateisystems, der nicht eingehängt ist.",
    "This is more than the helper takes at once.": "Das ist mehr, als der Helfer auf einmal annimmt.",
    "The app does not take this call.": "Diesen Aufruf nimmt die App nicht an.",
    "The password was not given.": "Das Passwort wurde nicht eingegeben.",
    "The helper does not answer.": "Der Helfer antwortet nicht.",
    "The helper failed.": "Der Helfer ist gescheitert.",
    "The helper is not running.": "Der Helfer läuft nicht.",
    "The helper is ending.": "Der Helfer wird gerade beendet.",
    "The helper lacks a right that it needs.": "Dem Helfer fehlt ein Recht, das er braucht.",
    "The helper met an error that it does not know.":
      "Der Helfer ist auf einen Fehler gestoßen, den er nicht kennt.",
    "The helper was not started as it should be.": "Der Helfer wurde nicht so gestartet, wie er sollte.",
    "The helper was started, but not with root's rights.":
      "Der Helfer wurde gestartet, aber ohne root-Rechte.",
    "The helper's answer is not one the app understands.": "Die Antwort des Helfers versteht die App nicht.",
    "There is no such filesystem, or it is not mounted any more.":
      "Dieses Dateisystem gibt es nicht, oder es ist nicht mehr eingehängt.",
    "It did not work. Somebody with root's rights sees why: sudo refold scan.":
      "Das hat nicht geklappt. Mit root-Rechten ist zu sehen, warum: sudo refold scan.",
    "This needs root, and the helper runs without.":
      "Dafür braucht es root-Rechte, und der Helfer hat keine.",
    "Refold needs root's rights, and pkexec is not installed.":
      "Refold braucht root-Rechte, und pkexec ist nicht installiert.",
    "Refold has no private directory to speak with its helper in.":
      "Refold hat keinen eigenen Ordner, um mit seinem Helfer zu sprechen.",

    "Nothing was changed.": "Es wurde nichts geändert.",
    "Nothing was done.": "Es wurde nichts getan.",
    "Nothing was folded.": "Es wurde nichts gefaltet.",
    "What runs goes on.": "Was läuft, läuft weiter.",
    "What was set before is kept.": "Die Einstellungen bleiben, wie sie waren.",
    "What was there before is as it was. The history is kept.":
      "Was vorher dort lag, ist, wie es war. Der Verlauf bleibt erhalten.",
    "The answer was not used.": "Die Antwort wurde nicht verwendet.",
    "The choice is as it was.": "Die Auswahl ist, wie sie war.",
    "No file was changed.": "Es wurde keine Datei geändert.",
    "No file was changed; the last scan is kept as it was.":
      "Es wurde keine Datei geändert; der letzte Scan bleibt, wie er war.",
    "Every file is unlocked, or listed among the stuck files.":
      "Jede Datei ist freigegeben oder steht bei den gesperrten Dateien.",
    "Every file has its content, and none is left locked.":
      "Jede Datei hat ihren Inhalt, und keine bleibt gesperrt.",
    "No data is lost: nothing is shared before the kernel has compared it byte by byte. Files that were locked at that moment may still be immutable.":
      "Es sind keine Daten verloren: Geteilt wird nichts, was der Kernel nicht Byte für Byte verglichen hat. Dateien, die in diesem Moment festgehalten wurden, können noch gesperrt sein.",

    "Try again.": "Versuchen Sie es noch einmal.",
    "Try it again. The log says more.": "Versuchen Sie es noch einmal. Im Protokoll steht mehr.",
    "Try again. If it comes back, install Refold again, helper and app from the same package.":
      "Versuchen Sie es noch einmal. Wenn es wiederkommt, installieren Sie Refold neu, Helfer und App aus demselben Paket.",
    "Wait until it ends, or cancel it.": "Warten Sie, bis es fertig ist, oder brechen Sie es ab.",
    "Wait until it is done, or cancel it.": "Warten Sie, bis es fertig ist, oder brechen Sie es ab.",
    "Wait until it is done, or end it, and try again.":
      "Warten Sie, bis es fertig ist, oder beenden Sie es, und versuchen Sie es noch einmal.",
    "Wait until the fold is done, or cancel it.":
      "Warten Sie, bis das Falten fertig ist, oder brechen Sie es ab.",
    "Open it again.": "Öffnen Sie sie noch einmal.",
    "Open the review again.": "Öffnen Sie die Durchsicht noch einmal.",
    "Open its folder by hand.": "Öffnen Sie den Ordner von Hand.",
    "Wait until the sum is there, then fold.": "Warten Sie, bis die Summe da ist, dann falten Sie.",
    "Tick at least two files of a group.": "Kreuzen Sie mindestens zwei Dateien einer Gruppe an.",
    "Scan it first.": "Scannen Sie es zuerst.",
    "Mount its subvolume to look at it.": "Hängen Sie das Subvolume ein, um sie anzusehen.",
    "Mount it writable to fold its duplicates.":
      "Hängen Sie es beschreibbar ein, um seine Duplikate zu falten.",
    "Make the list shorter.": "Machen Sie die Liste kürzer.",
    "Make room, or make the folder writable, and set it again.":
      "Schaffen Sie Platz, oder machen Sie den Ordner beschreibbar, und stellen Sie es noch einmal ein.",
    "Choose another folder, or make room.": "Wählen Sie einen anderen Ordner, oder schaffen Sie Platz.",
    "Install Refold again.": "Installieren Sie Refold neu.",
    "Install both from the same package, then start Refold again.":
      "Installieren Sie beide aus demselben Paket, und starten Sie Refold neu.",
    "Use sudo refold in a terminal.": "Benutzen Sie sudo refold in einem Terminal.",
    "Start the helper with root's rights.": "Starten Sie den Helfer mit root-Rechten.",
    "Start it again. It lists the files it left immutable, and one click mends them.":
      "Starten Sie ihn neu. Er listet die Dateien auf, die gesperrt geblieben sind, und ein Klick gibt sie frei.",
    "Log in through your desktop, so that XDG_RUNTIME_DIR is set, or use sudo refold in a terminal.":
      "Melden Sie sich über Ihren Desktop an, damit XDG_RUNTIME_DIR gesetzt ist, oder benutzen Sie sudo refold in einem Terminal.",
  },
  patterns: [
    [
      /^The helper stopped while (.*): ([^:]*)\.$/su,
      (work, why) => `Der Helfer hat aufgehört, ${worked(work)}: ${ended(why)}.`,
    ],
    [/^The helper stopped: (.*)\.$/su, (why) => `Der Helfer hat aufgehört: ${ended(why)}.`],
    [
      /^The helper could not be started: (.*)\.$/su,
      (why) => `Der Helfer ließ sich nicht starten: ${ended(why)}.`,
    ],
    [
      /^The helper cannot be started: (.*) is not there\.$/su,
      (program) => `Der Helfer lässt sich nicht starten: ${program} fehlt.`,
    ],
    [
      /^The helper \(version (.*)\) speaks another protocol than the app\.$/su,
      (version) => `Der Helfer (Version ${version}) spricht ein anderes Protokoll als die App.`,
    ],
    [
      /^The settings could not be saved: (.*)$/su,
      (why) => `Die Einstellungen konnten nicht gespeichert werden: ${why}`,
    ],
    [/^The file could not be written: (.*)$/su, (why) => `Die Datei konnte nicht geschrieben werden: ${why}`],
    [
      /^The log directory could not be shown: (.*)$/su,
      (why) => `Der Ordner mit den Protokollen konnte nicht gezeigt werden: ${why}`,
    ],
    [/^It is (\/.*)\.$/su, (path) => `Es ist ${path}.`],
    [
      /^Try again in (\d+) seconds?\.$/u,
      (seconds) => `Versuchen Sie es in ${seconds} ${seconds === "1" ? "Sekunde" : "Sekunden"} noch einmal.`,
    ],
    [/^(.*) is mounted read-only$/su, (path) => `${path} ist schreibgeschützt eingehängt.`],
    [
      /^(.*) is in use by another Refold: (.*)$/su,
      (what, who) => `${what} wird von einem anderen Refold benutzt: ${who}`,
    ],
    [
      /^no room for Refold's database in (.*)$/su,
      (directory) => `Für Refolds Datenbank ist in ${directory} kein Platz.`,
    ],
    [
      /^This file's path \((\d+) bytes\) is not UTF-8, and file managers are told names as UTF-8\.$/u,
      (bytes) =>
        `Der Pfad dieser Datei (${bytes} Bytes) ist kein UTF-8, und Dateiverwaltungen erwarten Namen in UTF-8.`,
    ],
  ],
};
