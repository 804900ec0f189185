import type { Asked, FaultProxy } from './fault-proxy.ts';

/**
 * Lets so many writes through, and none after. Tells when those have been answered; or, since some that are under way
 * are given up when another one fails, when one that was not let through is tried again.
 */
export const letThrough = (
  proxy: FaultProxy,
  count: number,
  counts: (asked: Asked) => boolean,
): { readonly over: Promise<undefined>; readonly writes: () => number; readonly end: () => void } => {
  let [writes, answered, isOver] = [0, 0, false];
  const refused = new Set<string>();
  const over = Promise.withResolvers<undefined>();
  proxy.faultFor = (asked) => {
    if (!counts(asked)) return undefined;
    writes += 1;
    if (isOver || writes <= count) return undefined;
    const what = Object.values(asked).join(' ');
    if (refused.has(what)) over.resolve(undefined);
    refused.add(what);
    return { type: 'reset' };
  };
  // Those that were let through at the same time are answered, too: nothing of the dead one comes later.
  proxy.onAnswered = (asked) => {
    if (counts(asked)) answered += 1;
    if (answered === count) over.resolve(undefined);
  };
  const end = (): void => {
    isOver = true;
    over.resolve(undefined);
  };
  return { over: over.promise, writes: () => writes, end };
};
