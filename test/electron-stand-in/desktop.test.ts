/** The tray on a real bus, notifications, dialogs, power: what is beside the window. */
import { setTimeout } from "node:timers/promises";
import dbus from "@particle/dbus-next";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { App } from "../e2e/support/app.ts";
import { Watcher } from "../e2e/support/watcher.ts";
import { closeBus } from "./dbus/session-bus.ts";
import { decodePng } from "./png.ts";
import { openStage, type Stage } from "./support.ts";

let stage: Stage;
let panel: Watcher;
let app: App;
beforeAll(async () => {
  stage = await openStage();
  panel = await Watcher.start(stage.bus);
  app = await stage.launch({ FIXTURE_TRAY: "1" });
});
afterAll(async () => {
  await panel.stop();
  await stage.end();
});
const seen = (): Promise<string[]> => app.page.evaluate(() => fixture.invoke("seen")) as Promise<string[]>;

async function item(): Promise<string> {
  const [name] = await panel.waitForItems(1);
  if (name === undefined) throw new Error("no icon");
  return name;
}

describe("the tray on the bus", () => {
  test("has an icon, a tooltip and a menu", async () => {
    const info = await panel.info(await item());
    expect(info).toMatchObject({ id: "stand-in-fixture", status: "Active", toolTip: "Fixture at rest" });
    expect(info.icons).toHaveLength(1);
    expect(info.icons[0]).toMatchObject({ width: 22, height: 22 });
    // the fixture's colour is blue, green, red; the bus has alpha, red, green, blue
    expect([...(info.icons[0]?.argb.subarray(0, 4) ?? [])]).toEqual([0xff, 0x30, 0x20, 0x10]);
    const menu = await panel.menu(await item());
    expect(
      menu.map(({ label, enabled, separator, items }) => [label, enabled, separator, items.length]),
    ).toEqual([
      ["Say hello & go", true, false, 0],
      ["", true, true, 0],
      ["Not now", false, false, 0],
      ["More", true, false, 1],
      ["Change", true, false, 0],
    ]);
  });

  test("is clicked, its icon and its entries", async () => {
    await panel.activate(await item());
    await panel.choose(await item(), "Say hello & go");
    await panel.choose(await item(), "Not now");
    await expect.poll(seen).toEqual(expect.arrayContaining(["tray clicked", "hello"]));
    expect(await seen()).not.toContain("never");
  });

  test("changes, and its model with it", async () => {
    await panel.choose(await item(), "Change");
    await expect.poll(async () => (await panel.info(await item())).toolTip).toBe("Fixture at work");
    expect((await panel.info(await item())).icons[0]).toMatchObject({ width: 44, height: 44 });
    // an underscore of the label is no key
    expect((await panel.menu(await item()))[0]?.label).toBe("Say goodbye_all & go");
    const model = await app.tray();
    expect(model).toMatchObject({
      toolTip: "Fixture at work",
      menu: [{ label: "Say goodbye_all & go" }, {}, {}, {}, {}],
    });
    const png = decodePng(Buffer.from(model?.icons[0]?.png ?? "", "base64"));
    expect([...(png?.rgba.subarray(0, 4) ?? [])]).toEqual([3, 2, 1, 255]);
  });

  test("comes again to a panel that was started anew, and goes with the app", async () => {
    await panel.stop();
    panel = await Watcher.start(stage.bus);
    expect(await panel.waitForItems(1)).toHaveLength(1);
    await app.close();
    await panel.waitForItems(0);
    app = await stage.launch({ FIXTURE_TRAY: "1" });
    expect(await panel.waitForItems(1)).toHaveLength(1);
  });
});

test("a panel goes while it is asked, and nothing is answered into its closed connection", async () => {
  const asked = dbus.sessionBus({ busAddress: stage.bus });
  const asking = dbus.sessionBus({ busAddress: stage.bus });
  asking.on("error", () => undefined);
  await asked.requestName("refold.test.Asked", 0);
  let heard = 0;
  asked.on("message", ({ member }) => {
    if (member === "Ask" && ++heard === 3)
      queueMicrotask(() => {
        closeBus(asked);
      });
  });
  const question = { destination: "refold.test.Asked", path: "/", interface: "a.b", member: "Ask" };
  for (let round = 0; round < 300; round++) {
    for (let k = 0; k < 20; k++) asking.send(new dbus.Message(question));
    await setTimeout(1);
  }
  // an error of the closed connection would be one of the process, and fail the file
  closeBus(asking);
  expect(heard).toBeGreaterThanOrEqual(3);
});

describe("the tests' own channel", () => {
  test("clicks the tray by the words of its menu, and says what there is instead", async () => {
    await app.clickTray("Say hello & go");
    await app.clickTray();
    await expect.poll(seen).toEqual(expect.arrayContaining(["tray clicked", "hello"]));
    await expect(app.clickTray("Nothing")).rejects.toThrow(
      /no "Nothing" in the menu; it has "Say hello & go"/,
    );
    await expect(app.clickTray("Not now")).rejects.toThrow(/not enabled/);
  });

  test("answers dialogs, and those that nobody answers change nothing", async () => {
    const ask = (): Promise<unknown> => app.page.evaluate(() => fixture.invoke("ask"));
    await app.setDialogAnswer("showMessageBox", { response: 1 });
    expect(await ask()).toMatchObject({ response: 1 });
    expect(await ask()).toMatchObject({ response: 0 });
  });

  test("keeps what would have been opened", async () => {
    await app.page.evaluate(() => fixture.invoke("open"));
    expect(await app.shellCalls()).toEqual([{ method: "openExternal", target: "https://example.com/" }]);
  });

  test("clicks notifications", async () => {
    await app.page.evaluate(() => fixture.invoke("notify"));
    expect(await app.notifications()).toEqual([{ title: "Done", body: "all of it", state: "shown" }]);
    await app.clickNotification(-1);
    expect(await app.notifications()).toMatchObject([{ state: "closed" }]);
    expect(await seen()).toContain("notification clicked");
  });

  test("says how the machine is", async () => {
    await app.setPower({ onBattery: true, idleSeconds: 400 });
    expect(await app.page.evaluate(() => fixture.invoke("power"))).toEqual([true, 400]);
    await app.emitPower("resume");
    expect(await seen()).toContain("resume");
  });
});
