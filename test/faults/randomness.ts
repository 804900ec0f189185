import { type Asked, type Fault, isWrite } from './fault-proxy.ts';

/** mulberry32: small, and the same everywhere. */
export const randomOf = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** @param share of requests that something happens to. */
export const faultOf = (asked: Asked, random: () => number, share: number): Fault | undefined => {
  if (random() >= share) return undefined;
  const line = 1 + Math.floor(random() * 3);
  const common: readonly Fault[] = [
    { type: 'delay', ms: Math.floor(random() * 100) },
    { type: 'reset' },
    { type: 'answer', code: 429, retryAfterSeconds: 0 },
    { type: 'answer', code: 500 },
    { type: 'answer', code: 503 },
    { type: 'answer', code: 503, body: 'upstream connect error' },
  ];
  const ofWatches: readonly Fault[] = [
    { type: 'cut', afterLines: line },
    { type: 'stall', afterLines: line },
    { type: 'drop', line },
    { type: 'duplicate', line },
    { type: 'reorder', line },
    { type: 'truncate', line },
    { type: 'error', code: 410 },
    { type: 'error', code: 500 },
  ];
  const ofWrites: readonly Fault[] = [{ type: 'lostAnswer' }, { type: 'answer', code: 409 }];
  const all = [
    ...common,
    ...(asked.verb === 'watch' ? ofWatches : []),
    ...(asked.verb === 'list' ? ([{ type: 'stale' }] as const) : []),
    ...(isWrite(asked) ? ofWrites : []),
  ];
  return all[Math.floor(random() * all.length)];
};
