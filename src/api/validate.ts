import type * as z from 'zod';
import { edgeBuildSchema, type EdgeBuild } from './edgebuild.ts';
import { metadataSchema } from './metadata.ts';
import { nearest } from './nearest.ts';
import { edgeBuildOpenApi, type StructuralSchema } from './openapi.ts';
import { pathText, schemaRefusal, typeRefusal } from './words.ts';

/** One thing that is wrong with an object. */
export interface Fault {
  /** The keys and indexes that lead to it. */
  readonly path: readonly (string | number)[];
  /** What is wrong, in the API server's words, without the path. */
  readonly message: string;
}

export type Verdict = { readonly edgeBuild: EdgeBuild } | { readonly faults: readonly Fault[] };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The object without what the API server takes away before it validates: `status` (it has a resource of its own) and
 * fields that are null (they count as absent). Unknown fields stay, to be refused.
 */
const asReceived = (object: Record<string, unknown>): unknown => {
  const rest = Object.fromEntries(Object.entries(object).filter(([key]) => key !== 'status'));
  const metadata = rest['metadata'];
  const bare = withoutNulls(rest, edgeBuildOpenApi());
  return isRecord(metadata) && isRecord(bare) ? { ...bare, metadata: withoutNullValues(metadata) } : bare;
};

const withoutNullValues = (record: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));

const withoutNulls = (value: unknown, schema: StructuralSchema | undefined): unknown => {
  if (schema?.items !== undefined && Array.isArray(value))
    return value.map((item) => withoutNulls(item, schema.items));
  if (schema?.additionalProperties !== undefined && isRecord(value)) return withoutNullValues(value);
  if (schema?.properties === undefined || !isRecord(value)) return value;
  const properties = schema.properties;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, field]) => field !== null || !Object.hasOwn(properties, key))
      .map(([key, field]) => [
        key,
        Object.hasOwn(properties, key) ? withoutNulls(field, properties[key]) : field,
      ]),
  );
};

/** The names of the fields that there are at a path. */
const namesAt = (path: readonly (string | number)[]): readonly string[] => {
  if (path[0] === 'metadata') return path.length === 1 ? Object.keys(metadataSchema.shape) : [];
  const schema = path.reduce<StructuralSchema | undefined>(
    (parent, part) => (typeof part === 'number' ? parent?.items : parent?.properties?.[part]),
    edgeBuildOpenApi(),
  );
  return Object.keys(schema?.properties ?? {});
};

const unknownField = (path: readonly (string | number)[], key: string): Fault => {
  const full = [...path, key];
  const meant = nearest(key, namesAt(path));
  const hint = meant === undefined ? `known here: ${namesAt(path).join(', ')}` : `did you mean "${meant}"?`;
  return { path: full, message: `unknown field "${pathText(full)}": ${hint}` };
};

/** Of one object: nobody reads more. */
const mostUnknown = 200;

const faultsOf = (issue: z.core.$ZodIssue): readonly Fault[] => {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys')
    return issue.keys.slice(0, mostUnknown).map((key) => unknownField(path, key));
  const fault = { path, message: issue.message };
  if (issue.code !== 'invalid_value' || issue.input === undefined || typeof issue.input === 'string')
    return [fault];
  return [{ path, message: typeRefusal(path, issue.input, 'string') }, fault];
};

/**
 * Judges one object as the API server would, and fills in the defaults. What is in `status` is dropped unread.
 * Never throws, whatever it is given.
 */
export const validateEdgeBuild = (object: unknown): Verdict => {
  const input = isRecord(object) ? asReceived(object) : object;
  const result = edgeBuildSchema.safeParse(input, { error: schemaRefusal, reportInput: true });
  if (!result.success) return { faults: result.error.issues.flatMap(faultsOf) };
  return { edgeBuild: result.data };
};
