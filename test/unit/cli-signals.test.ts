import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { watchSignals } from "../../src-helper/cli/signals.ts";

function watch(waitingFor: string | null) {
  const emitter = new EventEmitter();
  const said: string[] = [];
  let time = 1000;
  const signals = watchSignals(
    emitter,
    () => waitingFor,
    (line) => said.push(line),
    () => time,
  );
  return {
    emitter,
    said,
    signals,
    later: (ms: number) => {
      time += ms;
    },
  };
}

describe("signals", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("%s aborts and says what is waited for", (name) => {
    const { emitter, said, signals } = watch("the group being folded");
    expect(signals.signal.aborted).toBe(false);
    emitter.emit(name, name);
    expect(signals.signal.aborted).toBe(true);
    expect(signals.received).toBe(name);
    expect(said).toEqual(["stopping: waiting for the group being folded"]);
  });

  it("a second one says that it still waits, and the first one counts", () => {
    const { emitter, said, signals, later } = watch("the group being folded");
    emitter.emit("SIGTERM", "SIGTERM");
    later(1000);
    emitter.emit("SIGINT", "SIGINT");
    expect(signals.received).toBe("SIGTERM");
    expect(said).toHaveLength(2);
    expect(said[1]).toContain("still waiting");
  });

  it("takes the echo of the same keypress for one", () => {
    const { emitter, said, later } = watch("x");
    emitter.emit("SIGINT", "SIGINT");
    later(20);
    emitter.emit("SIGINT", "SIGINT");
    expect(said).toHaveLength(1);
  });

  it("says nothing where nothing is waited for, and lets go of the process", () => {
    const { emitter, said, signals } = watch(null);
    emitter.emit("SIGINT", "SIGINT");
    expect(said).toEqual([]);
    signals.dispose();
    expect(emitter.eventNames()).toEqual([]);
  });
});
