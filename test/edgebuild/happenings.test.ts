import { describe, expect, test } from '@jest/globals';
import type { EdgeBuildStatus, PlatformStatus } from '../../src/api/edgebuild.ts';
import type { Condition } from '../../src/api/conditions.ts';
import { happeningsOf } from '../../src/edgebuild/happenings.ts';
import { now } from './cluster.ts';

const platform = (given: Partial<PlatformStatus>): EdgeBuildStatus => ({
  platforms: [
    {
      platform: 'linux/arm64',
      state: 'Building',
      reason: 'Building',
      message: 'why',
      build: 'web-arm64-1',
      ...given,
    },
  ],
});
const stalled = (reason: Condition['reason'], status: Condition['status'] = 'True'): EdgeBuildStatus => ({
  conditions: [
    { type: 'Stalled', status, reason, message: 'why', observedGeneration: 1, lastTransitionTime: now },
  ],
});
const image = { reference: 'registry.example/web@sha256:1', digest: 'sha256:1', publishedAt: now };
const building = platform({});
const failed = platform({ state: 'Failed', reason: 'OutOfMemory' });

describe('a person is told', () => {
  test.each<[string, EdgeBuildStatus, EdgeBuildStatus | undefined, readonly string[]]>([
    ['that a build began', building, undefined, ['Normal BuildStarted linux/arm64: build web-arm64-1']],
    ['that another one began', platform({ build: 'web-arm64-2' }), failed, ['Normal BuildStarted linux/arm64: build web-arm64-2']],
    ['that it succeeded', platform({ state: 'Succeeded' }), building, ['Normal BuildSucceeded linux/arm64: why']],
    ['why it failed', failed, building, ['Warning OutOfMemory linux/arm64: why']],
    ['that it was cancelled', platform({ state: 'Cancelled' }), building, ['Normal BuildCancelled linux/arm64: why']],
    ['what was published', { image }, {}, [`Normal Published ${image.reference}`]],
    ['what was published instead', { image }, { image: { ...image, digest: 'sha256:0' } }, [`Normal Published ${image.reference}`]],
    ['what waits for them', stalled('NameConflict'), stalled('Ready', 'False'), ['Warning NameConflict why']],
    ['what else waits for them', stalled('NameConflict'), stalled('OutputTaken'), ['Warning NameConflict why']],
    ['once of what failed', { ...failed, ...stalled('OutOfMemory') }, building, ['Warning OutOfMemory linux/arm64: why']],
  ])('%s', (_, status, before, expected) => {
    expect(happeningsOf(status, before).map(({ type, reason, note }) => `${type} ${reason} ${note}`)).toEqual(expected);
  }); // prettier-ignore

  test.each<[string, EdgeBuildStatus, EdgeBuildStatus | undefined]>([
    ['nothing, where nothing changed', { ...failed, ...stalled('OutOfMemory'), image }, { ...failed, ...stalled('OutOfMemory'), image }],
    ['nothing of progress', platform({ message: 'building on worker-1' }), building],
    ['nothing of what waits by itself', platform({ state: 'Waiting' }), building],
  ])('%s', (_, status, before) => {
    expect(happeningsOf(status, before)).toEqual([]);
  }); // prettier-ignore
});
