/** The window's address: #/volumes, #/review/<uuid>, ... */
import type { View } from "../../src-main/ipc/schema.ts";

/** In the sidebar's order; Ctrl+1 is the first. The type holds it to the contract's names. */
export const VIEWS = ["volumes", "review", "history", "stuck", "settings"] as const satisfies readonly View[];

export interface Route {
  readonly view: View;
  /** uuid; null where none is named. */
  readonly volume: string | null;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Reads an address's hash; what is not understood is the overview. */
export function parseHash(hash: string): Route {
  const [name = "", volume = ""] = hash.replace(/^#\/?/, "").split("/");
  const view = VIEWS.find((one) => one === name);
  if (view === undefined) return { view: "volumes", volume: null };
  return { view, volume: UUID.test(volume) ? volume : null };
}

export function formatHash(route: Route): string {
  return route.volume === null ? `#/${route.view}` : `#/${route.view}/${route.volume}`;
}
