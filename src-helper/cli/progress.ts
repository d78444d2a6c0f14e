import type { Phase, Progress } from "../engine/contract.ts";
import type { Sink } from "./io.ts";
import { truncate } from "./terminal-text.ts";
import { formatBytes, formatCount } from "./units.ts";

/** What each phase does, in words. */
export const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  sync: "writing out",
  walk: "reading file lists",
  checksums: "reading checksums",
  read: "reading files",
  groups: "grouping",
  fold: "folding",
  measure: "measuring",
  repair: "unlocking",
};

const REDRAW_MS = 100;
/** Runs shorter than this show no bar at all. */
const FIRST_DRAW_MS = 150;
/** Time constant of the smoothed rate. */
const SMOOTHING_MS = 3000;
/** Of one phase; before this a rate is a guess. */
const RATE_AFTER_MS = 500;
const BAR_COLUMNS = 24;
const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const ASCII_SPINNER = ["|", "/", "-", "\\"];

export interface ProgressOptions {
  readonly unicode: boolean;
  readonly now?: () => number;
}

/** "8 s", "3:12", "2:05:09". */
function formatEta(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${String(whole)} s`;
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0
    ? `${String(hours)}:${two(minutes)}:${two(whole % 60)}`
    : `${String(minutes)}:${two(whole % 60)}`;
}

/**
 * A one-line progress bar that redraws itself at most ten times a second and
 * leaves nothing behind. Make one only where the sink is a terminal.
 */
export class ProgressBar {
  private readonly sink: Sink;
  private readonly options: ProgressOptions;
  private readonly now: () => number;
  private readonly started: number;
  private current: Progress | null = null;
  private phaseStarted = 0;
  private sampleTime = 0;
  private sampleDone = 0;
  /** Units a millisecond, smoothed. */
  private rate = 0;
  private lastDraw = -Infinity;
  private drawn = false;
  private frame = 0;
  private timer: NodeJS.Timeout | null = null;

  constructor(sink: Sink, options: ProgressOptions) {
    this.sink = sink;
    this.options = options;
    this.now = options.now ?? (() => performance.now());
    this.started = this.now();
  }

  /** The phase under way, null before the first. */
  get phase(): Phase | null {
    return this.current?.phase ?? null;
  }

  update(progress: Progress): void {
    const time = this.now();
    const previous = this.current;
    if (
      previous?.phase !== progress.phase ||
      previous.volume !== progress.volume ||
      progress.done < previous.done
    ) {
      this.phaseStarted = time;
      this.sampleTime = time;
      this.sampleDone = progress.done;
      this.rate = 0;
    } else if (time - this.sampleTime >= REDRAW_MS) {
      const span = time - this.sampleTime;
      const sample = (progress.done - this.sampleDone) / span;
      const sinceStart = time - this.phaseStarted;
      // Early on the mean of all so far, later the recent past.
      const weight = Math.max(1 - Math.exp(-span / SMOOTHING_MS), span / sinceStart);
      this.rate += (sample - this.rate) * weight;
      this.sampleTime = time;
      this.sampleDone = progress.done;
    }
    this.current = progress;
    this.timer ??= setInterval(() => {
      this.draw();
    }, REDRAW_MS).unref();
    this.draw();
  }

  /** Takes the bar off the screen; the next update draws it again. */
  clear(): void {
    if (this.drawn) this.sink.write("\r\u001b[K");
    this.drawn = false;
    this.lastDraw = -Infinity;
  }

  /** Takes the bar off the screen for good. */
  stop(): void {
    this.clear();
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    this.current = null;
  }

  private draw(): void {
    const time = this.now();
    if (this.current === null || this.sink.closed) return;
    if (time - this.lastDraw < REDRAW_MS || time - this.started < FIRST_DRAW_MS) return;
    this.lastDraw = time;
    this.drawn = true;
    this.frame += 1;
    // A full last column makes some terminals wrap.
    this.sink.write(`\r${this.render(this.current, this.sink.columns - 1)}\u001b[K`);
  }

  /** The bar's text for a progress, cut to so many columns. */
  render(progress: Progress, columns: number): string {
    const amount = (value: number): string =>
      progress.unit === "bytes" ? formatBytes(value) : formatCount(value);
    const rated = this.now() - this.phaseStarted >= RATE_AFTER_MS && this.rate > 0;
    const unit = progress.unit === "bytes" ? "" : ` ${progress.unit}`;
    const rate = rated ? `  ${amount(this.rate * 1000)}${unit}/s` : "";
    const words = PHASE_WORDS[progress.phase];
    if (progress.total === null || progress.total <= 0) {
      const frames = this.options.unicode ? SPINNER : ASCII_SPINNER;
      const spinner = frames[this.frame % frames.length] ?? "";
      const count = progress.done > 0 ? `  ${amount(progress.done)}${unit}` : "";
      return truncate(`${spinner} ${words}${count}${rate}`, columns);
    }
    const share = Math.min(1, progress.done / progress.total);
    const percent = `${String(Math.floor(share * 100)).padStart(3)}%`;
    const left = (progress.total - progress.done) / (this.rate * 1000);
    const eta = rated && left > 0 && share < 1 ? `  ${formatEta(left)} left` : "";
    const tail = `${percent}  ${amount(progress.done)}/${amount(progress.total)}${unit}${rate}${eta}`;
    const room = Math.min(BAR_COLUMNS, columns - words.length - tail.length - 2);
    const bar = room >= 6 ? `${this.bar(share, room)} ` : "";
    return truncate(`${words} ${bar}${tail.trimStart()}`, columns);
  }

  private bar(share: number, columns: number): string {
    const full = Math.round(share * columns);
    const [on, off] = this.options.unicode ? ["█", "░"] : ["#", "."];
    return on.repeat(full) + off.repeat(columns - full);
  }
}
