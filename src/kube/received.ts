import type { KubeObject } from './objects.ts';

/**
 * What an object from an API server becomes before anything sees it: `managedFields`, often half of its size, is
 * dropped, and the object is frozen, since caches hand the same one to everybody.
 *
 * What is kept of managedFields is which fields *we* own by server-side apply (`fieldsV1` of our manager), as text:
 * objects of one shape share one string, so that it costs next to nothing. It hangs on a symbol, as the time does at
 * which the object came: no JSON shows them.
 */
export const received = <T extends KubeObject>(object: T, manager: string): T => {
  const { managedFields, ...metadata } = object.metadata as T['metadata'] & { managedFields?: unknown };
  const owned = ownedBy(manager, managedFields);
  const slim = {
    ...object,
    metadata,
    ...(owned === undefined ? {} : { [ownedFields]: intern(owned) }),
    [receivedAt]: Math.round(performance.now()),
  };
  return freeze(slim as T);
};

const ownedFields = Symbol('fields that we own');
const receivedAt = Symbol('when it came');

/** How long ago the server told us of the object as it is here; in milliseconds, infinite if it never did. */
export const ageMsOf = (object: KubeObject): number =>
  performance.now() - ((object as { readonly [receivedAt]?: number })[receivedAt] ?? -Infinity);

/**
 * The fields of an object that its last server-side apply by us set, as `fieldsV1` JSON; undefined when there was none.
 * Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
export const ownedFieldsOf = (object: KubeObject): string | undefined =>
  (object as { readonly [ownedFields]?: string })[ownedFields];

interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly fieldsV1?: unknown;
}

const ownedBy = (manager: string, managedFields: unknown): string | undefined => {
  if (!Array.isArray(managedFields)) return undefined;
  const ours = (managedFields as readonly ManagedFieldsEntry[]).find(
    (entry) => entry.manager === manager && entry.operation === 'Apply' && (entry.subresource ?? '') === '',
  );
  return ours === undefined ? undefined : JSON.stringify(ours.fieldsV1);
};

/** Few shapes, many objects. Should an API make every object a shape of its own, the table starts anew. */
const interned = new Map<string, string>();
const maxInterned = 10_000;
const intern = (text: string): string => {
  const known = interned.get(text);
  if (known !== undefined) return known;
  if (interned.size >= maxInterned) interned.clear();
  interned.set(text, text);
  return text;
};

const freeze = <T extends object>(value: T): T => {
  for (const key in value) {
    const part: unknown = value[key];
    if (typeof part === 'object' && part !== null) freeze(part);
  }
  return Object.freeze(value);
};
