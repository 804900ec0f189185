import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isAtLeast, parseStep, parseVersion } from '../../../src/engines/local/buildah.ts';

describe('what buildah says of itself', () => {
  test.each([
    ['buildah version 1.28.2 (image-spec 1.1.0-rc2, runtime-spec 1.0.2-dev)', [1, 28]],
    ['buildah version 1.39.3 (image-spec 1.1.1, runtime-spec 1.2.1)', [1, 39]],
    ['buildah version 2.0.0-dev', [2, 0]],
    ['', undefined],
    ['no version', undefined],
  ])('%s', (text, version) => {
    expect(parseVersion(text)).toEqual(version);
  });

  test.each([
    [[1, 28], '1.33', false],
    [[1, 33], '1.33', true],
    [[1, 40], '1.33', true],
    [[2, 0], '1.33', true],
    [[0, 99], '1.33', false],
  ] as const)('%j is at least %s: %j', (version, wanted, answer) => {
    expect(isAtLeast(version, wanted)).toBe(answer);
  });
});

describe('a step as buildah announces it', () => {
  test.each([
    ['STEP 2/6: RUN apt-get update', { stage: 1, step: 2, steps: 6, text: 'RUN apt-get update' }],
    ['[2/3] STEP 1/4: FROM a AS b', { stage: 2, step: 1, steps: 4, text: 'FROM a AS b' }],
    ['STEP 1/1: ', { stage: 1, step: 1, steps: 1, text: '' }],
    ['  STEP 1/1: RUN a program that says so', undefined],
    ['STEP 1: FROM a', undefined],
    ['COMMIT', undefined],
  ])('%s', (line, step) => {
    expect(parseStep(line)).toEqual(step);
  });

  test('any line is a step or none', () => {
    fc.assert(
      fc.property(fc.string(), (line) => {
        const step = parseStep(line);
        if (step !== undefined) expect(line).toContain('STEP ');
      }),
    );
  });
});
