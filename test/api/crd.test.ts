import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { load, loadAll } from 'js-yaml';
import { crdFiles, crdsYaml, edgeBuildCrd, nodeEmulationCrd } from '../../src/api/crd.ts';
import { edgeBuildOpenApi, nodeEmulationOpenApi, type StructuralSchema } from '../../src/api/openapi.ts';

interface Node {
  readonly path: string;
  readonly schema: StructuralSchema;
}

const walk = (schema: StructuralSchema, path: string): Node[] => [
  { path, schema },
  ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => walk(field, `${path}.${name}`)),
  ...(schema.items === undefined ? [] : walk(schema.items, `${path}[]`)),
  ...(schema.additionalProperties === undefined ? [] : walk(schema.additionalProperties, `${path}.*`)),
];

/** What is ours; apiVersion, kind and metadata belong to Kubernetes. */
const nodes = [edgeBuildOpenApi(), nodeEmulationOpenApi()].flatMap(
  ({ properties: { spec, status } = {} }) => {
    if (spec === undefined || status === undefined) throw new Error('spec and status are missing');
    return [...walk(spec, 'spec'), ...walk(status, 'status')];
  },
);

/** Whether a default is what its schema allows, as the API server demands. */
const fits = (value: unknown, schema: StructuralSchema): boolean => {
  switch (schema.type) {
    case 'object':
      return (
        typeof value === 'object' &&
        Object.entries(value ?? {}).every(([key, field]) => {
          const part = schema.properties?.[key] ?? schema.additionalProperties;
          return part !== undefined && fits(field, part);
        })
      );
    case 'array': {
      const { items } = schema;
      return Array.isArray(value) && items !== undefined && value.every((item) => fits(item, items));
    }
    case 'string':
      return (
        typeof value === 'string' && (schema.enum?.includes(value) ?? value.length <= (schema.maxLength ?? 0))
      );
    case 'integer':
      return (
        Number.isInteger(value) &&
        Number(value) >= Number(schema.minimum) &&
        Number(value) <= Number(schema.maximum)
      );
    case 'boolean':
      return typeof value === 'boolean';
  }
};

const structuralKeywords = [
  ...[
    'type',
    'description',
    'properties',
    'additionalProperties',
    'items',
    'required',
    'default',
    'enum',
    'format',
  ],
  ...['pattern', 'minLength', 'maxLength', 'minItems', 'maxItems', 'maxProperties', 'minimum', 'maximum'],
  ...['x-kubernetes-list-type', 'x-kubernetes-list-map-keys', 'x-kubernetes-validations'],
];

describe('every part of the schema', () => {
  test.each(nodes)('$path is structural, described and bounded', ({ schema }) => {
    expect(structuralKeywords).toEqual(expect.arrayContaining(Object.keys(schema)));
    expect(['object', 'array', 'string', 'integer', 'boolean']).toContain(schema.type);
    expect(schema.description ?? '').not.toBe('');
    expect(schema.properties !== undefined && schema.additionalProperties !== undefined).toBe(false);
    expect(schema.pattern ?? '').not.toMatch(/\(\?/);
    if (schema.default !== undefined) expect(fits(schema.default, schema)).toBe(true);
    for (const name of schema.required ?? []) expect(Object.keys(schema.properties ?? {})).toContain(name);
    if (schema.type === 'string')
      expect(schema.enum ?? schema.maxLength ?? (schema.format === 'date-time' || undefined)).toBeDefined();
    if (schema.type === 'integer' && !/[gG]eneration$/.test(schema.description ?? ''))
      expect(schema.minimum).toBeDefined();
    if (schema.type === 'array') {
      expect(schema.maxItems).toBeDefined();
      expect(schema.items).toBeDefined();
      expect(schema['x-kubernetes-list-type']).toBeDefined();
    }
    if (schema.additionalProperties !== undefined) expect(schema.maxProperties).toBeDefined();
  });

  test.each(nodes.filter(({ schema }) => schema['x-kubernetes-list-type'] === 'map'))(
    '$path is merged by a key that each item must have',
    ({ schema }) => {
      const keys = schema['x-kubernetes-list-map-keys'] ?? [];
      expect(keys).toHaveLength(1);
      expect(schema.items?.required).toEqual(expect.arrayContaining(keys));
    },
  );

  test('a field that is optional says its default, one that is not says that it is required', () => {
    const silent = nodes.flatMap(({ path, schema }) =>
      Object.entries(schema.properties ?? {})
        .filter(([name, field]) => {
          const word = schema.required?.includes(name) === true ? 'Required' : 'Default';
          return !(field.description ?? '').includes(word);
        })
        .map(([name]) => `${path}.${name}`),
    );
    expect(silent).toEqual([]);
  });

  test('a message of a rule is one line', () => {
    const validations = nodes.flatMap(({ schema }) => schema['x-kubernetes-validations'] ?? []);
    expect(validations.length).toBeGreaterThan(20);
    for (const { message, rule } of validations) {
      expect(message).toMatch(/^[^\n]+$/);
      expect(rule).not.toContain('oldSelf');
    }
  });
});

describe('the definition', () => {
  const files = Object.entries(crdFiles());

  test.each(files)('%s is under 64 KiB', (_name, text) => {
    expect(Buffer.byteLength(text)).toBeLessThan(64 * 1024);
  });

  test('of each kind reads back from YAML as it was', () => {
    const plain: unknown = JSON.parse(JSON.stringify([edgeBuildCrd(), nodeEmulationCrd()]));
    expect(files.map(([, text]) => load(text))).toEqual(plain);
    expect(loadAll(crdsYaml())).toEqual(plain);
  });

  test.each(files)('%s is the one in crds/', async (name, text) => {
    expect(await readFile(join(import.meta.dirname, '../../crds', name), 'utf8')).toBe(text);
  });

  test('of EdgeBuild has a status of its own and the columns Ready, Reason, Platforms, Image, Age', () => {
    expect(edgeBuildCrd()).toMatchObject({
      spec: {
        scope: 'Namespaced',
        names: { shortNames: ['eb'] },
        versions: [
          {
            name: 'v1alpha1',
            storage: true,
            subresources: { status: {} },
            additionalPrinterColumns: ['Ready', 'Reason', 'Platforms', 'Image', 'Age'].map((name) => ({
              name,
            })),
          },
        ],
      },
    });
  });
});
