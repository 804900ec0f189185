import fc from 'fast-check';
import { platformStates, reasons, type Reason } from '../../src/api/conditions.ts';
import { platformNames } from '../../src/api/platforms.ts';
import { specSchema } from '../../src/api/spec.ts';
import type { EdgeBuildSpec } from '../../src/api/edgebuild.ts';
import type { Facts, PlatformFacts } from '../../src/edgebuild/facts.ts';

export const now = '2026-01-02T03:04:05Z';

export const specOf = (given: object = {}): EdgeBuildSpec =>
  specSchema.parse({ source: { dockerfile: 'FROM scratch' }, ...given });

export const platformFacts = (given: Partial<PlatformFacts> = {}): PlatformFacts => ({
  ...{ platform: 'linux/arm64', execution: 'Emulated', state: 'Succeeded', reason: 'BuildComplete' },
  message: 'built',
  ...given,
});

export const image = { reference: 'oci-archive:/x@sha256:1', digest: 'sha256:1', publishedAt: now };

export const factsOf = (platforms: readonly PlatformFacts[], given: Partial<Facts> = {}): Facts => ({
  ...{ generation: 3, spec: specOf(), platforms, emulationProven: true },
  ...given,
});

const reason = fc.constantFrom(...(Object.keys(reasons) as Reason[]));

/** Any facts at all, sensible or not: what status says of them must still hold together. */
export const arbitraryFacts: fc.Arbitrary<Facts> = fc.record(
  {
    generation: fc.nat(),
    spec: fc
      .record({
        publish: fc.constantFrom('AllPlatforms', 'Succeeded'),
        verify: fc.record({ architecture: fc.constantFrom('Strict', 'Skip') }),
      })
      .map(specOf),
    platforms: fc.uniqueArray(
      fc.record({
        platform: fc.constantFrom(...platformNames),
        execution: fc.constantFrom('Native', 'Emulated', 'Impossible'),
        state: fc.constantFrom(...platformStates),
        reason,
        message: fc.string(),
      }),
      { selector: ({ platform }) => platform, minLength: 1 },
    ),
    emulationProven: fc.boolean(),
    published: fc.constant(image),
    publishFailure: fc.record({ reason, message: fc.string() }),
  },
  { requiredKeys: ['generation', 'spec', 'platforms', 'emulationProven'] },
);
