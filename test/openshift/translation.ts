/** Between the groups that clients name and those that hold the objects. */
import { load } from 'js-yaml';
import { allGroups, type Group, storedImageName } from './groups.ts';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const imageName = /sha256\.([0-9a-f]{64})/g;
/** How the API server begins what admission.ts refuses. */
const denial = /admission webhook \\?"[^"]+\\?" denied the request: /g;

/** Text of the API server, with the names that clients know. */
export const shownText = (text: string, resource: string | undefined): string => {
  let shown = text.replaceAll(denial, '');
  for (const { name, shadow } of allGroups) shown = shown.replaceAll(shadow, name);
  return resource === 'images' ? shown.replaceAll(imageName, 'sha256:$1') : shown;
};

/** An object, a list, an event of a watch or a Status as clients see it. */
export const shown = (text: string, resource: string | undefined): string => {
  const translated = shownText(text, resource);
  try {
    return JSON.stringify(withoutNotes(JSON.parse(translated)));
  } catch {
    return translated;
  }
};

const withoutNotes = (value: unknown): unknown => {
  if (!isObject(value)) return value;
  if (isObject(value['object']) && 'type' in value)
    return { ...value, object: withoutNotes(value['object']) };
  if (Array.isArray(value['items'])) return { ...value, items: value['items'].map(withoutNotes) };
  const { standin, ...object } = value;
  const { metadata } = object;
  if (object['kind'] === 'Image' && isObject(metadata)) {
    const { generation: _, ...others } = metadata;
    return { ...object, metadata: others };
  }
  if (!isObject(standin) || !isObject(metadata)) return object;
  const generation = standin['generation'] ?? metadata['generation'];
  return { ...object, metadata: { ...metadata, generation, ...withoutNoted(metadata) } };
};

/** Of the field that the stand-in adds. */
const withoutNoted = ({ managedFields }: Json): object => {
  if (!Array.isArray(managedFields)) return {};
  return {
    managedFields: managedFields.map((entry: Json) => {
      const { 'f:standin': _, ...fieldsV1 } = (entry['fieldsV1'] ?? {}) as Json;
      return { ...entry, fieldsV1 };
    }),
  };
};

/** What a client sends, for storage: undefined where it is no object at all, which the API server refuses by itself. */
export const storedBody = (body: Buffer, group: Group): Json | undefined => {
  let parsed: unknown;
  try {
    // JSON is YAML; server-side apply may send either.
    parsed = load(body.toString());
  } catch {
    return undefined;
  }
  if (!isObject(parsed)) return undefined;
  const object = withoutNulls(parsed) as Json;
  const { metadata } = object;
  return {
    ...object,
    ...(object['apiVersion'] === `${group.name}/v1` ? { apiVersion: `${group.shadow}/v1` } : {}),
    ...(isObject(metadata) ? { metadata: storedMetadata(metadata, object['kind'], group) } : {}),
  };
};

const storedMetadata = (metadata: Json, kind: unknown, group: Group): Json => {
  const { managedFields, name } = metadata;
  return {
    ...metadata,
    ...(kind === 'Image' && typeof name === 'string' ? { name: storedImageName(name) } : {}),
    ...(Array.isArray(managedFields)
      ? {
          managedFields: managedFields.map((entry: Json) => ({
            ...entry,
            ...(entry['apiVersion'] === `${group.name}/v1` ? { apiVersion: `${group.shadow}/v1` } : {}),
          })),
        }
      : {}),
  };
};

/** To Go, null is the zero value: a field that is not there. */
const withoutNulls = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== null)
      .map(([key, one]) => [key, withoutNulls(one)]),
  );
};

/** A merge patch: null means remove. */
export const storedPatch = (body: Buffer, group: Group): string => {
  const text = body.toString();
  try {
    const parsed: unknown = JSON.parse(text);
    if (!isObject(parsed)) return text;
    const isNamed = parsed['apiVersion'] === `${group.name}/v1`;
    return JSON.stringify({ ...parsed, ...(isNamed ? { apiVersion: `${group.shadow}/v1` } : {}) });
  } catch {
    return text;
  }
};

/** Path and query of a stored object. */
export const storedPath = (url: string, { name, shadow }: Group): string =>
  url.replace(`/apis/${name}/`, `/apis/${shadow}/`).replace(/\/images\/sha256(:|%3A)/i, '/images/sha256.');

const translatable = /^application\/json(;|$)/;

/** Answers are translated as text: protobuf is not asked for. */
export const shownAs = (accept: string | undefined): string => {
  const wanted = (accept ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => translatable.test(one));
  return wanted.length === 0 ? 'application/json' : wanted.join(',');
};
