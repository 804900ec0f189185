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

const finding = fc.record({
  status: fc.constantFrom('True', 'False', 'Unknown'),
  reason,
  message: fc.string(),
});

/** Any facts at all, sensible or not: what status says of them must still hold together. */
export const arbitraryFacts: fc.Arbitrary<Facts> = fc
  .record(
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
          execution: fc.constantFrom('Native', 'Emulated', 'Impossible', 'Undecided'),
          state: fc.constantFrom(...platformStates),
          reason,
          message: fc.string(),
        }),
        { selector: ({ platform }) => platform, minLength: 1 },
      ),
      emulationProven: fc.boolean(),
      published: fc.constant(image),
      isPublishing: fc.boolean(),
      blocker: fc.record({ reason, message: fc.string() }),
      emulation: finding,
      bases: finding,
      deployed: finding,
      webhooks: fc.constant<NonNullable<Facts['webhooks']>>([
        { type: 'GitHub', platform: 'linux/arm64', path: '/x' },
      ]),
      publishFailure: fc.record({ reason, message: fc.string() }),
    },
    { requiredKeys: ['generation', 'spec', 'platforms', 'emulationProven'] },
  )
  // What is about to be published is not published; and only a cluster, where a failure to publish is another fact, runs
  // what was built.
  .map(({ isPublishing, deployed, ...facts }) => ({
    ...facts,
    ...(facts.published === undefined && isPublishing !== undefined ? { isPublishing } : {}),
    ...(facts.publishFailure === undefined && deployed !== undefined ? { deployed } : {}),
  }));
