/** Which view is shown. */
import { defineStore } from "pinia";
import { shallowRef } from "vue";
import type { View } from "../../src-main/ipc/schema.ts";
import { formatHash, parseHash, type Route } from "../lib/route.ts";

export const useRoute = defineStore("route", () => {
  const inWindow = typeof window !== "undefined";
  const current = shallowRef<Route>(parseHash(inWindow ? window.location.hash : ""));
  if (inWindow) {
    window.addEventListener("hashchange", () => {
      current.value = parseHash(window.location.hash);
    });
  }

  /** Goes to a view, as a link would: Back returns. */
  function go(view: View, volume: string | null = null): void {
    const next: Route = { view, volume };
    if (inWindow) window.location.hash = formatHash(next);
    else current.value = next;
  }

  return { current, go };
});
