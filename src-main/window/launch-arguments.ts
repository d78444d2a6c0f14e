import { VIEWS, type View } from "../ipc/schema.ts";

export interface LaunchArguments {
  /** --hidden: start in the tray. */
  readonly hidden: boolean;
  /** --view=NAME or --view NAME: what to show; null where none, or an unknown one, is named. */
  readonly view: View | null;
  /** --demo: make the demo volume at the start, and remove it at the end. */
  readonly demo: boolean;
}

/** Reads a command line of the app, its own or a second instance's. What it does not know is Chromium's. */
export function launchArguments(argv: readonly string[]): LaunchArguments {
  const at = argv.findIndex((word) => word === "--view" || word.startsWith("--view="));
  const word = argv[at];
  const name = word === "--view" ? argv[at + 1] : word?.slice("--view=".length);
  return {
    hidden: argv.includes("--hidden"),
    view: VIEWS.find((view) => view === name) ?? null,
    demo: argv.includes("--demo"),
  };
}
