import { describe, expect, test } from '@jest/globals';
import { type Cluster, clusterOf, edgeBuild, edited, later, planned } from './cluster.ts';
import { imported, rested, settled } from './progress.ts';
import { ended } from './written.ts';

const building = (spec: object = {}): Cluster => rested(imported(rested(clusterOf(edgeBuild(spec)))));
const platform = ({ object }: Cluster) => object.status?.platforms?.[0];
const names = ({ builds }: Cluster): readonly string[] => builds.map(({ metadata }) => metadata.name).sort();
const crash = 'qemu: uncaught target signal 11 (Segmentation fault)';

test('a build that has not begun is made anew when it is to get other resources: no node may take it', () => {
  const waiting = building({ resources: { requests: { cpu: '1000' } } });
  const cluster = settled(edited(waiting, {}));
  expect(names(cluster)).toEqual(['web-arm64-1', 'web-arm64-2']);
  expect(platform(cluster)).toMatchObject({ state: 'Succeeded', build: 'web-arm64-2' });
});

describe('a build that failed', () => {
  test('is not judged before it has said its last words, nor for ever without them', () => {
    const status = { phase: 'Failed', reason: 'DockerBuildFailed', completionTimestamp: later(60) } as const;
    const silent = rested(ended(building(), 'web-arm64-1', status), later(60));
    expect(platform(silent)).toMatchObject({ state: 'Building', reason: 'Building' });
    expect(planned(silent, later(60)).againMs).toBe(10_000);
    const said = ended(silent, 'web-arm64-1', { ...status, logSnippet: 'unknown instruction: RUM' });
    expect(platform(rested(said, later(61)))).toMatchObject({ state: 'Failed', reason: 'DockerfileInvalid' });
    const never = rested(silent, later(1000));
    expect(platform(never)).toMatchObject({ state: 'Failed', reason: 'DockerfileStepFailed' });
    const late = ended(never, 'web-arm64-1', { ...status, logSnippet: crash });
    expect(names(rested(late, later(1000)))).toEqual(['web-arm64-1', 'web-arm64-2']);
  });

  test('that gets more time is building again at once: no status says of the new spec that it failed', () => {
    const status = { phase: 'Failed', reason: 'GenericBuildFailed', completionTimestamp: later(61) } as const;
    const late = ended(building({ timeoutSeconds: 60 }), 'web-arm64-1', { ...status, duration: 61e9 });
    const more = edited(rested(late, later(62)), { timeoutSeconds: 600 });
    expect(planned(more, later(63)).facts.platforms).toMatchObject([{ state: 'Building' }]);
  });
});
