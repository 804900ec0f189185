import { describe, expect, test } from '@jest/globals';
import {
  type Cluster,
  clusterOf,
  dockerfile,
  edgeBuild,
  edited,
  later,
  planned,
  restarted,
} from './cluster.ts';
import { cleared, failed, imported, rebased, rested, settled, succeeded, underWay } from './progress.ts';
import { acted, digestAt, ended, hashOf, instantiated } from './written.ts';

const other = { source: { dockerfile: `${dockerfile}RUN more\n` } };
const fresh = (spec: object = {}): Cluster => rested(clusterOf(edgeBuild(spec)));
const building = (spec: object = {}): Cluster => rested(imported(fresh(spec)));
const done = (spec: object = {}): Cluster => settled(clusterOf(edgeBuild(spec)));

const namesOf = ({ builds }: Cluster): readonly string[] =>
  builds.map(({ metadata }) => metadata.name).sort();
const platform = ({ object }: Cluster, at = 0) => object.status?.platforms?.[at];

describe('builds', () => {
  test('begin when the bases are there, not before', () => {
    const cluster = fresh();
    expect(namesOf(cluster)).toEqual([]);
    expect(cluster.buildConfigs).toEqual([]);
    expect(platform(cluster)).toMatchObject({ state: 'Waiting', reason: 'BaseImagesPending' });
    expect(namesOf(building())).toEqual(['web-arm64-1']);
  });

  test('are one for what is built, however often it is looked at', () => {
    const cluster = building();
    expect(planned(cluster)).toMatchObject({ starts: [], cancels: [], unread: [] });
    expect(namesOf(done())).toEqual(['web-arm64-1']);
    expect(namesOf(settled(restarted(done())))).toEqual(['web-arm64-1']);
  });

  test('are one, if the operator ends right after each write', () => {
    const first = acted(imported(fresh()), planned(imported(fresh())));
    // The image of the base was read; the plan that starts the build is made, carried out, and made again from before.
    const again = planned(first);
    const started = acted(first, again);
    expect(namesOf(acted(started, again))).toEqual(['web-arm64-1']);
  });

  test('that were cleared away while they were wanted are made again, under the next number', () => {
    const cluster = cleared(building(), 'web-arm64-1');
    expect(planned(cluster).starts).toEqual([{ buildConfig: 'web-arm64', newest: 0, attempt: 1 }]);
    expect(namesOf(acted(cluster, planned(cluster)))).toEqual(['web-arm64-2']);
  });

  test('of a BuildConfig that was made anew count, though their numbers begin anew', () => {
    const third = settled(instantiated(settled(instantiated(done(), 'web-arm64')), 'web-arm64'));
    expect(platform(third)?.build).toBe('web-arm64-3');
    const anew = settled({ ...third, buildConfigs: [], builds: [] });
    expect(platform(anew)?.build).toBe('web-arm64-3');
    const created = instantiated(anew, 'web-arm64');
    const builds = created.builds.map((build) => ({
      ...build,
      metadata: { ...build.metadata, creationTimestamp: later(3600) },
    }));
    const cluster = settled({ ...created, builds });
    expect(platform(cluster)).toMatchObject({ state: 'Succeeded', build: 'web-arm64-1' });
  });

  test('are not made again where base images are imported again, though they were cleared away', () => {
    const cluster = cleared(done(), 'web-arm64-1');
    const imageStreams = cluster.imageStreams.filter(({ metadata }) => metadata.name !== 'web-bases');
    const pending = rested({ ...cluster, imageStreams });
    expect(platform(pending)).toMatchObject({ state: 'Succeeded', build: 'web-arm64-1' });
    expect(namesOf(settled(pending))).toEqual([]);
    expect(platform(rested(edited(pending, other)))).toMatchObject({
      state: 'Waiting',
      reason: 'BaseImagesPending',
    });
  });

  test('are not begun for what is lost while the EdgeBuild is suspended', () => {
    const held = settled(edited(done(), { suspend: true }));
    const lost = {
      ...held,
      imageStreams: held.imageStreams.filter(({ metadata }) => metadata.name !== 'web'),
    };
    expect(planned(lost).starts).toEqual([]);
    expect(platform(rested(lost))).toMatchObject({ state: 'Waiting', reason: 'Suspended' });
    expect(namesOf(settled(edited(lost, {})))).toEqual(['web-arm64-1', 'web-arm64-2']);
  });

  test('follow a change of the spec, once', () => {
    const cluster = settled(edited(done(), other));
    expect(namesOf(cluster)).toEqual(['web-arm64-1', 'web-arm64-2']);
    expect(platform(cluster)).toMatchObject({ state: 'Succeeded', build: 'web-arm64-2' });
  });

  test('do not follow a change of what is not built', () => {
    const cluster = settled(edited(done(), { timeoutSeconds: 60, history: { failed: 5 } }));
    expect(namesOf(cluster)).toEqual(['web-arm64-1']);
    expect(cluster.buildConfigs[0]?.spec.completionDeadlineSeconds).toBe(60);
    expect(platform(cluster)).toMatchObject({ state: 'Succeeded', build: 'web-arm64-1' });
  });

  test('follow a new base, once', () => {
    const cluster = settled(rebased(done(), 'new'));
    expect(namesOf(cluster)).toEqual(['web-arm64-1', 'web-arm64-2']);
  });

  test('follow no new base that nobody asked for', () => {
    expect(namesOf(settled(rebased(done({ triggers: { onBaseImageChange: false } }), 'new')))).toEqual([
      'web-arm64-1',
    ]);
  });

  test('are not started by choosing what starts them', () => {
    const cluster = settled(edited(done(), { triggers: { onBaseImageChange: false } }));
    expect(namesOf(cluster)).toEqual(['web-arm64-1']);
    expect(namesOf(settled(edited(cluster, {})))).toEqual(['web-arm64-1']);
  });

  test('of a webhook or a person are taken up like our own', () => {
    const cluster = rested(instantiated(done(), 'web-arm64'));
    expect(platform(cluster)).toMatchObject({ state: 'Building', build: 'web-arm64-2' });
    expect(digestAt(cluster, 'web', 'latest')).toBe(hashOf('web-arm64-1'));
    expect(platform(rested(succeeded(cluster, 'web-arm64-2')))).toMatchObject({
      ...{ state: 'Succeeded', build: 'web-arm64-2', digest: hashOf('web-arm64-2') },
    });
  });

  test('that the author cancelled are not started again', () => {
    const cluster = settled(ended(building(), 'web-arm64-1', { phase: 'Cancelled' }));
    expect(namesOf(cluster)).toEqual(['web-arm64-1']);
    expect(platform(cluster)).toMatchObject({ state: 'Cancelled', reason: 'Cancelled' });
    expect(namesOf(settled(edited(cluster, other)))).toHaveLength(2);
  });
});

describe('a build for what is wanted no more', () => {
  const running = (): Cluster => ended(building(), 'web-arm64-1', { phase: 'Running' });

  test('may end first', () => {
    const cluster = rested(edited(running(), other));
    expect(underWay(cluster)).toEqual(['web-arm64-1', 'web-arm64-2']);
  });

  test('is cancelled, where that is asked', () => {
    const cluster = rested(edited(running(), { ...other, triggers: { cancelSuperseded: true } }));
    expect(underWay(cluster)).toEqual(['web-arm64-2']);
    expect(planned(cluster).cancels).toEqual([]);
  });

  test('is cancelled in any case as long as it has not begun, for it might never', () => {
    expect(underWay(rested(edited(building(), other)))).toEqual(['web-arm64-2']);
  });

  test('never moves the tag, though it ends well', () => {
    const moved = rested(edited(running(), other));
    const cluster = rested(succeeded(moved, 'web-arm64-1'));
    expect(digestAt(cluster, 'web', 'latest')).toBeUndefined();
    expect(digestAt(settled(cluster), 'web', 'latest')).toBe(hashOf('web-arm64-2'));
  });

  test('is wanted again once the spec is what it was', () => {
    const cancelled = rested(edited(building(), { ...other, triggers: { cancelSuperseded: true } }));
    const cluster = settled(edited(cancelled, { triggers: { cancelSuperseded: true } }));
    expect(platform(cluster)).toMatchObject({ state: 'Succeeded' });
  });
});

describe('a spec that is what it was before', () => {
  const back = (cluster: Cluster): Cluster => edited(settled(edited(cluster, other)), {});

  test('needs no build: what was built then is published again', () => {
    const cluster = settled(back(done()));
    expect(namesOf(cluster)).toEqual(['web-arm64-1', 'web-arm64-2']);
    expect(digestAt(cluster, 'web', 'latest')).toBe(hashOf('web-arm64-1'));
  });

  test('accuses nobody, though the operator has just started', () => {
    const cluster = settled(restarted(back(done())));
    expect(platform(cluster)).toMatchObject({ state: 'Succeeded' });
  });

  test('heals, where what came between was wrong', () => {
    const wrong = edited(done(), { source: { dockerfile: 'FROM debian:12\nRUN false\n' } });
    const stalled = rested(failed(rested(wrong), 'web-arm64-2', 'DockerBuildFailed', 'exit status 1'));
    expect(platform(stalled)).toMatchObject({ state: 'Failed' });
    const cluster = settled(edited(stalled, {}));
    expect(platform(cluster)).toMatchObject({ state: 'Succeeded', build: 'web-arm64-1' });
  });
});

describe('when OpenShift clears builds away', () => {
  test('success is remembered', () => {
    const cluster = settled(restarted(cleared(done(), 'web-arm64-1')));
    expect(namesOf(cluster)).toEqual([]);
    expect(platform(cluster)).toMatchObject({ state: 'Succeeded', build: 'web-arm64-1', verified: true });
  });

  test('success is remembered, though an earlier failure is still there', () => {
    const crashed = failed(building(), 'web-arm64-1', 'DockerBuildFailed', 'qemu: uncaught target signal 11');
    const cluster = settled(crashed);
    expect(namesOf(cluster)).toEqual(['web-arm64-1', 'web-arm64-2']);
    const rest = settled(cleared(cluster, 'web-arm64-2'));
    expect(namesOf(rest)).toEqual(['web-arm64-1']);
    expect(platform(rest)).toMatchObject({ state: 'Succeeded', build: 'web-arm64-2' });
  });

  test('a failure is not tried again and again', () => {
    const stalled = rested(failed(building(), 'web-arm64-1', 'DockerBuildFailed', 'exit status 1'));
    const cluster = settled(cleared(stalled, 'web-arm64-1'), (one) => one);
    expect(namesOf(cluster)).toEqual([]);
    expect(platform(cluster)).toMatchObject({ state: 'Failed', reason: 'DockerfileStepFailed' });
  });

  test('at least one of each kind is kept, or nobody could tell what became of it', () => {
    const [config] = building({ history: { successful: 0, failed: 0 } }).buildConfigs;
    expect(config?.spec).toMatchObject({ successfulBuildsHistoryLimit: 1, failedBuildsHistoryLimit: 1 });
  });
});

describe('while it is suspended', () => {
  test('no build is started, of whatever cause', () => {
    const cluster = settled(rebased(edited(done(), { ...other, suspend: true }), 'new'));
    expect(namesOf(cluster)).toEqual(['web-arm64-1']);
    expect(platform(cluster)).toMatchObject({ state: 'Waiting', reason: 'Suspended' });
    expect(namesOf(settled(edited(cluster, other)))).toEqual(['web-arm64-1', 'web-arm64-2']);
  });

  test('what is under way goes on, and is published', () => {
    const cluster = settled(edited(building(), { suspend: true }));
    expect(platform(cluster)).toMatchObject({ state: 'Succeeded' });
  });

  test('what is done stays done', () => {
    const cluster = settled(edited(done(), { suspend: true }));
    expect(platform(cluster)).toMatchObject({ state: 'Succeeded' });
  });
});

describe('where a change of the spec starts nothing', () => {
  const triggers = { onSpecChange: false };

  test('the first build waits for somebody, and says how', () => {
    const cluster = settled(clusterOf(edgeBuild({ triggers })));
    expect(namesOf(cluster)).toEqual([]);
    expect(platform(cluster)).toMatchObject({ state: 'Waiting', reason: 'WaitingForTrigger' });
    expect(platform(cluster)?.message).toContain('oc start-build web-arm64 -n team-1');
    expect(platform(settled(instantiated(cluster, 'web-arm64')))).toMatchObject({ state: 'Succeeded' });
  });

  test('a new base still does', () => {
    const first = settled(instantiated(settled(clusterOf(edgeBuild({ triggers }))), 'web-arm64'));
    expect(namesOf(settled(rebased(first, 'new')))).toEqual(['web-arm64-1', 'web-arm64-2']);
    expect(namesOf(settled(rebased(cleared(first, 'web-arm64-1'), 'new')))).toEqual(['web-arm64-2']);
  });
});
