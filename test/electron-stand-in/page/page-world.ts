/** Runs in the page's own world, before any script of the page, and leaves nothing there to find. */
import { createBridge } from "./bridge.ts";

/**
 * Waits for the preload's world to hand over the link between the two. That
 * happens before the first script of the page, so nobody else can answer.
 *
 * @param secret name of the event, of this document's two worlds only
 */
export function startPageWorld(scope: EventTarget, secret: string): void {
  scope.addEventListener(
    secret,
    (event) => {
      event.stopImmediatePropagation();
      const { source } = event as Event & { readonly source: EventTarget };
      createBridge(source, "page", scope);
    },
    { once: true },
  );
}
