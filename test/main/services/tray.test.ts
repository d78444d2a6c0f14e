import { beforeEach, describe, expect, test } from "vitest";
import { createLocale } from "../../../src-main/locale/locale.ts";
import type { MenuRow, TrayAction } from "../../../src-main/tray/model.ts";
import { createTray } from "../../../src-main/tray/tray.ts";
import type { TrayService } from "../../../src-main/tray/tray.ts";
import { TestClock, UUID, appState, memoryLog, progress, task } from "./support.ts";

/** What a panel would have been told. */
interface Shown {
  images: number;
  readonly tooltips: string[];
  readonly menus: (readonly MenuRow[])[];
  choose: (action: TrayAction) => void;
  readonly click: () => void;
  destroyed: boolean;
}

let shown: Shown[];
let commands: string[];
let available: boolean;
let animate: boolean;
let panel: { change: () => void; running: boolean };
let language: "en" | "de";
let clock: TestClock;
let log: ReturnType<typeof memoryLog>;
let tray: TrayService;
let fail: boolean;

beforeEach(() => {
  [shown, commands, available, animate, language, fail] = [[], [], true, true, "en", false];
  panel = { change: () => undefined, running: false };
  clock = new TestClock(0);
  log = memoryLog();
  const say =
    (name: string) =>
    (...args: unknown[]): void => {
      commands.push([name, ...args].map(String).join(" "));
    };
  tray = createTray({
    host: (_images, click) => {
      if (fail) throw new Error("no tray today");
      const one: Shown = {
        images: 1,
        tooltips: [],
        menus: [],
        choose: () => undefined,
        click,
        destroyed: false,
      };
      shown.push(one);
      return {
        setImage: () => one.images++,
        setToolTip: (text) => one.tooltips.push(text),
        setMenu: (rows, choose) => {
          one.menus.push(rows);
          one.choose = choose;
        },
        destroy: () => (one.destroyed = true),
      };
    },
    watcher: {
      start: () => (panel.running = true),
      stop: () => (panel.running = false),
      get available() {
        return available;
      },
      onChange: (listener) => {
        panel.change = listener;
        return () => (panel.change = () => undefined);
      },
    },
    locale: createLocale({ setting: () => language, system: () => [] }),
    commands: {
      open: say("open"),
      toggle: say("toggle"),
      scanAll: say("scanAll"),
      pauseAll: say("pauseAll"),
      fixStuck: say("fixStuck"),
      restart: say("restart"),
      quit: say("quit"),
    },
    scaleFactor: () => 1,
    animate: () => animate,
    clock,
    log,
  });
});

const scanning = (done: number) => appState({ tasks: [task({ progress: progress(done, 1000) })] });
const only = (): Shown => {
  expect(shown).toHaveLength(1);
  return shown[0] as Shown;
};

describe("showing", () => {
  test("icon, tooltip and menu come with the first state, and nothing is sent again for the same one", () => {
    tray.start();
    expect(shown).toEqual([]);
    tray.update(appState());
    tray.update(appState());
    tray.update(appState({ nextScan: 5 }));
    expect(only()).toMatchObject({ images: 1, destroyed: false });
    expect(only().tooltips).toHaveLength(1);
    expect(only().menus).toHaveLength(1);
    expect(tray.visible).toBe(true);
  });

  test("only what changed is sent", () => {
    tray.start();
    tray.update(scanning(100));
    tray.update(scanning(500));
    expect(only()).toMatchObject({ images: 2 });
    expect(only().tooltips).toHaveLength(2);
    expect(only().menus).toHaveLength(1);
  });

  test("another language", () => {
    tray.start();
    tray.update(appState());
    language = "de";
    tray.update(appState({ locale: "de" }));
    expect(only().menus).toHaveLength(2);
    expect(only().images).toBe(1);
  });
});

describe("the panel", () => {
  test("none: no icon. It comes, goes and comes: the icon with it", () => {
    const visible: boolean[] = [];
    tray.onVisible((now) => visible.push(now));
    available = false;
    tray.start();
    tray.update(appState());
    expect(shown).toEqual([]);
    expect(tray.visible).toBe(false);
    for (const now of [true, false, true]) {
      available = now;
      panel.change();
      expect(tray.visible).toBe(now);
    }
    expect(visible).toEqual([true, false, true]);
    expect(shown.map(({ destroyed }) => destroyed)).toEqual([true, false]);
    // the second one has everything, not only what changed
    expect(shown[1]?.menus).toHaveLength(1);
    expect(shown[1]?.tooltips).toHaveLength(1);
  });

  test("a tray that cannot be made is no tray, and does not stop the app", () => {
    fail = true;
    tray.start();
    tray.update(appState());
    expect(tray.visible).toBe(false);
    expect(log.lines.at(-1)).toContain("no tray today");
  });

  test("stop takes the icon away and ends everything", async () => {
    tray.start();
    expect(panel.running).toBe(true);
    tray.update(scanning(1));
    tray.stop();
    expect(only().destroyed).toBe(true);
    expect(panel.running).toBe(false);
    expect(clock.waiting).toBe(0);
    panel.change();
    await clock.advance(10_000);
    expect(shown).toHaveLength(1);
  });
});

describe("the animation", () => {
  test("two pictures a second while work runs, and none after", async () => {
    tray.start();
    tray.update(scanning(1));
    await clock.advance(10_000);
    expect(only().images).toBe(21);
    tray.update(appState());
    const { images } = only();
    expect(clock.waiting).toBe(0);
    await clock.advance(10_000);
    expect(only().images).toBe(images);
  });

  test.each([
    ["motion is reduced", () => (animate = false), scanning(1)],
    ["it is paused", () => undefined, appState({ tasks: [task({ progress: progress(1, 2, true) })] })],
  ])("none where %s", (_, prepare, state) => {
    prepare();
    tray.start();
    tray.update(state);
    expect(clock.waiting).toBe(0);
    expect(only().images).toBe(1);
  });
});

test("every choice does what it says", () => {
  tray.start();
  tray.update(appState());
  const actions: TrayAction[] = [
    { kind: "open" },
    { kind: "review", volume: UUID },
    { kind: "stuck", volume: null },
    { kind: "scan" },
    { kind: "pause", paused: true },
    { kind: "fix" },
    { kind: "restart" },
    { kind: "quit" },
  ];
  for (const action of actions) only().choose(action);
  only().click();
  expect(commands).toEqual([
    "open null null",
    `open review ${UUID}`,
    "open stuck null",
    "scanAll",
    "pauseAll true",
    "fixStuck",
    "restart",
    "quit",
    "toggle",
  ]);
});
