import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A token bucket over calls: `qps` a second on average, `burst` at once. Off by default: API servers since 1.29 share
 * themselves out (priority and fairness) and say so with 429 and Retry-After, which the client honours.
 */
export const createLimiter = (
  qps: number,
  burst: number,
  now: () => number = () => performance.now(),
): ((signal?: AbortSignal) => Promise<void>) => {
  const spacingMs = 1000 / qps;
  // When the bucket would be full. A call moves it on by one spacing; what lies further ahead than the burst waits.
  let fullAt = -Infinity;
  return async (signal) => {
    const at = now();
    fullAt = Math.max(fullAt, at) + spacingMs;
    const waitMs = fullAt - at - burst * spacingMs;
    if (waitMs > 0) await sleep(waitMs, undefined, { signal });
  };
};
