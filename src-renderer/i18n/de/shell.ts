import type { Messages } from "../en/index.ts";

const shell: Messages["shell"] = {
  appName: "Refold",
  views: "Ansichten",
  volumes: "Volumes",
  review: "Durchsicht",
  history: "Verlauf",
  stuck: "Gesperrte Dateien",
  settings: "Einstellungen",
  skipToContent: "Zum Inhalt springen",
  reviewBadge: "{n} Gruppe durchzusehen | {n} Gruppen durchzusehen",
  stuckBadge: "{n} gesperrte Datei | {n} gesperrte Dateien",
  messages: "Meldungen",
  starting: "Wird gestartet …",
  startFailed: "Das Fenster erreicht die Anwendung nicht",
  shortcuts: {
    title: "Tastenkürzel",
    open: "Tastenkürzel",
    views: "Zu einer Ansicht wechseln",
    scan: "Jetzt scannen",
    search: "In der Durchsicht suchen",
    show: "Diese Tastenkürzel zeigen",
    move: "In Listen und Menüs bewegen",
    tick: "Ankreuzen, drücken oder öffnen",
    escape: "Dialog oder Menü schließen",
    arrows: "Pfeiltasten",
    space: "Leertaste, Eingabe",
  },
  scanNoVolumes: "Es gibt kein Volume zum Scannen",
  scanBusy: "Es läuft schon eine Aufgabe",
};
export default shell;
