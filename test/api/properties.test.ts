import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dump } from 'js-yaml';
import { InputError } from '../../src/api/errors.ts';
import { loadEdgeBuilds } from '../../src/api/load.ts';
import type { StructuralSchema } from '../../src/api/openapi.ts';
import { platformNames } from '../../src/api/platforms.ts';
import { statusSchema } from '../../src/api/status.ts';
import { validateEdgeBuild } from '../../src/api/validate.ts';
import { admitted, objectOf, plainWords, spec, specsOf, status, uris } from '../support/edgebuilds.ts';

const goodSpecs = specsOf(uris.map((uri) => ({ git: { uri } })));

test('what the schema admits and no rule refuses is valid, and valid again with its defaults', () => {
  fc.assert(
    fc.property(goodSpecs, (value) => {
      const verdict = validateEdgeBuild(objectOf(value));
      expect(verdict).toMatchObject({ edgeBuild: { spec: value } });
      if ('edgeBuild' in verdict) expect(validateEdgeBuild(verdict.edgeBuild)).toEqual(verdict);
    }),
  );
});

test('it comes through YAML unchanged', () => {
  fc.assert(
    fc.property(goodSpecs, (value) => {
      const { edgeBuilds } = loadEdgeBuilds(dump(objectOf(value), { noRefs: true }), 'x');
      expect({ edgeBuild: edgeBuilds[0] }).toEqual(validateEdgeBuild(objectOf(value)));
    }),
  );
});

test('a status that its schema admits is valid', () => {
  fc.assert(
    fc.property(admitted(status, plainWords), (value) => {
      expect(statusSchema.safeParse(value).error).toBeUndefined();
    }),
  );
});

const anything = fc.anything({ withNullPrototype: true, withBigInt: false });
const fieldsOf = (schema: StructuralSchema): fc.Arbitrary<unknown> =>
  fc.record(Object.fromEntries(Object.keys(schema.properties ?? {}).map((name) => [name, anything])), {
    requiredKeys: [],
  });

test('any object is valid or has at least one fault with a message', () => {
  const objects = fc.oneof(
    anything,
    anything.map(objectOf),
    fieldsOf(spec).map(objectOf),
    admitted(spec, fc.string({ unit: 'binary', maxLength: 40 })).map(objectOf),
  );
  fc.assert(
    fc.property(objects, (object) => {
      const verdict = validateEdgeBuild(object);
      if ('edgeBuild' in verdict) return;
      expect(verdict.faults.length).toBeGreaterThan(0);
      for (const { message } of verdict.faults) expect(message).not.toBe('');
    }),
    { numRuns: 1000 },
  );
});

test('any text is read or ends in an InputError with at least one issue', () => {
  const scraps = fc.constantFrom(
    ...[
      'apiVersion: edgebuild.io/v1alpha1\n',
      'kind: EdgeBuild\n',
      'kind: List\n',
      'items:\n',
      '- ',
      'metadata: {name: a}\n',
    ],
    ...[
      'spec:\n',
      '  source: {dockerfile: FROM a}\n',
      '  platforms: [',
      ']\n',
      ...platformNames,
      '---\n',
      '...\n',
      '&a ',
      '*a',
    ],
    ...['<<: ', '{', '}', '"', "'", '\t', '|\n', '? ', '!!binary ', '%YAML 1.2\n', '\u0000', '\ud800'],
  );
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(scraps).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        expect(loadEdgeBuilds(text, 'x').edgeBuilds.length).toBeGreaterThan(0);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        expect(error.issues.length).toBeGreaterThan(0);
      }
    }),
    { numRuns: 1000 },
  );
});
