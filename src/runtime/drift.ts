import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../kube/objects.ts';
import { ownedFieldsOf } from '../kube/received.ts';

/**
 * Where `live` is not as a server-side apply of `desired` would leave it; undefined when the apply would change nothing.
 *
 * Decided without asking the server, from what it noted of our last apply (`fieldsV1`): the fields that we own must be
 * exactly those of `desired`, and their values the same. So a field that somebody changed, or took over, is seen, and
 * so is one of ours that `desired` has no more. Fields of others are not looked at.
 *
 * Caveat: a value that the server writes differently from us ("1000m" for "1") looks like drift for ever. Whoever
 * applies must remember that it has done so.
 *
 * @returns the first such field, as "spec.replicas".
 */
export const driftOf = (desired: KubeObject, live: KubeObject): string | undefined => {
  const owned = ownedFieldsOf(live);
  if (owned === undefined) return 'metadata.managedFields';
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...content } = desired;
  const { name: _name, namespace: _ns, uid: _uid, resourceVersion: _rv, ...ours } = metadata;
  // The server does not note who owns what names an object.
  const compared = { ...content, ...(Object.keys(ours).length === 0 ? {} : { metadata: ours }) };
  return driftOfMap(compared, live, parse(owned), '');
};

/** fieldsV1: `f:name` a field, `k:{…}` an item of a list by its keys, `v:…` an item of a set, `.` the thing itself. */
interface Fields {
  readonly [part: string]: Fields;
}

/** Objects of one shape share one text (see received.ts), so few of them are ever parsed. */
const parsed = new Map<string, Fields>();
const maxParsed = 1000;
const parse = (text: string): Fields => {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  if (parsed.size >= maxParsed) parsed.clear();
  const fields = JSON.parse(text) as Fields;
  parsed.set(text, fields);
  return fields;
};

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const partsOf = (fields: Fields): readonly string[] => Object.keys(fields).filter((part) => part !== '.');

const join = (path: string, part: string): string => (path === '' ? part : `${path}.${part}`);

const driftOfValue = (desired: unknown, live: unknown, fields: Fields, path: string): string | undefined => {
  // Owned as a whole: a scalar, an empty thing, or what the schema calls atomic.
  if (partsOf(fields).length === 0) return isDeepStrictEqual(plain(desired), plain(live)) ? undefined : path;
  if (isMap(desired) && isMap(live)) return driftOfMap(desired, live, fields, path);
  if (Array.isArray(desired) && Array.isArray(live)) return driftOfList(desired, live, fields, path);
  return path;
};

/** What JSON makes of it: without `undefined`, and without the symbols of ours. */
const plain = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? (JSON.parse(JSON.stringify(value)) as unknown) : value;

const driftOfMap = (
  desired: Readonly<Record<string, unknown>>,
  live: object,
  fields: Fields,
  path: string,
): string | undefined => {
  const given = Object.entries(desired).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    const below = fields[`f:${name}`];
    if (below === undefined) return join(path, name);
    const drift = driftOfValue(value, (live as Record<string, unknown>)[name], below, join(path, name));
    if (drift !== undefined) return drift;
  }
  const dropped = partsOf(fields).find((part) => !(part.startsWith('f:') && part.slice(2) in desired));
  return dropped === undefined ? undefined : join(path, dropped.slice(2));
};

/** Lists whose items are merged one by one. The order in which others put them is not ours. */
const driftOfList = (
  desired: readonly unknown[],
  live: readonly unknown[],
  fields: Fields,
  path: string,
): string | undefined => {
  const parts = partsOf(fields);
  const met = new Set<string>();
  // An item that leaves a key to its default could be several: those that say all of theirs choose first.
  const choices = (item: unknown): number => parts.filter((part) => names(part, item)).length;
  for (const item of desired.toSorted((one, other) => choices(one) - choices(other))) {
    const part = parts.find((one) => !met.has(one) && names(one, item));
    const itemPath = `${path}[${JSON.stringify(item).slice(0, 60)}]`;
    if (part === undefined) return itemPath;
    met.add(part);
    const found = live.find((one) => names(part, one));
    if (found === undefined) return itemPath;
    const below = part.startsWith('k:') ? fields[part] : undefined;
    const drift =
      below === undefined ? undefined : driftOfValue(item, found, below, `${path}[${part.slice(2)}]`);
    if (drift !== undefined) return drift;
  }
  const dropped = parts.find((part) => !met.has(part));
  return dropped === undefined ? undefined : `${path}[${dropped.slice(2)}]`;
};

/** Whether `part` names this item. Keys that the item leaves out have a default (the protocol of a port). */
const names = (part: string, item: unknown): boolean => {
  const value = JSON.parse(part.slice(2)) as unknown;
  if (part.startsWith('v:')) return isDeepStrictEqual(value, item);
  return (
    isMap(value) &&
    isMap(item) &&
    Object.entries(value).every(([key, one]) => item[key] === undefined || isDeepStrictEqual(item[key], one))
  );
};
