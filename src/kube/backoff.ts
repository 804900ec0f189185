/** How long to wait after failures in a row. */
export interface Backoff {
  /** Milliseconds until the next try; longer each time, jittered, and never longer than the cap. */
  next(): number;
  /** All is well again. */
  reset(): void;
}

export interface BackoffSettings {
  readonly baseMs: number;
  readonly capMs: number;
  /** 0 to 1; Math.random without it. */
  readonly random?: () => number;
}

/**
 * Exponential, with jitter over the upper half: many clients that lost one server do not come back together, and none
 * comes back at once.
 */
export const createBackoff = ({ baseMs, capMs, random = Math.random }: BackoffSettings): Backoff => {
  let failures = 0;
  return {
    next: () => {
      const fullMs = Math.min(capMs, baseMs * 2 ** Math.min(failures, 30));
      failures += 1;
      return fullMs * (0.5 + random() / 2);
    },
    reset: () => {
      failures = 0;
    },
  };
};
