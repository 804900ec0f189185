import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { statusSchema } from '../../src/api/status.ts';
import { statusOf } from '../../src/edgebuild/status.ts';
import { arbitraryFacts, factsOf, image, now, platformFacts } from './facts.ts';

describe('the status', () => {
  test('is what the schema of the object allows, whatever the facts', () => {
    fc.assert(
      fc.property(arbitraryFacts, (facts) => {
        expect(statusSchema.safeParse(statusOf(facts, undefined, now)).error).toBeUndefined();
      }),
    );
  });

  test('is about the generation that was built', () => {
    fc.assert(
      fc.property(arbitraryFacts, (facts) => {
        expect(statusOf(facts, undefined, now).observedGeneration).toBe(facts.generation);
      }),
    );
  });

  test('changes nothing the second time', () => {
    fc.assert(
      fc.property(arbitraryFacts, (facts) => {
        const once = statusOf(facts, undefined, '2020-01-01T00:00:00Z');
        expect(statusOf(facts, once, now)).toEqual(once);
      }),
    );
  });

  test('keeps what was published before, if nothing newer was', () => {
    const failed = factsOf([platformFacts({ state: 'Failed', reason: 'OutOfMemory' })]);
    expect(statusOf(failed, { image }, now).image).toEqual(image);
    const newer = { ...image, digest: 'sha256:2' };
    const done = factsOf([platformFacts()], { published: newer });
    expect(statusOf(done, { image }, now).image).toEqual(newer);
  });

  test('says nothing of an execution that is impossible', () => {
    const facts = factsOf([
      platformFacts({ execution: 'Impossible', state: 'Failed', reason: 'NativeUnavailable' }),
    ]);
    expect(statusOf(facts, undefined, now).platforms?.[0]).not.toHaveProperty('execution');
  });
});
