import type { Client } from '../kube/client.ts';
import { type Key, keyOf, type Kind, type KubeObject } from '../kube/objects.ts';
import { createStore, type Change, type Store } from '../kube/store.ts';
import type { Source } from '../runtime/feed.ts';
import type { StoredEdgeBuild } from './kinds.ts';

/** By name alone, and of what it holds nothing comes here. */
const secrets: Kind = {
  ...{ group: '', version: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true },
  isMetadataOnly: true,
};

/** What a spec names, as it is stored: nothing of it has been judged. */
interface Naming {
  readonly source?: { readonly secretRef?: { readonly name?: string } };
  readonly baseImages?: readonly { readonly pullSecretRef?: { readonly name?: string } }[];
  readonly triggers?: {
    readonly webhooks?: readonly { readonly secretRef?: { readonly name?: string } }[];
  };
}

/** The Secrets that an EdgeBuild names, as "namespace/name". */
export const secretsNamedBy = ({ metadata, spec }: StoredEdgeBuild): readonly Key[] => {
  const { source, baseImages = [], triggers } = spec as Naming;
  const names = [
    source?.secretRef?.name,
    ...baseImages.map(({ pullSecretRef }) => pullSecretRef?.name),
    ...(triggers?.webhooks ?? []).map(({ secretRef }) => secretRef?.name),
  ];
  const namespace = metadata.namespace ?? '';
  return [...new Set(names.flatMap((name) => (name === undefined ? [] : [keyOf({ namespace, name })])))];
};

/** The Secrets that EdgeBuilds name, each watched by itself for as long as one names it. */
export interface SecretWatch {
  /** Undefined where it may not be looked at, or was not looked at yet. */
  readonly isThere: (key: Key) => boolean | undefined;
  /** Told of each that comes, goes, or is known not to be there. */
  readonly source: Source;
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/**
 * No right to read Secrets is asked for: who wants missing ones to be named at once lets the operator `list` and `watch` them
 * in a namespace. Where it may not, builds that need them say so.
 *
 * @param edgeBuilds with an index `secrets`: {@link secretsNamedBy}.
 */
export const createSecretWatch = (client: Client, edgeBuilds: Store<StoredEdgeBuild>): SecretWatch => {
  const watched = new Map<Key, { readonly store: Store<KubeObject>; readonly stop: AbortController }>();
  const listeners = new Set<(change: Change<KubeObject>) => void>();

  const follow = (key: Key): void => {
    const [namespace = '', name = ''] = key.split('/');
    const fieldSelector = `metadata.name=${name}`;
    const store = createStore<KubeObject>(client, secrets, {
      fieldManager: 'edgebuild',
      namespace,
      fieldSelector,
    });
    const stop = new AbortController();
    watched.set(key, { store, stop });
    const object = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name } };
    store.onChange((change) => {
      // That it is known not to be there is news of it, too, and of nothing else.
      const told: Change<KubeObject> = change.type === 'availability' ? { type: 'added', object } : change;
      for (const listener of listeners) listener(told);
    });
    void store.run(stop.signal);
  };

  const adapt = (key: Key): void => {
    const isNamed = edgeBuilds.byIndex('secrets', key).length > 0;
    const one = watched.get(key);
    if (isNamed && one === undefined) follow(key);
    if (isNamed || one === undefined) return;
    one.stop.abort();
    watched.delete(key);
  };
  const adaptTo = (change: Change<StoredEdgeBuild>): void => {
    if (change.type === 'availability') return;
    const objects = change.type === 'updated' ? [change.object, change.previous] : [change.object];
    for (const key of objects.flatMap(secretsNamedBy)) adapt(key);
  };

  return {
    isThere: (key) => {
      const store = watched.get(key)?.store;
      if (store?.hasSynced() !== true || store.unavailable() !== undefined) return undefined;
      return store.get(key) !== undefined;
    },
    source: {
      onChange: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      // Nobody waits for Secrets: what is not known of one yet is not taken for missing.
      settled: () => Promise.resolve(),
    },
    run: async (signal) => {
      const end = edgeBuilds.onChange(adaptTo);
      for (const key of edgeBuilds.list().flatMap(secretsNamedBy)) adapt(key);
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => {
          resolve();
        });
      });
      end();
      for (const { stop } of watched.values()) stop.abort();
    },
  };
};
