import { describe, expect, test } from '@jest/globals';
import type { Reason } from '../../src/api/conditions.ts';
import {
  type Cluster,
  clusterOf,
  edgeBuild,
  edited,
  later,
  namespace,
  native,
  node,
  planned,
  proving,
  restarted,
} from './cluster.ts';
import { failed, imported, rested, settled, succeeded } from './progress.ts';
import { acted, digestAt, ended, hashOf, instantiated, tagged } from './written.ts';

const building = (spec: object = {}): Cluster => rested(imported(rested(clusterOf(edgeBuild(spec)))));
const platform = ({ object }: Cluster) => object.status?.platforms?.[0];
const names = ({ builds }: Cluster): readonly string[] => builds.map(({ metadata }) => metadata.name).sort();
const crash = ['DockerBuildFailed', 'qemu: uncaught target signal 11 (Segmentation fault)'] as const;
const step = ['DockerBuildFailed', 'exit status 1'] as const;

describe('a failed build', () => {
  test.each<[Reason, boolean, string, string]>([
    ['EmulatorCrashed', true, ...crash],
    ['NetworkFailed', true, 'FetchSourceFailed', 'Could not resolve host: x'],
    ['RegistryUnreachable', true, 'PullBuilderImageFailed', 'dial tcp: i/o timeout'],
    ['BuilderFailed', true, 'PushImageToRegistryFailed', 'connection refused'],
    ['BuildPodDeleted', true, 'BuildPodDeleted', ''],
    ['ExecFormatError', true, 'DockerBuildFailed', 'fork/exec /bin/sh: exec format error'],
    ['DockerfileStepFailed', false, ...step],
    ['DockerfileInvalid', false, 'DockerBuildFailed', 'unknown instruction: RUM'],
    ['FetchSourceFailed', false, 'FetchSourceFailed', 'not found'],
    ['BaseImageUnavailable', false, 'PullBuilderImageFailed', 'manifest unknown'],
    ['OutOfMemory', false, 'OutOfMemoryKilled', ''],
    ['DiskFull', false, 'DockerBuildFailed', 'no space left on device'],
    ['ProofFailed', false, 'DockerBuildFailed', 'edgebuild: uname -m in the image says x86_64, not aarch64'],
    ['SmokeCommandFailed', false, 'DockerBuildFailed', 'edgebuild: verify.command failed with status 1'],
  ])('of %s is tried again: %s', (reason, isTriedAgain, openShifts, log) => {
    const cluster = rested(failed(building(), 'web-arm64-1', openShifts, log), later(1000));
    expect(names(cluster)).toEqual(isTriedAgain ? ['web-arm64-1', 'web-arm64-2'] : ['web-arm64-1']);
    if (!isTriedAgain) expect(platform(cluster)).toMatchObject({ state: 'Failed', reason });
  });

  test('of time is not tried again', () => {
    const cluster = ended(building({ timeoutSeconds: 60 }), 'web-arm64-1', {
      ...{ phase: 'Failed', reason: 'GenericBuildFailed', duration: 61e9, completionTimestamp: later(61) },
    });
    expect(platform(rested(cluster, later(1000)))).toMatchObject({ state: 'Failed', reason: 'TimedOut' });
  });

  test('is tried as often as the limit says, each attempt counted, each later than the one before', () => {
    let cluster = building({ retry: { limit: 2 } });
    for (const [attempt, waitMs] of [
      [1, 10_000],
      [2, 20_000],
    ] as const) {
      cluster = failed(cluster, `web-arm64-${attempt}`, ...crash);
      expect(planned(cluster, later(60))).toMatchObject({ starts: [], againMs: waitMs });
      expect(planned(cluster, later(60)).facts.platforms).toMatchObject([
        { state: 'Building', reason: 'EmulatorCrashed', attempt },
      ]);
      cluster = rested(cluster, later(1000));
      expect(platform(cluster)).toMatchObject({ build: `web-arm64-${attempt + 1}`, attempt: attempt + 1 });
    }
    cluster = rested(failed(cluster, 'web-arm64-3', ...crash), later(2000));
    expect(names(cluster)).toHaveLength(3);
    expect(platform(cluster)).toMatchObject({ state: 'Failed', reason: 'EmulatorCrashed', attempt: 3 });
  });

  test('is not tried again where nobody wants that', () => {
    const cluster = failed(building({ retry: { limit: 0 } }), 'web-arm64-1', ...crash);
    expect(names(rested(cluster, later(1000)))).toEqual(['web-arm64-1']);
  });

  test('counts from the beginning once something else is built', () => {
    const stalled = rested(failed(building({ retry: { limit: 0 } }), 'web-arm64-1', ...crash), later(1000));
    const cluster = rested(edited(stalled, { buildArgs: [{ name: 'A', value: 'b' }] }), later(1000));
    expect(platform(cluster)).toMatchObject({ build: 'web-arm64-2', attempt: 1 });
  });

  test('for want of time or memory is tried with more of it, at once', () => {
    const stalled = rested(failed(building(), 'web-arm64-1', 'OutOfMemoryKilled'), later(1000));
    const cluster = rested(edited(stalled, { resources: { limits: { memory: '4Gi' } } }), later(1000));
    expect(names(cluster)).toEqual(['web-arm64-1', 'web-arm64-2']);
    expect(platform(cluster)).toMatchObject({ state: 'Building', attempt: 1 });
    const again = rested(failed(cluster, 'web-arm64-2', 'OutOfMemoryKilled'), later(2000));
    expect(names(again)).toHaveLength(2);
  });

  test('waits, where there is no node for another attempt', () => {
    const lost = failed({ ...building(), nodes: [node('worker-1')] }, 'web-arm64-1', ...crash);
    const cluster = rested(lost, later(1000));
    expect(names(cluster)).toEqual(['web-arm64-1']);
    expect(platform(cluster)).toMatchObject({ state: 'Waiting', reason: 'EmulationUnavailable' });
  });

  test('says in the object what to look at, and nothing of the log', () => {
    const cluster = rested(
      failed(building(), 'web-arm64-1', 'DockerBuildFailed', 'TOKEN=s3cr3t', 'exit status 1'),
    );
    expect(platform(cluster)?.message).toContain('oc logs -n team-1 build/web-arm64-1');
    expect(JSON.stringify(cluster.object)).not.toContain('s3cr3t');
  });

  test('stays failed when its pod is cleared away, which alone knew why', () => {
    const pod = {
      ...{ apiVersion: 'v1', kind: 'Pod', status: { reason: 'DeadlineExceeded' } },
      metadata: {
        ...{ name: 'web-arm64-1-build', namespace: 'team-1' },
        ownerReferences: [
          { apiVersion: 'build.openshift.io/v1', kind: 'Build', name: 'web-arm64-1', uid: '1' },
        ],
      },
    };
    const stopped = failed({ ...building(), pods: [pod] }, 'web-arm64-1', 'GenericBuildFailed');
    const known = rested(stopped, later(1000));
    expect(platform(known)).toMatchObject({ reason: 'TimedOut' });
    expect(platform(rested(restarted({ ...known, pods: [] }), later(2000)))).toMatchObject({
      reason: 'TimedOut',
    });
  });
});

const withUid = (cluster: Cluster, uid: string): Cluster => ({
  ...cluster,
  builds: cluster.builds.map((build) => ({ ...build, metadata: { ...build.metadata, uid } })),
});
/** The EdgeBuild is deleted, and another one made of its name: numbers of builds begin anew. */
const anew = (cluster: Cluster, spec: object = {}): Cluster =>
  withUid(
    rested({ ...cluster, object: edgeBuild(spec, { uid: 'uid-2' }), buildConfigs: [], builds: [] }),
    '2',
  );

describe('the image of a build', () => {
  test('is not taken for that of an earlier build of the same name', () => {
    const first = settled(withUid(building(), '1'), (one) =>
      succeeded(one, 'web-arm64-1', { saysDigest: false }),
    );
    const second = anew(first);
    const images = new Map([...second.images, ['sha256:second', { architecture: 'arm64' }]]);
    const pushed = tagged({ ...second, images }, 'web', 'latest-arm64', 'sha256:second');
    const over = ended(pushed, 'web-arm64-1', { phase: 'Complete', completionTimestamp: later(600) });
    expect(rested(over, later(600)).object.status?.image?.digest).toBe('sha256:second');
  });

  test('is not taken for lost because that of an earlier build of the same name was', () => {
    const spec = { retry: { limit: 0 } };
    const output = { to: { imageDigest: 'sha256:lost' } };
    const over = { phase: 'Complete', completionTimestamp: later(60), output } as const;
    const lost = rested(ended(withUid(building(spec), '1'), 'web-arm64-1', over), later(1000));
    expect(platform(lost)).toMatchObject({ state: 'Failed', reason: 'BuilderFailed' });
    const cluster = rested(succeeded(anew(lost, spec), 'web-arm64-1'), later(2000));
    expect(platform(cluster)).toMatchObject({ state: 'Succeeded' });
  });

  test('that is gone is not said to be verified when its build is refused', () => {
    const before = settled(clusterOf(edgeBuild()));
    const imageStreams = before.imageStreams.filter(({ metadata }) => metadata.name !== 'web');
    const lost = { ...before, imageStreams };
    const refused = acted(lost, { ...planned(lost), starts: [] });
    expect(planned(refused).starts).toHaveLength(1);
    expect(planned(refused).facts.platforms).toMatchObject([{ state: 'Building' }]);
  });

  test('is looked at before anybody gets it', () => {
    const cluster = succeeded(building(), 'web-arm64-1');
    const plan = planned(cluster);
    expect(plan.unread).toEqual([
      { stream: 'web', tag: 'latest-arm64', build: 'web-arm64-1', digest: hashOf('web-arm64-1') },
    ]);
    expect(plan.facts.platforms).toMatchObject([{ state: 'Building', reason: 'VerificationPending' }]);
    expect(plan.outputStream).toBeUndefined();
    expect(platform(rested(cluster))).toMatchObject({
      state: 'Succeeded',
      verified: true,
      architecture: 'arm64',
    });
  });

  test('is found at its tag, where the build does not say its digest', () => {
    const cluster = rested(succeeded(building(), 'web-arm64-1', { saysDigest: false }));
    expect(platform(cluster)).toMatchObject({
      state: 'Succeeded',
      verified: true,
      digest: expect.stringMatching(/^sha256/),
    });
  });

  test('that says it is of another architecture is published nowhere', () => {
    const cluster = rested(succeeded(building(), 'web-arm64-1', { architecture: 'amd64' }));
    expect(platform(cluster)).toMatchObject({
      state: 'Failed',
      reason: 'VerificationFailed',
      verified: false,
      architecture: 'amd64',
    });
    expect(cluster.object.status?.image).toBeUndefined();
    expect(platform(rested(restarted(cluster)))).toMatchObject({
      state: 'Failed',
      reason: 'VerificationFailed',
    });
  });

  test('is not looked at where nobody wants to know', () => {
    const cluster = rested(
      succeeded(building({ verify: { architecture: 'Skip' } }), 'web-arm64-1', { architecture: 'amd64' }),
    );
    expect(platform(cluster)).toMatchObject({ state: 'Succeeded', verified: false });
  });

  test('is looked at once somebody wants to know, even if there is nothing to build for that', () => {
    const spec = { source: { dockerfile: 'FROM scratch\nCOPY x /\n' } };
    const skipped = building({ ...spec, verify: { architecture: 'Skip' } });
    const published = rested(succeeded(skipped, 'web-arm64-1', { architecture: 'amd64' }));
    expect(platform(rested(edited(published, spec)))).toMatchObject({
      state: 'Failed',
      reason: 'VerificationFailed',
    });
  });

  test('is the one that is published, though somebody else has pushed to its tag', () => {
    const built = succeeded(building(), 'web-arm64-1');
    const images = new Map([...built.images, ['sha256:foreign', { architecture: 'arm64' }]]);
    const cluster = rested(tagged({ ...built, images }, 'web', 'latest-arm64', 'sha256:foreign'));
    expect(platform(cluster)).toMatchObject({ state: 'Succeeded', digest: hashOf('web-arm64-1') });
    expect(digestAt(cluster, 'web', 'latest')).toBe(hashOf('web-arm64-1'));
  });

  test('that is not there is built again', () => {
    const output = { to: { imageDigest: 'sha256:lost' } };
    for (const said of [{}, { output }]) {
      const status = { phase: 'Complete', completionTimestamp: later(60), ...said } as const;
      const cluster = ended(building(), 'web-arm64-1', status);
      expect(names(rested(cluster, later(1000)))).toEqual(['web-arm64-1', 'web-arm64-2']);
    }
  });
});

describe('where a build runs', () => {
  const arm = native('arm-1', 'arm64');
  test.each<[string, object, Cluster['nodes'], object]>([
    [
      'natively, where a node is there for it',
      {},
      [node('a'), arm],
      { execution: 'Native', state: 'Building' },
    ],
    [
      'nowhere, where it must be native and no node is',
      { execution: 'Native' },
      [node('a')],
      { execution: 'Native', state: 'Waiting', reason: 'NativeUnavailable' },
    ],
    [
      'nowhere, where no node proves its emulation',
      {},
      [node('a')],
      { execution: 'Emulated', state: 'Waiting', reason: 'EmulationUnavailable' },
    ],
    [
      'nowhere, where what is the nodes’ own must be emulated',
      { execution: 'Emulated', platforms: ['linux/amd64'] },
      [node('a')],
      { state: 'Failed', reason: 'EmulationUnavailable' },
    ],
  ])('%s', (_, spec, nodes, expected) => {
    const cluster = rested(imported(rested(clusterOf(edgeBuild(spec), { nodes }))));
    expect(platform(cluster)).toMatchObject(expected);
  });

  test('a change of nodes interrupts nothing', () => {
    const cluster = rested({ ...building(), nodes: [node('worker-1'), arm] });
    expect(names(cluster)).toEqual(['web-arm64-1']);
    expect(platform(cluster)).toMatchObject({ state: 'Building', execution: 'Emulated' });
    expect(cluster.buildConfigs[0]?.spec.nodeSelector).toEqual({ 'kubernetes.io/arch': 'arm64' });
  });

  const git = { source: { git: { uri: 'https://example.com/x.git' } } };
  const unscheduled = (build: string) => ({
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: {
      ...{ name: `${build}-build`, namespace },
      ownerReferences: [{ apiVersion: 'build.openshift.io/v1', kind: 'Build', name: build, uid: '1' }],
    },
    status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] },
  }); // prettier-ignore

  test('a build that no node takes goes where there is one by now', () => {
    const first = rested(imported(rested(clusterOf(edgeBuild(), { nodes: [node('worker-1'), arm] }))));
    const gone = { ...first, pods: [unscheduled('web-arm64-1')], nodes: [proving('worker-1', 'arm64')] };
    expect(planned(gone).cancels).toEqual(['web-arm64-1']);
    const moved = rested(gone);
    expect(names(moved)).toEqual(['web-arm64-1', 'web-arm64-2']);
    expect(moved.builds.at(-1)?.spec.nodeSelector).toMatchObject({ 'kubernetes.io/arch': 'amd64' });
    // Its pod is somewhere: nothing interrupts it.
    expect(planned({ ...gone, pods: [] }).cancels).toEqual([]);
  }); // prettier-ignore

  test('a build of a webhook that is cancelled for its node, or for its limits, is made again', () => {
    const first = settled(clusterOf(edgeBuild(git), { nodes: [node('worker-1'), arm] }));
    const called = rested(instantiated(first, 'web-arm64'));
    const nodes = [proving('worker-1', 'arm64')];
    const gone = { ...called, pods: [unscheduled('web-arm64-2')], nodes };
    expect(platform(settled(gone))?.build).toBe('web-arm64-3');
    const again = rested(instantiated(settled(clusterOf(edgeBuild(git))), 'web-arm64'));
    expect(platform(settled(edited(again, { ...git, timeoutSeconds: 7200 })))?.build).toBe('web-arm64-3');
  });

  test('a build is not cancelled where no other would follow', () => {
    const triggers = { onSpecChange: false, onBaseImageChange: false };
    const fresh = rested(
      imported(rested(clusterOf(edgeBuild({ triggers }), { nodes: [node('worker-1'), arm] }))),
    );
    const pending = rested(instantiated(fresh, 'web-arm64'));
    for (const spec of [{ triggers }, { triggers, suspend: true }]) {
      const gone = { pods: [unscheduled('web-arm64-1')], nodes: [proving('worker-1', 'arm64')] };
      expect(planned({ ...edited(pending, spec), ...gone }).cancels).toEqual([]);
    }
  });

  test('what is done needs no node', () => {
    const cluster = settled({ ...settled(clusterOf(edgeBuild())), nodes: [] });
    expect(platform(cluster)).toMatchObject({ state: 'Succeeded' });
    expect(acted(cluster, planned(cluster))).toEqual(cluster);
  });
});
