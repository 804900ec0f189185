import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Condition, conditionTypes, type ConditionType, type Reason } from '../../src/api/conditions.ts';
import { conditionsOf } from '../../src/edgebuild/conditions.ts';
import type { Facts } from '../../src/edgebuild/facts.ts';
import { arbitraryFacts, factsOf, image, now, platformFacts, specOf } from './facts.ts';

const of = (facts: Facts): Record<ConditionType, Condition> =>
  Object.fromEntries(conditionsOf(facts, [], now).map((condition) => [condition.type, condition])) as Record<
    ConditionType,
    Condition
  >;

const failedBy = (reason: Parameters<typeof platformFacts>[0] & object) =>
  platformFacts({ state: 'Failed', message: 'why', ...reason });

describe('each condition covers every case', () => {
  const native = platformFacts({ platform: 'linux/amd64', execution: 'Native' });
  const arm64 = platformFacts();
  const building = platformFacts({ state: 'Building', reason: 'Building' });
  const waiting = platformFacts({ state: 'Waiting', reason: 'Pending' });
  const cancelled = platformFacts({ state: 'Cancelled', reason: 'Cancelled' });
  const skip = { spec: specOf({ verify: { architecture: 'Skip' } }) };
  const unproven = { emulationProven: false };
  const heldUp = (execution: 'Emulated' | 'Undecided' = 'Emulated') =>
    platformFacts({ state: 'Waiting', reason: 'BuildAPIUnavailable', execution });
  const no = (reason: Reason) => ({ status: 'False', reason, message: 'why' }) as const;
  const deployed = { status: 'True', reason: 'Deployed', message: 'why' } as const;
  const progressing = no('DeployProgressing');
  const blocker = { reason: 'NameConflict', message: 'why' } as const;
  const publishFailure = { reason: 'PublishFailed', message: 'refused' } as const;

  test.each<[string, ConditionType, Facts, Condition['status'], Condition['reason']]>([
    ['nothing is emulated', 'EmulationReady', factsOf([native], unproven), 'True', 'EmulationNotNeeded'],
    ['a foreign program ran', 'EmulationReady', factsOf([arm64]), 'True', 'EmulationProven'],
    ['none was tried', 'EmulationReady', factsOf([waiting], unproven), 'Unknown', 'Pending'],
    ['none runs', 'EmulationReady', factsOf([failedBy({ reason: 'EmulationUnavailable' })], unproven), 'False', 'EmulationUnavailable'],

    ['all were found', 'BaseImagesReady', factsOf([arm64]), 'True', 'BaseImagesFound'],
    ['one is of another platform', 'BaseImagesReady', factsOf([arm64, failedBy({ reason: 'BaseImageWrongArchitecture' })]), 'False', 'BaseImageWrongArchitecture'],
    ['none was looked at', 'BaseImagesReady', factsOf([waiting]), 'Unknown', 'Pending'],
    ['the source was not there', 'BaseImagesReady', factsOf([failedBy({ reason: 'FetchSourceFailed' })]), 'Unknown', 'Pending'],
    ['a step failed after them', 'BaseImagesReady', factsOf([failedBy({ reason: 'DockerfileStepFailed' })]), 'True', 'BaseImagesFound'],

    ['every platform is', 'Built', factsOf([arm64]), 'True', 'BuildComplete'],
    ['one failed', 'Built', factsOf([arm64, failedBy({ reason: 'OutOfMemory' })]), 'False', 'OutOfMemory'],
    ['one works', 'Built', factsOf([building]), 'Unknown', 'Building'],
    ['it was interrupted', 'Built', factsOf([cancelled]), 'False', 'Cancelled'],
    ['an image that proved wrong was built', 'Built', factsOf([failedBy({ reason: 'VerificationFailed' })]), 'True', 'BuildComplete'],

    ['every image passed', 'Verified', factsOf([arm64]), 'True', 'Verified'],
    ['nothing was to be checked', 'Verified', factsOf([arm64], skip), 'True', 'VerificationSkipped'],
    ['there is no image', 'Verified', factsOf([failedBy({ reason: 'OutOfMemory' })]), 'Unknown', 'OutOfMemory'],
    ['an image is of no good', 'Verified', factsOf([failedBy({ reason: 'SmokeCommandFailed' })]), 'False', 'SmokeCommandFailed'],

    ['all is there', 'Published', factsOf([arm64], { published: image }), 'True', 'Published'],
    ['a part is there', 'Published', factsOf([arm64, failedBy({ reason: 'OutOfMemory' })], { published: image }), 'True', 'PartlyPublished'],
    ['nothing is done', 'Published', factsOf([building]), 'Unknown', 'Pending'],
    ['nothing may be', 'Published', factsOf([failedBy({ reason: 'OutOfMemory' })]), 'False', 'NotPublished'],
    ['it was refused', 'Published', factsOf([arm64], { publishFailure }), 'False', 'PublishFailed'],

    ['it is about to be', 'Published', factsOf([arm64], { isPublishing: true }), 'Unknown', 'Publishing'],

    ['it runs', 'Deployed', factsOf([arm64], { deployed }), 'True', 'Deployed'],
    ['it does not run yet', 'Deployed', factsOf([arm64], { deployed: progressing }), 'False', 'DeployProgressing'],

    ['more is known of emulation', 'EmulationReady', factsOf([arm64], { emulation: no('EmulationUnavailable') }), 'False', 'EmulationUnavailable'],
    ['more is known of the bases', 'BaseImagesReady', factsOf([arm64], { bases: no('BaseImagesPending') }), 'False', 'BaseImagesPending'],
    ['it is not known where', 'EmulationReady', factsOf([heldUp('Undecided')], unproven), 'Unknown', 'BuildAPIUnavailable'],

    ['all is done', 'Ready', factsOf([arm64], { published: image }), 'True', 'Ready'],
    ['it does not run yet', 'Ready', factsOf([arm64], { published: image, deployed: progressing }), 'False', 'DeployProgressing'],
    ['it waits for something', 'Ready', factsOf([arm64, heldUp()]), 'False', 'BuildAPIUnavailable'],
    ['a person must act', 'Ready', factsOf([arm64], { published: image, blocker }), 'False', 'NameConflict'],
    ['it is about to be published', 'Ready', factsOf([arm64], { isPublishing: true }), 'False', 'Publishing'],
    ['a part is missing', 'Ready', factsOf([arm64, failedBy({ reason: 'OutOfMemory' })], { published: image }), 'False', 'OutOfMemory'],
    ['it was refused', 'Ready', factsOf([arm64], { publishFailure }), 'False', 'PublishFailed'],
    ['the source was not there', 'Ready', factsOf([failedBy({ reason: 'FetchSourceFailed' })]), 'False', 'FetchSourceFailed'],
    ['no machine is of the platform', 'Ready', factsOf([failedBy({ execution: 'Impossible', reason: 'NativeUnavailable' })]), 'False', 'NativeUnavailable'],
    ['it was interrupted', 'Ready', factsOf([cancelled]), 'False', 'Cancelled'],
    ['nodes have lost their emulation since', 'Ready', factsOf([arm64], { published: image, emulation: no('EmulationUnavailable'), bases: no('BaseImagesPending') }), 'True', 'Ready'],
    ['nothing was published', 'Ready', factsOf([arm64]), 'False', 'NotPublished'],
    ['work is under way', 'Ready', factsOf([building]), 'False', 'Building'],

    ['one works', 'Reconciling', factsOf([arm64, building]), 'True', 'Building'],
    ['all is done', 'Reconciling', factsOf([arm64]), 'False', 'Ready'],
    ['it waits for something', 'Reconciling', factsOf([arm64, heldUp()]), 'True', 'BuildAPIUnavailable'],
    ['it is about to be published', 'Reconciling', factsOf([arm64], { isPublishing: true }), 'True', 'Publishing'],
    ['it does not run yet', 'Reconciling', factsOf([arm64], { published: image, deployed: progressing }), 'True', 'DeployProgressing'],
    ['a person must act', 'Reconciling', factsOf([building], { blocker }), 'False', 'NameConflict'],

    ['a person must act', 'Stalled', factsOf([arm64], { published: image, blocker }), 'True', 'NameConflict'],
    ['it waits for something', 'Stalled', factsOf([heldUp()]), 'False', 'BuildAPIUnavailable'],
    ['one failed and one waits', 'Stalled', factsOf([failedBy({ reason: 'OutOfMemory' }), heldUp()]), 'False', 'BuildAPIUnavailable'],
    ['one failed', 'Stalled', factsOf([failedBy({ reason: 'OutOfMemory' })]), 'True', 'OutOfMemory'],
    ['it was refused', 'Stalled', factsOf([arm64], { publishFailure }), 'True', 'PublishFailed'],
    ['it was interrupted', 'Stalled', factsOf([cancelled]), 'False', 'Cancelled'],
    ['one failed and one works', 'Stalled', factsOf([failedBy({ reason: 'OutOfMemory' }), building]), 'False', 'Building'],
    ['all is done', 'Stalled', factsOf([arm64], { published: image }), 'False', 'Ready'],
  ])('where %s, %s', (_, type, facts, status, reason) => {
    expect(of(facts)[type]).toMatchObject({ status, reason });
  }); // prettier-ignore

  test('messages name the platform', () => {
    const facts = factsOf([arm64, failedBy({ platform: 'linux/s390x', reason: 'OutOfMemory' })]);
    expect(of(facts).Built.message).toBe('linux/s390x: why');
  });
});

describe('of any facts', () => {
  const holds = (check: (found: Record<ConditionType, Condition>, facts: Facts) => void): void => {
    fc.assert(
      fc.property(arbitraryFacts, (facts) => {
        check(of(facts), facts);
      }),
      { numRuns: 1000 },
    );
  };

  test('each type stands there once, about this generation', () => {
    fc.assert(
      fc.property(arbitraryFacts, (facts) => {
        const found = conditionsOf(facts, [], now);
        const all = Object.keys(conditionTypes);
        // Only of what is deployed somewhere is it said whether it runs.
        const expected = facts.deployed === undefined ? all.filter((type) => type !== 'Deployed') : all;
        expect(found.map(({ type }) => type)).toEqual(expected);
        expect(found.map(({ observedGeneration }) => observedGeneration)).toEqual(
          found.map(() => facts.generation),
        );
      }),
    );
  });

  test('Ready means that all is built, verified and published, that nothing is asked of a person, and that an image is there', () => {
    holds(({ Ready, Reconciling, Stalled, EmulationReady: _, BaseImagesReady: __, ...others }, facts) => {
      if (Ready.status !== 'True') return;
      expect(facts.published).toBeDefined();
      expect([Reconciling.status, Stalled.status]).toEqual(['False', 'False']);
      for (const other of Object.values(others)) expect(other).toMatchObject({ status: 'True' });
    });
  });

  test('Reconciling and Stalled are never both True', () => {
    holds(({ Reconciling, Stalled }) => {
      expect([Reconciling.status, Stalled.status]).not.toEqual(['True', 'True']);
    });
  });

  test('nothing is Ready or Stalled while work is under way', () => {
    holds(({ Reconciling, Ready, Stalled }) => {
      if (Reconciling.status === 'True') expect([Ready.status, Stalled.status]).toEqual(['False', 'False']);
    });
  });

  test('the time of a condition moves when its status does, and only then', () => {
    fc.assert(
      fc.property(arbitraryFacts, arbitraryFacts, (before, after) => {
        const first = conditionsOf(before, [], '2020-01-01T00:00:00Z');
        for (const condition of conditionsOf(after, first, now)) {
          const earlier = first.find(({ type }) => type === condition.type);
          const moved = condition.lastTransitionTime !== earlier?.lastTransitionTime;
          expect(moved).toBe(condition.status !== earlier?.status);
        }
      }),
    );
  });
});
