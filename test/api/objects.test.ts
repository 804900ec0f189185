import { describe, expect, test } from '@jest/globals';
import { validateEdgeBuild } from '../../src/api/validate.ts';
import { pathText } from '../../src/api/words.ts';
import { objectCases } from './objects.ts';

const errorsOf = (object: unknown): string[] => {
  const verdict = validateEdgeBuild(object);
  if ('edgeBuild' in verdict) return [];
  return verdict.faults.map(({ path, message }) => `${pathText(path)}: ${message}`).sort();
};

describe('an object is refused in the API server’s words, each field named, all at once', () => {
  test.each(objectCases)('$title', ({ object, errors }) => {
    expect(errorsOf(object)).toEqual(errors);
  });
});

test('a good object gets every default', () => {
  const verdict = validateEdgeBuild({
    apiVersion: 'edgebuild.io/v1alpha1',
    kind: 'EdgeBuild',
    metadata: { name: 'web' },
    spec: { source: { dockerfile: 'FROM scratch' } },
  });
  expect(verdict).toEqual({
    edgeBuild: {
      apiVersion: 'edgebuild.io/v1alpha1',
      kind: 'EdgeBuild',
      metadata: { name: 'web' },
      spec: {
        source: { dockerfile: 'FROM scratch', contextDir: '.', dockerfilePath: 'Dockerfile' },
        platforms: ['linux/arm64'],
        execution: 'PreferNative',
        baseImages: [],
        buildArgs: [],
        output: { deletionPolicy: 'Retain', labels: {} },
        verify: { architecture: 'Strict' },
        triggers: { onSpecChange: true, onBaseImageChange: true, cancelSuperseded: false, webhooks: [] },
        retry: { limit: 2 },
        publish: 'AllPlatforms',
        timeoutSeconds: 3600,
        resources: {},
        history: { successful: 3, failed: 3 },
        suspend: false,
      },
    },
  });
});

test('no refusal shows the password of a git uri', () => {
  for (const { object } of objectCases.filter((row) => row.title.startsWith('a git uri')))
    expect(errorsOf(object).join('\n')).not.toContain('hunter2');
});
