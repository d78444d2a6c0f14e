/** The app's core: rules through the helper, the amounts that hang on them, and what it refuses. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { afterAll, beforeEach, expect, test } from "vitest";
import { startApp } from "../main/support/app.ts";
import { until } from "../main/support/helpers.ts";
import { HelperClient } from "../rpc/client.ts";
import { setXattr } from "../support/libc.ts";
import { OPT_OUT, RulesBench } from "./support.ts";

const MIB = 2 ** 20;
const bench = new RulesBench();
afterAll(() => {
  bench[Symbol.dispose]();
});
beforeEach(() => {
  rmSync(bench.file, { force: true });
});

test("rules are set, listed and removed, and the amounts follow at once", async () => {
  bench.copies(MIB, "home/1", "home/2", "home/vm/1");
  symlinkSync("vm", bench.path("home/link"));
  const { uuid } = bench.volume;
  await using app = await startApp(bench.volume.beside("db"), { rules: bench.file });
  await app.call("scan.start", { volume: uuid });
  await app.finished("scan", uuid);
  const amount = (): number | undefined =>
    app.core.store.get().volumes?.find((one) => one.uuid === uuid)?.lastScan?.reclaimableBytes;
  await until(() => amount() === 2 * MIB);
  expect(await app.call("rules.list", undefined)).toEqual([]);
  const rule = { path: bench.path("home/vm"), fold: "never", volumes: [uuid] };
  // a person's path: with a link in it, and a slash at its end
  expect(await app.call("rules.set", { path: `${bench.path("home/link")}/`, fold: "never" })).toEqual([rule]);
  expect(amount()).toBe(MIB);
  await expect(app.call("rules.set", { path: "/proc", fold: "never" })).rejects.toThrow("no-volume");
  await expect(app.call("rules.set", { path: "relative", fold: "never" })).rejects.toThrow();
  expect(await app.call("rules.list", undefined)).toEqual([rule]);
  expect(await app.call("rules.remove", { path: rule.path })).toEqual([]);
  expect(amount()).toBe(2 * MIB);
});

test("a folder that the person chose comes without links; none where they did not", async () => {
  mkdirSync(bench.path("chosen"), { recursive: true });
  symlinkSync("chosen", bench.path("alias"));
  let answer: string | null = bench.path("alias");
  const desktop = { chooseFolder: () => Promise.resolve(answer) };
  await using app = await startApp(bench.volume.beside("db"), { rules: bench.file, desktop });
  expect(await app.call("rules.choose", undefined)).toEqual({ path: bench.path("chosen") });
  answer = null;
  expect(await app.call("rules.choose", undefined)).toBeNull();
});

test("rules that are refused hide no volume; a helper that observes counts by them and tells none", async () => {
  bench.copies(MIB, "a/1", "a/2", "a/vm/1");
  await bench.scan();
  await bench.set("a/vm", "never");
  const { uuid } = bench.volume;
  const last = async (helper: HelperClient): Promise<unknown> =>
    (await helper.call("volumes", {})).find((volume) => volume.uuid === uuid)?.lastScan;
  const options = { db: bench.volume.beside("db"), rules: bench.file };
  {
    await using observer = await HelperClient.connect({ ...options, mode: "observe" });
    expect(await last(observer)).toMatchObject({ reclaimableBytes: (await bench.scan()).reclaimableBytes });
    await expect(observer.call("rules", {})).rejects.toThrow(/refused/);
    // counted by the rules, and by what the last scan saw of attributes
    setXattr(bench.path("a/1"), OPT_OUT, "never");
    const left = await bench.scan();
    expect(await last(observer)).toMatchObject({ reclaimableBytes: left.reclaimableBytes });
  }
  await using manager = await HelperClient.connect(options);
  expect(await last(manager)).not.toBeNull();
  writeFileSync(bench.file, "{");
  expect(await last(manager)).toBeNull();
  await expect(manager.call("rules", {})).rejects.toThrow("is not JSON");
});
