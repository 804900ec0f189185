/** A small controller: each object of a kind, whenever it changes, one visit at a time, again after a failure. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '../../src/kube/client.ts';
import { type Key, keyOf, type Kind, type KubeObject } from '../../src/kube/objects.ts';
import { createStore, type Store } from '../../src/kube/store.ts';

export interface Follower {
  /** Resolves once all objects are known. */
  readonly ready: Promise<void>;
  /** Visits an object again, as if it had changed. */
  readonly visit: (key: Key) => void;
  readonly end: () => Promise<void>;
}

export const followerName = 'openshift-controller-manager';
const retryMs = 250;
/** How many objects are visited at a time. */
const workers = 8;

export const followEach = <T extends KubeObject>(
  client: Client,
  kind: Kind,
  visit: (object: T, store: Store<T>) => Promise<void>,
): Follower => {
  const stop = new AbortController();
  const store = createStore<T>(client, kind, { fieldManager: followerName });
  const waiting = new Set<Key>();
  const running = new Map<Key, Promise<void>>();

  const queue: (() => void)[] = [];
  let free = workers;
  /** Waits for its turn. */
  const inTurn = async (work: () => Promise<void>): Promise<void> => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };

  const again = async (key: Key): Promise<void> => {
    while (waiting.delete(key) && !stop.signal.aborted) {
      try {
        await inTurn(async () => {
          const object = store.get(key);
          if (object !== undefined && !stop.signal.aborted) await visit(object, store);
        });
      } catch {
        // A conflict, or an API server that is away: there is always a next time.
        waiting.add(key);
        await pause(retryMs, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    }
  };
  const enqueue = (key: Key): void => {
    waiting.add(key);
    if (running.has(key)) return;
    running.set(
      key,
      again(key).finally(() => {
        running.delete(key);
        if (waiting.has(key) && !stop.signal.aborted) enqueue(key);
      }),
    );
  };
  store.onChange((change) => {
    if (change.type === 'added' || change.type === 'updated') enqueue(keyOf(change.object.metadata));
  });
  const following = store.run(stop.signal);
  return {
    ready: store.settled(stop.signal),
    visit: enqueue,
    end: async () => {
      stop.abort();
      await following;
      await Promise.all(running.values());
    },
  };
};
