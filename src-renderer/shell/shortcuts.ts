/** The window's shortcuts, apart from what lists and menus have of their own. */
import { VIEWS } from "../lib/route.ts";
import type { View } from "../../src-main/ipc/schema.ts";

export type Command =
  | { readonly kind: "view"; readonly view: View }
  | { readonly kind: "scan" }
  | { readonly kind: "search" }
  | { readonly kind: "shortcuts" };

/** What of a KeyboardEvent decides. */
export interface Key {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  readonly metaKey: boolean;
}

/**
 * The command of a key.
 *
 * @param typing the focus is in a field that takes text: bare characters are its own
 */
export function commandOf(event: Key, typing: boolean): Command | null {
  if (event.altKey || event.metaKey) return null;
  if (event.ctrlKey) {
    if (event.shiftKey) return null;
    const view = VIEWS[Number(event.key) - 1];
    if (view !== undefined) return { kind: "view", view };
    if (event.key === "r") return { kind: "scan" };
    if (event.key === "f") return { kind: "search" };
    return null;
  }
  if (event.key === "F5") return { kind: "scan" };
  if (event.key === "?" && !typing) return { kind: "shortcuts" };
  return null;
}
