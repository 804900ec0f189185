/**
 * The structural OpenAPI schema of the custom resource, made from the zod schemas. The API server refuses what zod
 * writes in three places, and they are mended here: `additionalProperties: false` beside properties (an API server
 * prunes or refuses unknown fields by itself), patterns with lookahead for times, and the bounds of JavaScript's
 * integers.
 */
import * as z from 'zod';
import {
  nodeEmulationKind,
  nodeEmulationNameRule,
  nodeEmulationSpecSchema,
  nodeEmulationStatusSchema,
} from './node-emulation.ts';
import { type Rule, validationOf } from './rule.ts';
import { specSchema } from './spec.ts';
import { statusSchema } from './status.ts';

/** The part of OpenAPI 3.0 that a structural schema uses. */
export interface StructuralSchema {
  type: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  description?: string;
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: StructuralSchema;
  items?: StructuralSchema;
  required?: string[];
  default?: unknown;
  enum?: string[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  minimum?: number;
  maximum?: number;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-validations'?: readonly Readonly<Record<string, string>>[];
}

const mend = (schema: z.core.JSONSchema.BaseSchema): void => {
  describeFirst(schema);
  if (schema.additionalProperties === false) delete schema.additionalProperties;
  delete schema.propertyNames;
  if (schema.format === 'date-time') delete schema.pattern;
  if (schema.type !== 'integer') return;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
};

/** What a person looks for stands first. */
const describeFirst = (schema: z.core.JSONSchema.BaseSchema): void => {
  const { description, type, default: initial, ...rest } = schema;
  for (const key of Object.keys(schema)) Reflect.deleteProperty(schema, key);
  Object.assign(schema, description === undefined ? {} : { description }, { type });
  Object.assign(schema, initial === undefined ? {} : { default: initial }, rest);
};

const structural = (schema: z.ZodType): StructuralSchema =>
  z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    override: ({ jsonSchema }) => {
      mend(jsonSchema);
    },
  }) as unknown as StructuralSchema;

interface Described {
  readonly kind: string;
  readonly description: string;
  readonly spec: z.ZodType;
  /** Whether an object without spec is refused. */
  readonly specRequired: boolean;
  readonly status: z.ZodType;
  readonly rules?: readonly Rule[];
}

const build = ({
  kind,
  description,
  spec,
  specRequired,
  status,
  rules = [],
}: Described): StructuralSchema => ({
  type: 'object',
  description,
  ...(specRequired ? { required: ['spec'] } : {}),
  ...(rules.length === 0 ? {} : { 'x-kubernetes-validations': rules.map(validationOf) }),
  properties: {
    apiVersion: { type: 'string', description: 'The version of this schema: edgebuild.io/v1alpha1.' },
    kind: { type: 'string', description: `${kind}.` },
    metadata: { type: 'object' },
    spec: structural(spec),
    status: structural(status),
  },
});

let edgeBuild: StructuralSchema | undefined;
let nodeEmulation: StructuralSchema | undefined;

/** The schema of a whole EdgeBuild. Made at the first call. Not to be changed by the caller. */
export const edgeBuildOpenApi = (): StructuralSchema =>
  (edgeBuild ??= build({
    kind: 'EdgeBuild',
    description:
      'EdgeBuild builds container images for other CPU architectures from one source, and proves that they are what they claim.',
    ...{ spec: specSchema, specRequired: true, status: statusSchema },
  }));

/** The same of a NodeEmulation. */
export const nodeEmulationOpenApi = (): StructuralSchema =>
  (nodeEmulation ??= build({
    kind: nodeEmulationKind,
    description:
      'NodeEmulation says which nodes run programs of which other CPU architectures, and shows where that is proven.',
    ...{ spec: nodeEmulationSpecSchema, specRequired: false, status: nodeEmulationStatusSchema },
    rules: [nodeEmulationNameRule],
  }));
