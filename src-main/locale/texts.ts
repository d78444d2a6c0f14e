/** Every text of the main process: the tray, notifications, dialogs. Both languages have all of them. */
export interface Texts {
  /** The tray's menu and tooltip. Amounts come formatted. */
  readonly tray: {
    readonly reclaimable: (volume: string, amount: string) => string;
    /** line: of reclaimable; amount: the share of parts of files in it, and how far that is to be trusted. */
    readonly ofWhichParts: (line: string, amount: string, trust: "exact" | "old" | "least") => string;
    /** The amount does not count by the settings: line is all of it. */
    readonly notAsSelected: (line: string) => string;
    readonly nothing: (volume: string) => string;
    readonly notScanned: (volume: string) => string;
    readonly scanning: (volume: string) => string;
    readonly folding: (volume: string) => string;
    readonly paused: (volume: string) => string;
    /** percent: "42%". */
    readonly progress: (line: string, percent: string) => string;
    readonly stuck: (count: number) => string;
    readonly noVolumes: string;
    readonly lost: string;
    readonly review: string;
    readonly scanNow: string;
    readonly pause: string;
    readonly resume: string;
    readonly fixStuck: (count: number) => string;
    /** Of unknown origin: they are shown first. */
    readonly showStuck: (count: number) => string;
    readonly restart: string;
    readonly open: string;
    readonly quit: string;
  };
  readonly notifications: {
    readonly foundTitle: (amount: string) => string;
    readonly foundBody: (volume: string, more: string) => string;
    /** There was no scan before. */
    readonly foundFirstBody: (volume: string) => string;
    readonly foldedTitle: (amount: string) => string;
    readonly foldedNothing: string;
    readonly foldedBody: (volume: string, files: number, skipped: number) => string;
    readonly stuckTitle: (count: number) => string;
    readonly stuckBody: (volume: string) => string;
  };
  readonly dialogs: {
    /** The person wants to quit, and a fold runs. */
    readonly quitFolding: {
      readonly message: string;
      readonly detail: string;
      readonly keep: string;
      readonly quit: string;
    };
    readonly folderTitle: string;
    readonly exportTitle: string;
    readonly exportName: (volume: string) => string;
  };
}
