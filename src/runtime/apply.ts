import { createHash } from 'node:crypto';
import type { Client } from '../kube/client.ts';
import { keyOf, type KubeObject } from '../kube/objects.ts';
import type { Store } from '../kube/store.ts';
import { driftOf } from './drift.ts';

/** Applies objects, and knows from the cache alone when an apply would change nothing. */
export interface Apply {
  /** Whether `live` is as an apply of `desired` would leave it. */
  readonly isAtRest: (desired: KubeObject, live: KubeObject) => boolean;
  readonly applyTo: (client: Client, store: Store<KubeObject>, desired: KubeObject) => Promise<void>;
}

export const createApply = (): Apply => {
  // What the server answered to an apply with something that looks like drift: it writes a value in its own way.
  const heard = new Map<string, string>();
  return {
    isAtRest: (desired, live) =>
      driftOf(desired, live) === undefined || heard.get(idOf(live)) === fingerprint(desired, live),
    applyTo: async (client, store, desired) => {
      const applied = await client.apply(store.kind, desired);
      store.learn(applied);
      if (driftOf(desired, applied) === undefined) heard.delete(idOf(applied));
      else {
        if (heard.size >= maxHeard) heard.clear();
        heard.set(idOf(applied), fingerprint(desired, applied));
      }
    },
  };
};

/** Deleted objects stay in it. Should it be full, each costs one apply more. */
const maxHeard = 10_000;

const idOf = ({ metadata }: KubeObject): string => metadata.uid ?? keyOf(metadata);

const fingerprint = (desired: KubeObject, { metadata }: KubeObject): string => {
  const { uid: _uid, resourceVersion: _rv, ...rest } = desired.metadata;
  const text = JSON.stringify({ ...desired, metadata: rest });
  return `${metadata.resourceVersion ?? ''} ${createHash('sha256').update(text).digest('base64')}`;
};

/** Preconditions of an apply: the server compares both with what it has. */
export const pinned = (
  desired: KubeObject,
  { metadata: { uid, resourceVersion } }: KubeObject,
): KubeObject => ({
  ...desired,
  metadata: {
    ...desired.metadata,
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  },
});
