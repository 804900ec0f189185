import { describe, expect, test } from '@jest/globals';
import type { Condition, ConditionType } from '../../src/api/conditions.ts';
import { type Cluster, clusterOf, edgeBuild, edited, now, planned, statusAfter } from './cluster.ts';
import { rebased, rested, settled } from './progress.ts';

const done = (spec: object = {}): Cluster => settled(clusterOf(edgeBuild(spec)));
const told = (cluster: Cluster): Readonly<Record<ConditionType, Condition>> => {
  const { conditions = [] } = statusAfter(cluster, planned(cluster));
  return Object.fromEntries(conditions.map((one) => [one.type, one])) as Record<ConditionType, Condition>;
};
const touchesNothing = (cluster: Cluster): void => {
  expect(planned(cluster)).toMatchObject({
    ...{ children: undefined, outputStream: undefined, index: undefined },
    ...{ starts: [], cancels: [], reimports: [], unread: [] },
  });
};

describe('what only a person can mend', () => {
  const neighbour = (metadata: object, spec: object = {}) =>
    edgeBuild(
      { output: { imageStreamTag: 'web:latest' }, ...spec },
      { name: 'other', uid: 'uid-other', ...metadata },
    );
  const foreign = {
    ...{ apiVersion: 'image.openshift.io/v1', kind: 'ImageStream' },
    metadata: { name: 'web', namespace: 'team-1' },
  };
  const bases = {
    ...foreign,
    metadata: {
      ...{
        name: 'other-bases',
        namespace: 'team-1',
        labels: { 'app.kubernetes.io/managed-by': 'edgebuild' },
      },
      ownerReferences: [
        {
          apiVersion: 'edgebuild.io/v1alpha1',
          kind: 'EdgeBuild',
          name: 'other',
          uid: 'uid-other',
          controller: true,
        },
      ],
    },
  };

  test.each<[string, Cluster, string, RegExp]>([
    [
      'an older EdgeBuild has the tag',
      clusterOf(edgeBuild({}, { creationTimestamp: '2026-02-01T00:00:00Z' }), { others: [neighbour({})] }),
      'OutputTaken',
      /^EdgeBuild other is older and writes to web:latest, or to a tag beside it that this one needs: name another tag in spec\.output\.imageStreamTag$/,
    ],
    [
      'an older EdgeBuild pushes what is not verified yet to the tag',
      clusterOf(edgeBuild({ output: { imageStreamTag: 'other:latest-arm64' } }, { creationTimestamp: '2026-02-01T00:00:00Z' }), { others: [neighbour({}, { output: { imageStreamTag: 'other:latest' } })] }),
      'OutputTaken',
      /^EdgeBuild other is older and writes to other:latest-arm64, or/,
    ],
    [
      'of two that are as old, the other comes first by name',
      clusterOf(edgeBuild(), { others: [neighbour({ name: 'a' })] }),
      'OutputTaken',
      /^EdgeBuild a is older/,
    ],
    [
      'a foreign ImageStream has our name',
      clusterOf(edgeBuild(), { imageStreams: [foreign] }),
      'NameConflict',
      /^ImageStream web exists and is not EdgeBuild's: .* oc label imagestream web app\.kubernetes\.io\/managed-by=edgebuild$/,
    ],
    [
      'the stream is where another EdgeBuild has its base images',
      clusterOf(edgeBuild({ output: { imageStreamTag: 'other-bases:x' } }), { imageStreams: [bases] }),
      'NameConflict',
      /^ImageStream other-bases exists/,
    ],
    [
      'the stream is where our own base images are',
      clusterOf(edgeBuild({ output: { imageStreamTag: 'web-bases:x' } })),
      'NameConflict',
      /web-bases, where the base images of this EdgeBuild are/,
    ],
    [
      'a Secret is not there',
      clusterOf(edgeBuild({ baseImages: [{ from: 'debian:12', pullSecretRef: { name: 'hub' } }] }), { missingSecrets: ['hub'] }),
      'SecretMissing',
      /^Secret hub, which the spec names, is not there: create it/,
    ],
  ])('%s', (_, cluster, reason, message) => {
    touchesNothing(cluster);
    const conditions = told(cluster);
    expect(conditions.Stalled).toMatchObject({ status: 'True', reason });
    expect(conditions.Stalled.message).toMatch(message);
    expect(conditions.Ready).toMatchObject({ status: 'False', reason });
    expect(conditions.Reconciling).toMatchObject({ status: 'False', reason });
  }); // prettier-ignore

  test.each<[string, Cluster]>([
    ['a younger EdgeBuild', clusterOf(edgeBuild(), { others: [neighbour({ creationTimestamp: '2026-02-01T00:00:00Z' })] })],
    ['one that is being deleted', clusterOf(edgeBuild(), { others: [neighbour({ name: 'a', deletionTimestamp: now })] })],
    ['one of another namespace', clusterOf(edgeBuild(), { others: [neighbour({ name: 'a', namespace: 'team-2' })] })],
    ['one with another tag of the same stream', clusterOf(edgeBuild(), { others: [edgeBuild({ output: { imageStreamTag: 'web:x' } }, { name: 'a', uid: 'a' })] })],
    ['a Secret that nobody names', clusterOf(edgeBuild(), { missingSecrets: ['hub'] })],
  ])('not %s', (_, cluster) => {
    expect(told(settled(cluster)).Ready).toMatchObject({ status: 'True' });
  }); // prettier-ignore

  test('heals by itself once a person has acted', () => {
    const taken = clusterOf(edgeBuild(), { others: [neighbour({ name: 'a' })] });
    expect(told(settled(edited(rested(taken), { output: { imageStreamTag: 'web:mine' } }))).Ready.status).toBe('True');
    expect(told(settled({ ...rested(taken), others: [] })).Ready.status).toBe('True');
    expect(told(settled({ ...rested(clusterOf(edgeBuild(), { imageStreams: [foreign] })), imageStreams: [] })).Ready.status).toBe('True');
  }); // prettier-ignore

  test('takes nothing from what was published before', () => {
    const cluster = rested({ ...done(), others: [neighbour({ name: 'a' })] });
    expect(cluster.object.status?.image).toEqual(done().object.status?.image);
    expect(cluster.object.status?.platforms).toEqual(done().object.status?.platforms);
    expect(cluster.buildConfigs).toHaveLength(1);
  });
});

describe('an object that cannot be used', () => {
  test.each<[string, object, string, RegExp]>([
    ['has a Dockerfile that is none', { source: { dockerfile: 'RUN x\n' } }, 'DockerfileInvalid', /^spec\.source\.dockerfile, line 1: .*: correct that line$/],
    ['has a FROM that is no image', { source: { dockerfile: 'FROM Debian\n' } }, 'DockerfileInvalid', /Debian/],
    ['has a base that is no image', { source: { git: { uri: 'https://example.com/x' } }, baseImages: [{ from: 'Debian' }] }, 'DockerfileInvalid', /^spec\.baseImages: /],
  ])('%s', (_, spec, reason, message) => {
    const cluster = clusterOf(edgeBuild(spec));
    touchesNothing(cluster);
    const { Stalled, Ready, Built } = told(cluster);
    expect(Stalled).toMatchObject({ status: 'True', reason });
    expect(Stalled.message).toMatch(message);
    expect([Ready.status, Built.status]).toEqual(['False', 'Unknown']);
    expect(told(settled(edited(rested(cluster), {}))).Ready.status).toBe('True');
  }); // prettier-ignore

  test('was stored under an earlier definition', () => {
    const object = { ...edgeBuild(), spec: { source: { git: { uri: 'file:///etc' } } } };
    touchesNothing(clusterOf(object));
    expect(told(clusterOf(object)).Stalled).toMatchObject({ status: 'True', reason: 'InvalidSpec' });
    expect(told(clusterOf(object)).Stalled.message).toMatch(/^spec\.source\.git\.uri: Forbidden: /);
  });

  test('keeps what was published before', () => {
    const cluster = rested(edited(done(), { source: { dockerfile: 'RUN x\n' } }));
    expect(cluster.object.status?.image).toEqual(done().object.status?.image);
  });
});

describe('when OpenShift’s builds cannot be seen', () => {
  test.each([
    // It may come yet: OpenShift's API servers come and go.
    ['NotServed', 'BuildAPIUnavailable', /the cluster does not serve build\.openshift\.io\/v1/, false],
    ['Forbidden', 'NotReadable', /^list builds\.build\.openshift\.io: forbidden: give the operator/, true],
  ] as const)('for %s, nothing is begun, and it is said: %s', (cause, reason, expected, isStalled) => {
    const message = 'list builds.build.openshift.io: forbidden';
    const cluster = clusterOf(edgeBuild(), { unavailable: { cause, message } });
    touchesNothing(cluster);
    const { Ready, Stalled, Reconciling } = told(cluster);
    expect(Ready).toMatchObject({ status: 'False', reason });
    expect(Ready.message).toMatch(expected);
    expect([Stalled.status, Reconciling.status]).toEqual(isStalled ? ['True', 'False'] : ['False', 'True']);
  });

  test('it goes on where it was as soon as they can', () => {
    const away = rested({ ...done(), unavailable: { cause: 'NotServed', message: '' } as never });
    const cluster = settled({ ...away, unavailable: undefined });
    expect(told(cluster).Ready.status).toBe('True');
    expect(cluster.builds).toHaveLength(1);
    expect(cluster.object.status?.image).toEqual(done().object.status?.image);
  });
});

describe('base images', () => {
  const withFailure = (reason: string, message: string): Cluster => {
    const cluster = rested(clusterOf(edgeBuild()));
    const imageStreams = cluster.imageStreams.map((stream) => ({
      ...stream,
      status: {
        ...stream.status,
        tags: (stream.spec?.tags ?? []).map(({ name }) => ({
          ...{ tag: name, items: null },
          conditions: [{ type: 'ImportSuccess', status: 'False', reason, message, generation: 1 }],
        })),
      },
    }));
    return { ...cluster, imageStreams };
  };

  test.each([
    ['NotFound', 'manifest unknown', 'BaseImageUnavailable'],
    ['InternalError', 'dial tcp: i/o timeout', 'RegistryUnreachable'],
  ])('that cannot be had for %s are named, and asked for again', (reason, message, expected) => {
    const cluster = withFailure(reason, message);
    const { BaseImagesReady, Stalled, Ready } = told(cluster);
    expect(BaseImagesReady).toMatchObject({ status: 'False', reason: expected });
    expect(BaseImagesReady.message).toContain('docker.io/library/debian:12');
    expect([Stalled.reason, Ready.reason]).toEqual([expected, expected]);
    const plan = planned(cluster);
    expect(plan.reimports).toHaveLength(1);
    expect(plan).toMatchObject({ starts: [], againMs: 300_000 });
  });

  test('that are of another architecture are caught before any build', () => {
    const cluster = rested(
      rebased(rested(clusterOf(edgeBuild({ platforms: ['linux/s390x'] }))), 'x', 'amd64'),
    );
    expect(cluster.builds).toEqual([]);
    expect(told(cluster).BaseImagesReady).toMatchObject({
      status: 'False',
      reason: 'BaseImageWrongArchitecture',
    });
    expect(told(cluster).Stalled.message).toContain('has no linux/s390x: what came is amd64');
  });

  test('of a Dockerfile in git are unknown, unless somebody names them', () => {
    const source = { git: { uri: 'https://example.com/x.git' } };
    const unnamed = done({ source });
    expect(told(unnamed).BaseImagesReady).toMatchObject({ status: 'True', reason: 'BaseImagesNotNamed' });
    expect(unnamed.imageStreams.map(({ metadata }) => metadata.name)).toEqual(['web']);
    expect(told(done({ source, baseImages: [{ from: 'debian:12' }] })).BaseImagesReady).toMatchObject({
      ...{ status: 'True', reason: 'BaseImagesFound' },
    });
  });

  test('by digest are not looked for again: OpenShift refuses to', () => {
    const digest = `debian@sha256:${'0'.repeat(64)}`;
    const { children } = planned(
      clusterOf(edgeBuild({ source: { dockerfile: `FROM ${digest}\nCOPY --from=busybox /x /\n` } })),
    );
    const tags = (
      children?.baseStream as unknown as {
        spec: { tags: { from: { name: string }; importPolicy: object }[] };
      }
    ).spec.tags;
    expect(tags.map(({ from, importPolicy }) => [from.name.includes('@'), importPolicy])).toEqual([
      [true, { importMode: 'Legacy' }],
      [false, { importMode: 'Legacy', scheduled: true }],
    ]);
  });
});
