import type { Messages } from "../en/index.ts";

const stuck: Messages["stuck"] = {
  title: "Gesperrte Dateien",
  subtitle: "Dateien, die als unveränderlich markiert sind: Nichts kann sie ändern, umbenennen oder löschen.",
  look: "Noch einmal suchen",
  lookAll: "Auf allen Volumes suchen",
  showAsks: "Dateien zeigen …",
  looking: "Suche auf {volume} …",
  emptyTitle: "Keine Datei ist gesperrt",
  emptyText:
    "Beim Falten hält Refold Dateien einen Augenblick fest. Wird es dabei unterbrochen, etwa durch einen Stromausfall, bleiben sie gesperrt und stehen dann hier.",
  noneFound: "Auf {volume} gesucht: Dort ist nichts gesperrt.",
  oursTitle: "Von Refold zurückgelassen",
  oursText:
    "Ein Lauf wurde unterbrochen, während er diese Dateien festhielt. Sie sind heil: Inhalt, Namen und Daten sind, wie sie waren. Refold kann die Sperre wieder abnehmen.",
  unknownTitle: "Nicht von Refold, soweit es weiß",
  unknownText:
    "Vielleicht hat jemand die Sperre mit Absicht gesetzt, um die Datei zu schützen. Refold lässt sie in Ruhe, solange Sie sie nicht ankreuzen.",
  fix: "{n} Datei freigeben | {n} Dateien freigeben",
  fixSelected: "Von {n} Datei die Sperre nehmen … | Von {n} Dateien die Sperre nehmen …",
  fixNone: "Sperre abnehmen …",
  selectAll: "Alle",
  select: "{path} auswählen",
  since: "seit {when}",
  sinceUnknown: "seit wann, ist nicht bekannt",
  confirm: {
    title: "Von {n} Datei die Sperre nehmen? | Von {n} Dateien die Sperre nehmen?",
    text: "Refold hat sie nicht gesetzt. Jemand oder ein anderes Programm wollte vielleicht, dass nichts diese Dateien ändert.",
    after:
      "Der Inhalt bleibt, wie er ist. Danach können Programme sie wieder ändern und löschen. Rückgängig: chattr +i DATEI.",
    more: "und {n} weitere | und {n} weitere",
    yes: "Sperre abnehmen",
    no: "So lassen",
  },
  result: {
    repaired: "{n} Datei ist wieder frei | {n} Dateien sind wieder frei",
    repairedText: "Sie kann wieder geändert werden. | Sie können wieder geändert werden.",
    failed: "{n} Datei ließ sich nicht freigeben | {n} Dateien ließen sich nicht freigeben",
    failedText: "Sie sind heil und bleiben hier stehen. Der Grund steht bei jeder.",
  },
};
export default stuck;
