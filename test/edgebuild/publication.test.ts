import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { platformStates, type PlatformState } from '../../src/api/conditions.ts';
import { platformNames } from '../../src/api/platforms.ts';
import { publishable } from '../../src/edgebuild/publication.ts';

const [amd64, arm64] = ['linux/amd64', 'linux/arm64'] as const;
const states = (first: PlatformState, second: PlatformState) => [
  { platform: arm64, state: first },
  { platform: amd64, state: second },
];

describe('what is published', () => {
  test.each<['AllPlatforms' | 'Succeeded', PlatformState, PlatformState, readonly string[]]>([
    ['AllPlatforms', 'Succeeded', 'Succeeded', [arm64, amd64]],
    ['AllPlatforms', 'Succeeded', 'Failed', []],
    ['AllPlatforms', 'Succeeded', 'Cancelled', []],
    ['AllPlatforms', 'Succeeded', 'Building', []],
    ['Succeeded', 'Succeeded', 'Succeeded', [arm64, amd64]],
    ['Succeeded', 'Succeeded', 'Failed', [arm64]],
    ['Succeeded', 'Failed', 'Failed', []],
  ])('with %s, of %s and %s: %j', (policy, first, second, expected) => {
    expect(publishable(policy, states(first, second))).toEqual(expected);
  });

  test('never holds a platform that did not succeed', () => {
    const platforms = fc.uniqueArray(
      fc.record({ platform: fc.constantFrom(...platformNames), state: fc.constantFrom(...platformStates) }),
      { selector: ({ platform }) => platform },
    );
    fc.assert(
      fc.property(fc.constantFrom('AllPlatforms', 'Succeeded'), platforms, (policy, given) => {
        const chosen = publishable(policy, given);
        for (const name of chosen) {
          expect(given.find(({ platform }) => platform === name)?.state).toBe('Succeeded');
        }
        if (policy === 'AllPlatforms') expect([0, given.length]).toContain(chosen.length);
      }),
    );
  });
});
