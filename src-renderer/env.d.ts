import type { RefoldBridge } from "../src-main/ipc/schema.ts";

declare global {
  interface Window {
    /** Made by the preload. */
    readonly refold: RefoldBridge;
  }
}
