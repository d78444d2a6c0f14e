/** Time as the services see it: the system's in the app, a test's own in tests. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls once, after so many milliseconds. @returns what takes it back */
  after(ms: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  now: Date.now,
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};
