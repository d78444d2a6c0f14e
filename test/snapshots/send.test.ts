/** Folding into read-only snapshots leaves `btrfs send` what it was: full, incremental, and while one runs. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { exec } from "../support/exec.ts";
import { getFlags, withFd } from "../support/libc.ts";
import { Random } from "../support/random.ts";
import { diffStates, snapshotState } from "../support/state.ts";
import { LoopVolume } from "../support/volume.ts";
import { walk } from "../support/walk.ts";
import {
  changeSubvolume,
  expectSameContent,
  fillSubvolume,
  foldSnapshots,
  identityOf,
  rootItemOf,
  sendReceive,
  StalledSend,
} from "./support.ts";

const IMMUTABLE = 0x10;

function snapshot(volume: LoopVolume, name: string): string {
  volume.snapshot("home", name, { readOnly: true });
  volume.sync();
  return join(volume.path, name);
}

describe.each([
  ["whole files", [] as string[]],
  ["ranges too", ["--deep"]],
])("%s", (_, extra) => {
  test("folded on the source: the same increments, before and after, and the next one applies", async () => {
    using source = LoopVolume.create();
    using target = LoopVolume.create();
    const random = new Random(extra.length + 1);
    fillSubvolume(source, "home", random);
    snapshot(source, "first");
    changeSubvolume(source, "home", random);
    snapshot(source, "second");
    // before: what the receiver has of both
    using earlier = LoopVolume.create();
    sendReceive(source, "first", null, earlier);
    sendReceive(source, "second", "first", earlier);
    sendReceive(source, "first", null, target);
    const identities = ["first", "second"].map((name) => identityOf(join(source.path, name)));
    const content = snapshotState(source.path);

    const fold = await foldSnapshots(source, extra);

    expect(fold.skipped).toEqual([]);
    expect(fold.freedBytes).toBeGreaterThan(1_000_000);
    expect(fold.freedBytes).toBe(fold.predictedBytes);
    expect(diffStates(content, snapshotState(source.path))).toEqual([]);
    expect(["first", "second"].map((name) => identityOf(join(source.path, name)))).toEqual(identities);

    const received = sendReceive(source, "second", "first", target);
    expectSameContent(received, join(source.path, "second"));
    expectSameContent(received, join(earlier.path, "second"));
    expect(identityOf(received).receivedUuid).toBe(identityOf(join(source.path, "second")).uuid);
    expect(identityOf(received).parentUuid).toBe(identityOf(join(target.path, "first")).uuid);

    changeSubvolume(source, "home", random);
    snapshot(source, "third");
    expectSameContent(sendReceive(source, "third", "second", target), join(source.path, "third"));
    // and a full one
    expectSameContent(sendReceive(source, "third", null, target, "full"), join(source.path, "third"));
  });

  test("folded on the receiving side: what it received stays what it is, and the next increments apply", async () => {
    using source = LoopVolume.create();
    using target = LoopVolume.create();
    const random = new Random(extra.length + 3);
    fillSubvolume(source, "home", random);
    snapshot(source, "first");
    sendReceive(source, "first", null, target);
    changeSubvolume(source, "home", random);
    snapshot(source, "second");
    sendReceive(source, "second", "first", target);
    const received = ["first", "second"].map((name) => join(target.path, name));
    const identities = received.map(identityOf);

    const fold = await foldSnapshots(target, extra);

    expect(fold.skipped).toEqual([]);
    expect(fold.freedBytes).toBeGreaterThan(1_000_000);
    expect(fold.freedBytes).toBe(fold.predictedBytes);
    expect(received.map(identityOf)).toEqual(identities);
    for (const { receivedUuid, flags } of identities) {
      expect(receivedUuid).toMatch(/^[0-9a-f-]{36}$/);
      expect(flags).toBe("readonly");
    }
    expectSameContent(join(target.path, "second"), join(source.path, "second"));

    changeSubvolume(source, "home", random);
    snapshot(source, "third");
    const third = sendReceive(source, "third", "second", target);
    expectSameContent(third, join(source.path, "third"));
    // the receiver sends on what it folded
    using next = LoopVolume.create();
    sendReceive(target, "second", null, next);
    expectSameContent(sendReceive(target, "third", "second", next), join(source.path, "third"));
  });
});

test.each([
  ["whole files", [] as string[]],
  ["ranges too", ["--deep"]],
])(
  "while a send runs its snapshot is left alone, and told so; everything else is folded: %s",
  async (_, extra) => {
    using source = LoopVolume.create();
    using target = LoopVolume.create();
    const random = new Random(9);
    fillSubvolume(source, "home", random);
    snapshot(source, "sent");
    // of other content, so that it has groups of its own
    fillSubvolume(source, "other", random);
    source.snapshot("other", "other-kept", { readOnly: true });
    source.sync();
    const identity = rootItemOf(source, "sent");
    const content = snapshotState(source.path);
    const stream = source.beside("stream");
    {
      await using send = await StalledSend.start(source, "sent");
      const before = source.usage().dataUsed;
      const fold = await foldSnapshots(source, extra);
      expect(send.running).toBe(true);

      expect(new Set(fold.skipped.map(({ reason }) => reason))).toEqual(new Set(["send-running"]));
      for (const { path, detail } of fold.skipped) {
        expect(path.startsWith(join(source.path, "sent/"))).toBe(true);
        expect(detail).toContain("btrfs send");
      }
      expect(fold.freedBytes).toBe(before - source.usage().dataUsed);
      expect(fold.freedBytes).toBeGreaterThan(1_000_000);
      const sum = fold.differences.reduce((bytes, difference) => bytes + difference.bytes, 0);
      expect(sum).toBe(fold.predictedBytes - fold.freedBytes);
      // ranges are planned once more when whole files are folded, and then others are left
      const causes = fold.differences.map(({ cause }) => cause).filter((cause) => cause !== "replanned");
      expect(causes).toEqual(["send-running"]);
      expect(fold.predictedBytes - fold.freedBytes).toBeGreaterThan(1_000_000);
      expect(rootItemOf(source, "sent")).toBe(identity);
      const locked: string[] = [];
      walk(source.path, ({ at, stats }) => {
        if (stats.isFile() && (withFd(at, getFlags) & IMMUTABLE) !== 0) locked.push(at.toString());
      });
      expect(locked).toEqual([]);
      expect(await send.finish(stream)).toBe(0);
    }
    exec("btrfs", ["receive", "-q", "-f", stream, target.path]);
    expectSameContent(join(target.path, "sent"), join(source.path, "sent"));
    expect(diffStates(content, snapshotState(source.path))).toEqual([]);
    // when it is done, the rest is folded
    const rest = await foldSnapshots(source, extra);
    expect(rest.skipped).toEqual([]);
    expect(rest.freedBytes).toBe(rest.predictedBytes);
    expect(rest.freedBytes).toBeGreaterThan(1_000_000);
  },
);
