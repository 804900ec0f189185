import { type Key, keyOf, type KubeObject } from '../kube/objects.ts';
import type { Change, Store } from '../kube/store.ts';
import type { Logger } from '../ops/log.ts';

/** What tells of changes: a cache, or something like one. */
export type Source = Pick<Store<KubeObject>, 'onChange' | 'settled'>;

/** A kind whose changes concern objects of the root kind that do not own them. */
export interface Mapped {
  readonly store: Source;
  /** Keys of the root that a change of `object` concerns. */
  readonly keys: (object: KubeObject) => readonly Key[];
  /** Changes within this time, in milliseconds, start a key once: where thousands of objects concern one. 0 without it. */
  readonly coalesceMs?: number;
}

interface Feed<T extends KubeObject> {
  readonly root: Store<T>;
  readonly owned: readonly Store<KubeObject>[];
  readonly mapped: readonly Mapped[];
  /** All that there are. */
  readonly keys: () => readonly Key[];
  readonly add: (key: Key, afterMs?: number) => void;
  readonly log: Logger;
}

/** Turns changes of every kind into keys of the root. Returns a function that ends it. */
export const feed = <T extends KubeObject>({
  root,
  owned,
  mapped,
  keys: all,
  add,
  log,
}: Feed<T>): (() => void) => {
  const addAll = (): void => {
    for (const key of all()) add(key);
  };
  const follow = ({ store, keys, coalesceMs }: Mapped): (() => void) =>
    store.onChange((change) => {
      if (change.type === 'availability') addAll();
      else
        for (const object of concerned(change))
          for (const key of safely(keys, object, log)) add(key, coalesceMs);
    });

  const ends = [
    root.onChange((change) => {
      if (change.type === 'availability') addAll();
      else add(keyOf(change.object.metadata));
    }),
    ...owned.map((store) => follow({ store, keys: ownerKey(root) })),
    ...mapped.map(follow),
  ];
  return () => {
    for (const end of ends) end();
  };
};

/** Before and after: a child that was given to another owner concerns both. */
const concerned = (change: Exclude<Change<KubeObject>, { type: 'availability' }>): readonly KubeObject[] =>
  change.type === 'updated' ? [change.object, change.previous] : [change.object];

/** The owner is named with its uid: an owner that was deleted and made anew has lost its children. */
const ownerKey =
  <T extends KubeObject>(root: Store<T>) =>
  ({ metadata }: KubeObject): readonly Key[] => {
    const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
    if (owner?.kind !== root.kind.kind || groupOf(owner.apiVersion) !== root.kind.group) return [];
    const { namespace } = metadata;
    return [keyOf({ name: owner.name, ...(namespace === undefined ? {} : { namespace }) })];
  };

/** Versions do not matter: one object is served in each of them. */
const groupOf = (apiVersion: string): string => apiVersion.split('/').at(-2) ?? '';

/** A mapping that throws is a bug of its author, and must not keep other listeners from the change. */
const safely = (
  keys: (object: KubeObject) => readonly Key[],
  object: KubeObject,
  log: Logger,
): readonly Key[] => {
  try {
    return keys(object);
  } catch (error) {
    log.error('an object could not be mapped to keys: this is a bug', {
      error,
      object: keyOf(object.metadata),
    });
    return [];
  }
};
