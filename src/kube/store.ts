import type { Client } from './client.ts';
import { isOlder, type Key, keyOf, type Kind, type KubeObject, type OwnerReference } from './objects.ts';
import { type InterruptionCause, watchKind, type WatcherEvent, type WatcherSettings } from './watcher.ts';

/** What has become of one object, or of the whole kind. */
export type Change<T extends KubeObject> =
  | { readonly type: 'added'; readonly object: T }
  | { readonly type: 'updated'; readonly object: T; readonly previous: T }
  | { readonly type: 'deleted'; readonly object: T }
  /** The kind became unavailable, or available again: look at {@link Store.unavailable}. */
  | { readonly type: 'availability' };

/** Why nothing is known of a kind, or nothing new. */
export interface Unavailability {
  readonly cause: InterruptionCause;
  readonly message: string;
}

/** Values under which an object is found. */
export type IndexFunction<T extends KubeObject> = (object: T) => readonly string[];

/**
 * All objects of a kind, as last seen: frozen, and without managedFields.
 *
 * Guarantees:
 * - Listeners are told of every difference between one state and the next, once, in order, and after the store has it.
 * - An object with the name of an earlier one and another uid is told as deleted, then as added.
 * - What our own writes answered ({@link learn}) counts at once, and is never overwritten by older news.
 */
export interface Store<T extends KubeObject> {
  readonly kind: Kind;
  get(key: Key): T | undefined;
  list(): readonly T[];
  keys(): readonly Key[];
  /** @param index one of the settings' indexes, or 'owner' (by uid of each owner). */
  byIndex(index: string, value: string): readonly T[];
  /** Everything was listed at least once. */
  hasSynced(): boolean;
  /** Synced, or known to be unavailable: nothing is gained by waiting longer. */
  hasSettled(): boolean;
  /** Resolves once it has settled, or when `signal` is aborted. */
  settled(signal: AbortSignal): Promise<void>;
  unavailable(): Unavailability | undefined;
  /** Since the last sign of life of the watch, or since it was begun. Bookmarks count. */
  lastEventAgeMs(): number;
  /** Returns a function that ends it. */
  onChange(listener: (change: Change<T>) => void): () => void;
  /** The object as a write of ours has just made it. */
  learn(object: T): void;
  /** Follows the kind until `signal` is aborted. */
  run(signal: AbortSignal): Promise<void>;
}

export interface StoreSettings<T extends KubeObject> extends WatcherSettings {
  /** Only what lies in these, each watched by itself; without it, or empty, what `namespace` says. */
  readonly namespaces?: readonly string[];
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /**
   * Without that kind this one is of no use: it is not followed before the other was listed, and is as unavailable as that
   * until then.
   */
  readonly after?: Store<KubeObject>;
  /** What is kept of an object, where the rest would cost memory for nothing. It must keep apiVersion, kind, metadata. */
  readonly keep?: (object: T) => T;
  readonly onInterruption?: (interruption: Interruption) => void;
}

export type Interruption = Extract<WatcherEvent<KubeObject>, { readonly type: 'interrupted' }>;

export const createStore = <T extends KubeObject>(
  client: Client,
  kind: Kind,
  settings: StoreSettings<T>,
): Store<T> => {
  const objects = new Map<Key, T>();
  const indexes = indexesOf({ owner: owners, ...settings.indexes });
  const listeners = new Set<(change: Change<T>) => void>();
  const scopes = scopesOf(settings);
  const listed = new Set<Scope>();
  const unavailability = new Map<Scope, Unavailability>();
  let lastEventAt = performance.now();
  // Up to where each watch has told everything.
  const positions = new Map<Scope, string | undefined>();

  const tell = (change: Change<T>): void => {
    for (const listener of listeners) listener(change);
  };

  const put = (received: T): void => {
    const key = keyOf(received.metadata);
    const previous = objects.get(key);
    const { uid, resourceVersion } = received.metadata;
    if (previous?.metadata.uid === uid && previous?.metadata.resourceVersion === resourceVersion) return;
    if (isOlder(resourceVersion, previous?.metadata.resourceVersion) === true) return;
    const object = Object.freeze(settings.keep?.(received) ?? received);
    const isSame = previous?.metadata.uid === uid;
    if (previous !== undefined && !isSame) forget(previous);
    objects.set(key, object);
    indexes.move(key, isSame ? previous : undefined, object);
    if (previous !== undefined && isSame) tell({ type: 'updated', object, previous });
    else tell({ type: 'added', object });
  };

  const forget = (object: T): void => {
    const key = keyOf(object.metadata);
    objects.delete(key);
    indexes.move(key, object, undefined);
    tell({ type: 'deleted', object });
  };

  const remove = (object: T): void => {
    const known = objects.get(keyOf(object.metadata));
    if (known === undefined) return;
    // Not the one that we know: that one is newer.
    if (isOlder(object.metadata.resourceVersion, known.metadata.resourceVersion) !== true) forget(known);
  };

  const replaceAll = (scope: Scope, found: readonly T[], at: string): void => {
    const knownNow = (): [Key, T][] =>
      [...objects].filter(([, { metadata }]) => isWithin(scope, metadata.namespace));
    // The server has gone back in time, as after a restore: what is known counts no more.
    if (isOlder(at, positions.get(scope)) === true) for (const [, object] of knownNow()) forget(object);
    const keys = new Set(found.map(({ metadata }) => keyOf(metadata)));
    for (const [key, object] of knownNow()) {
      // What we wrote after the list was made is not missing from it.
      const isNewer = isOlder(at, object.metadata.resourceVersion) === true;
      if (!keys.has(key) && !isNewer) forget(object);
    }
    for (const object of found) put(object);
  };

  const becomeAvailable = (scope: Scope): void => {
    const isNews = !listed.has(scope) || unavailability.has(scope);
    listed.add(scope);
    unavailability.delete(scope);
    if (isNews) tell({ type: 'availability' });
  };

  const becomeUnavailable = (scope: Scope, next: Unavailability): void => {
    const isNews = next.cause !== unavailability.get(scope)?.cause;
    unavailability.set(scope, next);
    if (isNews) tell({ type: 'availability' });
  };

  const take = (scope: Scope, event: WatcherEvent<T>): void => {
    if (event.type === 'interrupted') {
      settings.onInterruption?.(event);
      const { cause, error } = event;
      if (cause === 'Forbidden' || cause === 'NotServed')
        becomeUnavailable(scope, { cause, message: error?.message ?? cause });
      return;
    }
    lastEventAt = performance.now();
    switch (event.type) {
      case 'listed':
        replaceAll(scope, event.objects, event.resourceVersion);
        positions.set(scope, event.resourceVersion);
        becomeAvailable(scope);
        return;
      case 'applied':
        positions.set(scope, event.object.metadata.resourceVersion);
        put(event.object);
        return;
      case 'deleted':
        positions.set(scope, event.object.metadata.resourceVersion);
        remove(event.object);
        return;
      case 'bookmark':
        positions.set(scope, event.resourceVersion);
        return;
    }
  };

  const hasSynced = (): boolean => listed.size === scopes.length;
  const { after } = settings;
  const isHeld = (): boolean => after?.hasSynced() === false;
  const unavailable = (): Unavailability | undefined =>
    [...unavailability.values()].at(0) ?? (isHeld() ? after?.unavailable() : undefined);
  const hasSettled = (): boolean =>
    isHeld()
      ? unavailable() !== undefined
      : scopes.every((scope) => listed.has(scope) || unavailability.has(scope));

  /** Resolves once it is so, or when `signal` is aborted. */
  const until = (isSo: () => boolean, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!isSo() && !signal.aborted) return;
        listeners.delete(look);
        endAfter?.();
        signal.removeEventListener('abort', look);
        resolve();
      };
      listeners.add(look);
      const endAfter = after?.onChange(look);
      signal.addEventListener('abort', look);
      look();
    });

  return {
    kind,
    get: (key) => objects.get(key),
    list: () => [...objects.values()],
    keys: () => [...objects.keys()],
    byIndex: (index, value) =>
      indexes.keys(index, value).flatMap((key) => {
        const object = objects.get(key);
        return object === undefined ? [] : [object];
      }),
    hasSynced,
    hasSettled,
    settled: (signal) => until(hasSettled, signal),
    unavailable,
    lastEventAgeMs: () => performance.now() - lastEventAt,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    learn: (object) => {
      // The watch is ahead of the write's answer: it knows better, a deletion for instance.
      const scope = scopes.find((one) => isWithin(one, object.metadata.namespace));
      if (scope === undefined) return;
      if (isOlder(positions.get(scope), object.metadata.resourceVersion) === true) put(object);
    },
    run: async (signal) => {
      await until(() => !isHeld(), signal);
      lastEventAt = performance.now();
      await Promise.all(
        scopes.map(async (scope) => {
          const watcher = watchKind<T>(client, kind, { ...settings, namespace: scope.namespace }, signal);
          for await (const event of watcher) take(scope, event);
        }),
      );
    },
  };
};

/** What one watch covers. */
interface Scope {
  readonly namespace: string | undefined;
}

const scopesOf = ({
  namespace,
  namespaces = [],
}: Pick<StoreSettings<KubeObject>, 'namespace' | 'namespaces'>): readonly Scope[] =>
  namespaces.length === 0 ? [{ namespace }] : namespaces.map((one) => ({ namespace: one }));

const isWithin = (scope: Scope, namespace: string | undefined): boolean =>
  scope.namespace === undefined || scope.namespace === namespace;

const owners = ({ metadata }: KubeObject): readonly string[] =>
  (metadata.ownerReferences ?? []).map(({ uid }: OwnerReference) => uid);

/** Several indexes over one set of objects: which keys are under which value. */
const indexesOf = <T extends KubeObject>(functions: Readonly<Record<string, IndexFunction<T>>>) => {
  const all = Object.entries(functions).map(([name, of]) => ({
    name,
    of,
    keys: new Map<string, Set<Key>>(),
  }));
  return {
    move: (key: Key, before: T | undefined, after: T | undefined): void => {
      for (const { of, keys } of all) {
        for (const value of before === undefined ? [] : of(before)) {
          const under = keys.get(value);
          under?.delete(key);
          if (under?.size === 0) keys.delete(value);
        }
        for (const value of after === undefined ? [] : of(after)) {
          const under = keys.get(value);
          if (under === undefined) keys.set(value, new Set([key]));
          else under.add(key);
        }
      }
    },
    keys: (index: string, value: string): readonly Key[] => {
      const found = all.find(({ name }) => name === index);
      if (found === undefined) throw new Error(`there is no index ${index}`);
      return [...(found.keys.get(value) ?? [])];
    },
  };
};
