import type { Client } from '../kube/client.ts';
import { type Kind, type KubeObject, resourceOf } from '../kube/objects.ts';
import { createStore, type Interruption, type Store, type StoreSettings } from '../kube/store.ts';
import type { Checks } from '../ops/health.ts';
import type { Logger } from '../ops/log.ts';
import type { Metrics } from '../ops/metrics.ts';

interface Settings {
  readonly client: Client;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Empty: all. */
  readonly namespaces: readonly string[];
}

export interface Caches {
  /**
   * @param needed without it the operator is not ready.
   * @param whenNotServed what a person does then.
   */
  of<T extends KubeObject>(kind: Kind, options: CacheOptions<T>): Store<T>;
  /** For /readyz: one check for each kind that is needed. Kinds that are added later are in it, too. */
  readonly checks: Checks;
  run(signal: AbortSignal): Promise<void>;
}

interface CacheOptions<T extends KubeObject> extends Pick<
  StoreSettings<T>,
  'namespaces' | 'labelSelector' | 'after' | 'keep' | 'indexes'
> {
  readonly needed: boolean;
  readonly whenNotServed?: string;
  /** In metrics, where several caches are of one kind. */
  readonly called?: string;
}

/** One cache a kind, its watch in logs, metrics and /readyz. */
export const createCaches = ({ client, log, metrics, namespaces }: Settings): Caches => {
  const stores: Store<KubeObject>[] = [];
  const checks: Record<string, () => string | undefined> = {};

  const of = <T extends KubeObject>(
    kind: Kind,
    { needed, whenNotServed, called = kind.kind, ...which }: CacheOptions<T>,
  ): Store<T> => {
    const resource = resourceOf(kind);
    const watch = metrics.watch(called);
    let trouble: { readonly text: string; readonly at: number } | undefined;
    let lastCause: string | undefined;

    const onInterruption = ({ cause, error, retryInMs }: Interruption): void => {
      watch.restarted(cause);
      const remedy = cause === 'NotServed' && whenNotServed !== undefined ? `: ${whenNotServed}` : '';
      if (error !== undefined) trouble = { text: `${error.message}${remedy}`, at: performance.now() };
      const isPlanned = cause === 'Timeout' || cause === 'Relist';
      // The same again and again is no news.
      const level = isPlanned || cause === lastCause ? 'debug' : needed ? 'warn' : 'info';
      if (!isPlanned) lastCause = cause;
      log[level]('a watch was interrupted', { resource, cause, retryInMs, error: error?.message });
    };
    const store = createStore<T>(client, kind, {
      ...{ fieldManager: 'edgebuild', onInterruption },
      ...(kind.namespaced ? { namespaces } : {}),
      ...which,
    });
    store.onChange(() => (lastCause = undefined));
    // What cannot be watched has no watch that could be stuck.
    watch.lastEventAgeSeconds(() => (store.unavailable() === undefined ? store.lastEventAgeMs() / 1000 : 0));
    stores.push(store);
    if (needed)
      checks[kind.plural] = () => {
        const since = trouble === undefined ? Infinity : performance.now() - trouble.at;
        if (trouble !== undefined && since <= store.lastEventAgeMs()) return trouble.text;
        return store.hasSynced() ? undefined : `${resource}: not listed yet`;
      };
    return store;
  };

  return {
    of,
    checks,
    run: async (signal) => {
      await Promise.all(stores.map((store) => store.run(signal)));
    },
  };
};
