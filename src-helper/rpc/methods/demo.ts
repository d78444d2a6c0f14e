import type { DemoVolume } from "../../demo/demo-volume.ts";
import type { Handlers } from "../handlers.ts";
import type { Tasks } from "../tasks.ts";

/** Stands for the demo volume while it has no uuid yet: one making at a time. */
const MAKING = "demo";

/** A volume to try Refold on. */
export function demoHandlers(
  demo: DemoVolume,
  tasks: Tasks,
  indexChanged: (volume: string) => void,
): Pick<Handlers, "demo.create" | "demo.remove"> {
  return {
    "demo.create": ({ task }, call) =>
      call.run(task, MAKING, async (run) => ({
        volume: await demo.create({
          signal: run.signal,
          progress: (done, total) => {
            run.progress({ phase: "demo", done, total, unit: "bytes" });
          },
        }),
      })),

    "demo.remove": (_, call) =>
      call.run("demo-remove", MAKING, async () => {
        const uuid = demo.mounted();
        if (uuid !== null) {
          tasks.mustBeFree(uuid);
          indexChanged(uuid); // a review of it holds it open
        }
        await demo.remove();
        return {};
      }),
  };
}
