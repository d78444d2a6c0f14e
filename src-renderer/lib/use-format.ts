/** The formatters of src-common in the window's language, for components. */
import * as format from "../../src-common/format.ts";
import { useTexts } from "../i18n/index.ts";
import { useNow } from "./use-now.ts";

/** Sizes are bytes, moments and spans milliseconds. What each looks like: src-common/format.ts. */
export interface Format {
  readonly bytes: (bytes: number) => string;
  readonly byteParts: (bytes: number) => format.ByteParts;
  readonly exactBytes: (bytes: number) => string;
  readonly count: (count: number) => string;
  readonly percent: (share: number) => string;
  readonly moment: (at: number) => string;
  readonly shortMoment: (at: number) => string;
  readonly day: (at: number) => string;
  /** Follows the clock. */
  readonly relative: (at: number) => string;
  readonly duration: (ms: number) => string;
  readonly rate: (perSecond: number, unit: "files" | "bytes" | "extents") => string;
}

/** For a component's setup; what it returns follows the language when it is called in a template. */
export function useFormat(): Format {
  const texts = useTexts();
  const now = useNow();
  return {
    bytes: (bytes) => format.formatBytes(bytes, texts.locale),
    byteParts: (bytes) => format.bytesInParts(bytes, texts.locale),
    exactBytes: (bytes) => format.formatExactBytes(bytes, texts.locale),
    count: (count) => format.formatCount(count, texts.locale),
    percent: (share) => format.formatPercent(share, texts.locale),
    moment: (at) => format.formatMoment(at, texts.locale),
    shortMoment: (at) => format.formatShortMoment(at, texts.locale),
    day: (at) => format.formatDay(at, now.value, texts.locale),
    relative: (at) => format.formatRelative(at, now.value, texts.locale),
    duration: (ms) => format.formatDuration(ms, texts.locale),
    rate: (perSecond, unit) => format.formatRate(perSecond, unit, texts.locale),
  };
}
