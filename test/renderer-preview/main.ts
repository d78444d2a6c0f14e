import { createFakeBridge } from "./fake/bridge.ts";
import { makeScene } from "./fake/scenes.ts";

/** The page's global, with what is used of it here; this file is compiled without the DOM's types. */
const page = globalThis as unknown as { location: { search: string }; refold?: unknown };
const query = new URLSearchParams(page.location.search);

page.refold = createFakeBridge(
  makeScene({
    scene: query.get("scene") ?? "idle",
    theme: query.get("theme") ?? "system",
    language: query.get("lang") ?? "en",
    still: query.has("still"),
  }),
);
