/** Values of the wrong type, refused as Go's JSON decoder refuses them: a CRD would call them invalid. */
import { badRequest } from './errors.ts';
import type { Target } from './requests.ts';
import { type Definition, type Definitions, openShiftDefinitions, referenceOf } from './schema-source.ts';

const kinds: Readonly<Record<string, string>> = {
  ...{ buildconfigs: 'BuildConfig', builds: 'Build', imagestreams: 'ImageStream', images: 'Image' },
};

/** @throws Refusal 400. */
export const checkTypes = async ({ group, resource }: Target, body: Buffer): Promise<void> => {
  const kind = kinds[resource];
  if (kind === undefined) return;
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    return;
  }
  const definitions = await openShiftDefinitions();
  const wrong = mismatch(definitions, `${group.definitions}.${kind}`, value, '');
  if (wrong === undefined) return;
  throw badRequest(`${kind} in version "v1" cannot be handled as a ${kind}: json: cannot unmarshal ${wrong}`);
};

/** The first, in the order of the document. */
const mismatch = (
  definitions: Definitions,
  name: string,
  value: unknown,
  path: string,
): string | undefined => {
  const { properties } = definitions[name] ?? {};
  if (properties === undefined || typeof value !== 'object' || value === null) return undefined;
  for (const [field, one] of Object.entries(value as Record<string, unknown>)) {
    const schema = properties[field];
    if (schema === undefined || field === 'metadata') continue;
    const where = path === '' ? field : `${path}.${field}`;
    const found = fieldMismatch(definitions, schema, one, { struct: name.split('.').at(-1) ?? '', where });
    if (found !== undefined) return found;
  }
  return undefined;
};

const fieldMismatch = (
  definitions: Definitions,
  schema: Definition,
  value: unknown,
  at: { readonly struct: string; readonly where: string },
): string | undefined => {
  if (value === null) return undefined;
  const reference = referenceOf(schema);
  if (reference !== undefined) {
    const properties = definitions[reference]?.properties;
    // Quantities, times and such have decoders of their own.
    if (properties === undefined) return undefined;
    if (typeof value !== 'object' || Array.isArray(value)) {
      const [version, struct] = reference.split('.').slice(-2);
      return `${typeOf(value)} into Go struct field ${at.struct}.${at.where} of type ${version ?? ''}.${struct ?? ''}`;
    }
    return mismatch(definitions, reference, value, at.where);
  }
  if (schema.items !== undefined && Array.isArray(value)) {
    for (const one of value) {
      const found = fieldMismatch(definitions, schema.items, one, at);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const wanted = goTypeOf(schema);
  return wanted === undefined || fits(schema, value)
    ? undefined
    : `${typeOf(value)} into Go struct field ${at.struct}.${at.where} of type ${wanted}`;
};

const typeOf = (value: unknown): string =>
  Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;

const goTypeOf = ({ type, format, items, additionalProperties }: Definition): string | undefined => {
  if (type === 'string') return 'string';
  if (type === 'boolean') return 'bool';
  if (type === 'integer') return format === 'int32' ? 'int32' : 'int64';
  if (items?.type === 'string') return '[]string';
  if (additionalProperties?.type === 'string') return 'map[string]string';
  return undefined;
};

const fits = ({ type, items }: Definition, value: unknown): boolean => {
  if (type === 'string') return typeof value === 'string';
  if (type === 'boolean') return typeof value === 'boolean';
  if (type === 'integer') return Number.isInteger(value);
  return items === undefined ? typeof value === 'object' && !Array.isArray(value) : Array.isArray(value);
};
