/** EdgeBuilds that fast-check makes up from the schema itself: a new field is tried as soon as it is there. */
import fc from 'fast-check';
import type { EdgeBuildInput } from '../../src/api/edgebuild.ts';
import { edgeBuildOpenApi, type StructuralSchema } from '../../src/api/openapi.ts';

const partOf = (name: string): StructuralSchema => {
  const part = edgeBuildOpenApi().properties?.[name];
  if (part === undefined) throw new Error(`the schema has no ${name}`);
  return part;
};
export const spec = partOf('spec');
export const status = partOf('status');

const textOf = (
  { enum: choices, format, pattern, maxLength = 0 }: StructuralSchema,
  texts: fc.Arbitrary<string>,
): fc.Arbitrary<string> => {
  if (choices !== undefined) return fc.constantFrom(...choices);
  if (format === 'date-time')
    return fc
      .date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') })
      .map((date) => date.toISOString());
  if (pattern === undefined) return texts;
  return fc.stringMatching(new RegExp(pattern)).filter((text) => text.length <= maxLength);
};

/** Values that a schema admits. Texts without a pattern are of `texts`. */
export const admitted = (schema: StructuralSchema, texts: fc.Arbitrary<string>): fc.Arbitrary<unknown> => {
  const key = schema['x-kubernetes-list-map-keys']?.[0];
  switch (schema.type) {
    case 'object':
      if (schema.additionalProperties !== undefined)
        return fc.dictionary(
          fc.stringMatching(/^[a-z]{1,20}$/),
          admitted(schema.additionalProperties, texts),
          { maxKeys: 5 },
        );
      return fc.record(
        Object.fromEntries(
          Object.entries(schema.properties ?? {}).map(([name, field]) => [name, admitted(field, texts)]),
        ),
        { requiredKeys: schema.required ?? [] },
      );
    case 'array':
      return fc.uniqueArray(admitted(schema.items ?? spec, texts), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 0, 5),
        selector: (item) => (key === undefined ? item : (item as Record<string, unknown>)[key]),
      });
    case 'string':
      return textOf(schema, texts);
    case 'integer':
      return fc.integer({ min: schema.minimum ?? 0, max: schema.maximum ?? 1000 });
    case 'boolean':
      return fc.boolean();
  }
};

/** Texts such as no rule of a field that takes one word refuses. */
export const plainWords = fc.stringMatching(/^[a-z][a-z0-9]{0,20}$/);
export const uris = plainWords.map((word) => `https://example.com/${word}.git`);
const streamTags = fc.tuple(plainWords, plainWords).map((parts) => parts.join(':'));

type Spec = EdgeBuildInput['spec'];

/** Specs that no rule refuses, of the given sources. */
export const specsOf = (sources: fc.Arbitrary<Spec['source']>): fc.Arbitrary<Spec> =>
  fc.tuple(admitted(spec, plainWords), sources, streamTags).map(([value, source, imageStreamTag]) => {
    const { deploy, output, ...rest } = value as Spec;
    return {
      ...rest,
      source,
      ...(output === undefined ? {} : { output: withStream(output, imageStreamTag) }),
      ...(deploy === undefined ? {} : { deploy: withPort(deploy) }),
    };
  });

const withStream = (output: NonNullable<Spec['output']>, imageStreamTag: string) =>
  output.imageStreamTag === undefined ? output : { ...output, imageStreamTag };

/** A Route leads to a port. */
const withPort = (deploy: NonNullable<Spec['deploy']>) =>
  deploy.expose === true && deploy.port === undefined ? { ...deploy, port: 8080 } : deploy;

export const objectOf = (value: unknown): unknown => ({
  apiVersion: 'edgebuild.io/v1alpha1',
  kind: 'EdgeBuild',
  metadata: { name: 'web' },
  spec: value,
});
