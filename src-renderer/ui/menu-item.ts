import type { Component } from "vue";

/** An entry of Menu. */
export interface MenuItem {
  readonly id: string;
  readonly label: string;
  readonly icon?: Component | undefined;
  readonly disabled?: boolean | undefined;
  /** A line above it. */
  readonly separated?: boolean | undefined;
  /** A word at its end: a shortcut, a count. */
  readonly hint?: string | undefined;
}
