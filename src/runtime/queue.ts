import type { Key } from '../kube/objects.ts';
import type { QueueMetrics } from '../ops/metrics.ts';

/**
 * Keys that need work, each once: three sets, as in client-go's workqueue.
 *
 * Invariants:
 * - `queue`: keys in the order of their arrival that nobody works on. A key is in it once.
 * - `dirty`: keys that need work. Every key of `queue` is in it.
 * - `processing`: keys that somebody works on. One that is also in `dirty` was added meanwhile, and is not in `queue`:
 *   it enters it when its work is done. So no two workers ever have the same key.
 *
 * Beside them, `delayed`: keys that come at a time. A key waits once, for the earliest of the times asked for; work on
 * it that begins before counts for it.
 */
export interface Queue {
  add(key: Key): void;
  /** The earliest of several times counts. */
  addAfter(key: Key, ms: number): void;
  /** After a failure: later each time, until {@link forget}. Returns the wait in milliseconds. */
  addRateLimited(key: Key, atLeastMs?: number): number;
  /** The key's work went well: its next failure is its first. */
  forget(key: Key): void;
  /** How often in a row the key has failed. */
  failures(key: Key): number;
  /** The next key, once there is one; undefined after {@link shutDown}. Each must be followed by {@link done}. */
  take(): Promise<Key | undefined>;
  done(key: Key): void;
  /** Nothing is handed out any more. Work that is under way may end. */
  shutDown(): void;
  /** Keys that wait to be taken. */
  depth(): number;
}

export interface QueueSettings {
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  readonly metrics?: QueueMetrics | undefined;
  readonly random?: () => number;
}

/** A server's Retry-After counts up to this. */
const maxWishMs = 5 * 60_000;
/** Timers of Node that are longer go off at once. */
const maxTimerMs = 2 ** 31 - 1;

interface Delay {
  readonly at: number;
  readonly timer: NodeJS.Timeout;
}

export const createQueue = ({
  backoffBaseMs,
  backoffCapMs,
  metrics,
  random = Math.random,
}: QueueSettings): Queue => {
  const queue = new Set<Key>();
  const dirty = new Map<Key, number>(); // since when
  const processing = new Map<Key, number>();
  const delayed = new Map<Key, Delay>();
  const failed = new Map<Key, number>();
  const takers: ((key: Key | undefined) => void)[] = [];
  let isShutDown = false;

  const handOut = (): void => {
    while (takers.length > 0 && queue.size > 0) {
      const [key = ''] = queue;
      takers.shift()?.(begin(key));
    }
  };

  const begin = (key: Key): Key => {
    const now = performance.now();
    metrics?.started((now - (dirty.get(key) ?? now)) / 1000);
    queue.delete(key);
    dirty.delete(key);
    cancelDelay(key);
    processing.set(key, now);
    return key;
  };

  const cancelDelay = (key: Key): void => {
    clearTimeout(delayed.get(key)?.timer);
    delayed.delete(key);
  };

  const add = (key: Key): void => {
    if (isShutDown || dirty.has(key)) return;
    metrics?.added();
    dirty.set(key, performance.now());
    if (processing.has(key)) return;
    queue.add(key);
    handOut();
  };

  const addAfter = (key: Key, ms: number): void => {
    if (isShutDown) return;
    if (ms <= 0) {
      add(key);
      return;
    }
    const waitMs = Math.min(ms, maxTimerMs);
    const at = performance.now() + waitMs;
    const known = delayed.get(key);
    if (known !== undefined && known.at <= at) return;
    cancelDelay(key);
    const timer = setTimeout(() => {
      delayed.delete(key);
      add(key);
    }, waitMs);
    delayed.set(key, { at, timer });
  };

  const running = (): number[] => {
    const now = performance.now();
    return [...processing.values()].map((since) => (now - since) / 1000);
  };
  metrics?.depth(() => queue.size);
  metrics?.unfinishedSeconds(() => running().reduce((sum, one) => sum + one, 0));
  metrics?.longestRunningSeconds(() => Math.max(0, ...running()));

  return {
    add,
    addAfter,
    addRateLimited: (key, atLeastMs = 0) => {
      const failures = failed.get(key) ?? 0;
      failed.set(key, failures + 1);
      const fullMs = Math.min(backoffCapMs, backoffBaseMs * 2 ** Math.min(failures, 30));
      const ms = Math.max(Math.min(atLeastMs, maxWishMs), fullMs * (0.5 + random() / 2));
      metrics?.retried();
      addAfter(key, ms);
      return ms;
    },
    forget: (key) => {
      failed.delete(key);
    },
    failures: (key) => failed.get(key) ?? 0,
    take: () =>
      new Promise((resolve) => {
        if (isShutDown) {
          resolve(undefined);
          return;
        }
        takers.push(resolve);
        handOut();
      }),
    done: (key) => {
      const since = processing.get(key);
      if (since === undefined) return;
      processing.delete(key);
      metrics?.done((performance.now() - since) / 1000);
      if (!dirty.has(key) || isShutDown) return;
      queue.add(key);
      handOut();
    },
    shutDown: () => {
      isShutDown = true;
      for (const key of [...delayed.keys()]) cancelDelay(key);
      queue.clear();
      dirty.clear();
      for (const taker of takers.splice(0)) taker(undefined);
    },
    depth: () => queue.size,
  };
};
