import { describe, expect, test } from '@jest/globals';
import type { Condition, ConditionType } from '../../src/api/conditions.ts';
import { type Cluster, clusterOf, edgeBuild, edited, node, planned } from './cluster.ts';
import { failed, imported, rested, settled, succeeded } from './progress.ts';
import { acted, digestAt, hashOf, instantiated, tagged } from './written.ts';

const two = { platforms: ['linux/arm64', 'linux/s390x'] };
const building = (spec: object = {}): Cluster => rested(imported(rested(clusterOf(edgeBuild(spec)))));
const done = (spec: object = {}): Cluster => settled(clusterOf(edgeBuild(spec)));
const conditionOf = ({ object }: Cluster, type: ConditionType): Condition | undefined =>
  object.status?.conditions?.find((one) => one.type === type);
const fails = (cluster: Cluster, name: string): Cluster =>
  rested(failed(cluster, name, 'DockerBuildFailed', 'exit status 1'));
const latest = (cluster: Cluster): string | undefined => digestAt(cluster, 'web', 'latest');
const changed = { buildArgs: [{ name: 'A', value: 'b' }] };

/** oc tag docker.io/library/x:1 web:latest */
const retagged = (cluster: Cluster): Cluster => {
  const imageStreams = cluster.imageStreams.map((stream) => ({
    ...stream,
    spec: {
      tags: (stream.spec?.tags ?? []).map((tag) =>
        tag.name === 'latest'
          ? { ...tag, from: { kind: 'DockerImage', name: 'docker.io/library/x:1' } }
          : tag,
      ),
    },
  }));
  return tagged({ ...cluster, imageStreams }, 'web', 'latest', 'sha256:foreign');
};

describe('one platform', () => {
  test('is put back where the tag was made to mean something else, also while a build runs or has failed', () => {
    const next = rested(edited(done(), changed));
    for (const cluster of [done(), next, fails(next, 'web-arm64-2')])
      expect(latest(rested(retagged(cluster)))).toBe(hashOf('web-arm64-1'));
  });

  test('is published by pointing the tag at the image that was verified', () => {
    const cluster = done();
    expect(latest(cluster)).toBe(hashOf('web-arm64-1'));
    expect(cluster.object.status?.image).toEqual({
      reference: `registry.example/team-1/web@${hashOf('web-arm64-1')}`,
      digest: hashOf('web-arm64-1'),
      tag: 'web:latest',
      publishedAt: expect.stringMatching(/Z$/),
    });
    const stream = cluster.imageStreams.find(({ metadata }) => metadata.name === 'web');
    expect(stream?.spec?.tags).toMatchObject([
      { name: 'latest', from: { kind: 'ImageStreamImage', name: `web@${hashOf('web-arm64-1')}` } },
    ]);
  });

  test('is said to be published only once the tag has moved', () => {
    const cluster = succeeded(building(), 'web-arm64-1');
    const read = acted(cluster, planned(cluster));
    expect(planned(read).facts).toMatchObject({ isPublishing: true });
    expect(planned(read).facts.published).toBeUndefined();
    expect(planned(acted(read, planned(read))).facts.published).toMatchObject({
      digest: hashOf('web-arm64-1'),
    });
  });

  test('that fails leaves what users pull as it was, and says so', () => {
    const cluster = fails(rested(edited(done(), changed)), 'web-arm64-2');
    expect(latest(cluster)).toBe(hashOf('web-arm64-1'));
    expect(cluster.object.status?.image?.digest).toBe(hashOf('web-arm64-1'));
    expect(conditionOf(cluster, 'Published')).toMatchObject({ status: 'False', reason: 'NotPublished' });
    expect(conditionOf(cluster, 'Ready')).toMatchObject({ status: 'False', observedGeneration: 2 });
  });

  test('is put back where somebody else has moved the tag', () => {
    const cluster = tagged(done(), 'web', 'latest', 'sha256:foreign');
    expect(latest(rested(cluster))).toBe(hashOf('web-arm64-1'));
  });

  test('is published under a new name, if the author wants another one', () => {
    for (const imageStreamTag of ['web:stable', 'site:latest']) {
      const cluster = settled(edited(done(), { output: { imageStreamTag } }));
      const [stream = '', tag = ''] = imageStreamTag.split(':');
      expect(digestAt(cluster, stream, tag)).toBe(hashOf('web-arm64-2'));
      expect(cluster.object.status?.image?.digest).toBe(hashOf('web-arm64-2'));
      expect(latest(cluster)).toBe(hashOf('web-arm64-1'));
    }
  });

  test('is nothing under a new name before that was built, nor if it fails', () => {
    const next = rested(edited(done(), { ...changed, output: { imageStreamTag: 'web:v2' } }));
    expect(digestAt(next, 'web', 'v2')).toBeUndefined();
    const cluster = fails(next, 'web-arm64-2');
    expect([digestAt(cluster, 'web', 'v2'), latest(cluster)]).toEqual([undefined, hashOf('web-arm64-1')]);
    expect(digestAt(settled(next), 'web', 'v2')).toBe(hashOf('web-arm64-2'));
  });

  test('is built and published again, where somebody has deleted the stream with all images', () => {
    const lost = {
      ...done(),
      imageStreams: done().imageStreams.filter(({ metadata }) => metadata.name !== 'web'),
    };
    const cluster = settled(lost);
    expect(latest(cluster)).toBe(hashOf('web-arm64-2'));
    expect(conditionOf(cluster, 'Ready')?.status).toBe('True');
  });
});

describe('several platforms', () => {
  test('are published as one index, when all are there', () => {
    const cluster = building(two);
    const half = rested(succeeded(cluster, 'web-arm64-1'));
    expect(latest(half)).toBeUndefined();
    expect(planned(half).index).toBeUndefined();
    const whole = settled(succeeded(half, 'web-s390x-1'));
    const digest = latest(whole) ?? '';
    expect(whole.images.get(digest)?.children).toEqual([hashOf('web-arm64-1'), hashOf('web-s390x-1')]);
    expect(whole.object.status?.image?.digest).toBe(digest);
    expect(digestAt(whole, 'web', 'latest-index')).toBe(digest);
  });

  test('are put to the registry beside their images', () => {
    let cluster = succeeded(succeeded(building(two), 'web-arm64-1'), 'web-s390x-1');
    while (planned(cluster).unread.length > 0) cluster = acted(cluster, planned(cluster));
    expect(planned(cluster).index).toEqual({
      repository: 'registry.example/team-1/web',
      tag: 'latest-index',
      images: [
        { platform: 'linux/arm64', digest: hashOf('web-arm64-1') },
        { platform: 'linux/s390x', digest: hashOf('web-s390x-1') },
      ],
    });
    expect(planned(settled(cluster)).index).toBeUndefined();
  });

  test('are all or none', () => {
    const cluster = fails(rested(succeeded(building(two), 'web-arm64-1')), 'web-s390x-1');
    expect(latest(cluster)).toBeUndefined();
    expect(conditionOf(cluster, 'Published')).toMatchObject({ status: 'False', reason: 'NotPublished' });
    expect(conditionOf(cluster, 'Stalled')).toMatchObject({ status: 'True', reason: 'DockerfileStepFailed' });
  });

  test('are those that succeeded, where that is asked, and the rest is named', () => {
    const asked = building({ ...two, publish: 'Succeeded' });
    const half = rested(succeeded(asked, 'web-arm64-1'));
    expect(latest(half)).toBeUndefined();
    const cluster = fails(half, 'web-s390x-1');
    expect(latest(cluster)).toBe(hashOf('web-arm64-1'));
    expect(conditionOf(cluster, 'Published')).toMatchObject({ status: 'True', reason: 'PartlyPublished' });
    expect(conditionOf(cluster, 'Published')?.message).toContain('linux/s390x');
    expect(conditionOf(cluster, 'Ready')).toMatchObject({ status: 'False', reason: 'DockerfileStepFailed' });
    const mended = settled(instantiated(cluster, 'web-s390x'));
    expect(mended.images.get(latest(mended) ?? '')?.children).toHaveLength(2);
  });

  test('of which one fails later take nothing away from what is published, where some are enough', () => {
    const before = done({ ...two, publish: 'Succeeded' });
    const after = fails(rested(instantiated(before, 'web-s390x')), 'web-s390x-2');
    expect(latest(after)).toBe(latest(before));
    expect(conditionOf(after, 'Published')).toMatchObject({ status: 'True', reason: 'PartlyPublished' });
    expect(acted(after, planned(after))).toEqual(after);
  });

  test('of which one has no node are not waited for, where some are enough', () => {
    const spec = { platforms: ['linux/amd64', 'linux/s390x'], publish: 'Succeeded' };
    const nodes = [node('worker-1')];
    const cluster = settled(clusterOf(edgeBuild(spec), { nodes }));
    expect(latest(cluster)).toBe(hashOf('web-amd64-1'));
    expect(conditionOf(cluster, 'Ready')).toMatchObject({ status: 'False', reason: 'EmulationUnavailable' });
    expect(
      latest(settled(clusterOf(edgeBuild({ ...spec, publish: 'AllPlatforms' }), { nodes }))),
    ).toBeUndefined();
  });

  test('keep those tags when the tag of the index is put back, while one platform fails', () => {
    const before = done({ ...two, publish: 'Succeeded' });
    const partly = fails(rested(instantiated(before, 'web-s390x')), 'web-s390x-2');
    expect(planned(retagged(partly)).outputStream).toMatchObject({
      spec: {
        tags: [{ name: 'latest' }, { name: 'latest-index-arm64' }, { name: 'latest-index-s390x' }],
      },
    });
  });

  test('have a tag each beside their index, so that who prunes leaves them', () => {
    const children = (cluster: Cluster) =>
      ['arm64', 's390x'].map((one) => digestAt(cluster, 'web', `latest-index-${one}`));
    const before = done(two);
    expect(children(before)).toEqual([hashOf('web-arm64-1'), hashOf('web-s390x-1')]);
    // As long as the index stays, they do.
    const half = rested(succeeded(rested(edited(before, { ...two, ...changed })), 'web-arm64-2'));
    expect(children(half)).toEqual(children(before));
    expect(children(settled(half))).toEqual([hashOf('web-arm64-2'), hashOf('web-s390x-2')]);
  });

  test('leave alone a tag of an earlier one that somebody else holds, too', () => {
    const cluster = done(two);
    const imageStreams = cluster.imageStreams.map((stream) => ({
      ...stream,
      spec: {
        tags: [
          ...(stream.spec?.tags ?? []),
          { name: 'latest-index-386', from: { kind: 'ImageStreamImage', name: 'web@sha256:earlier' } },
        ],
      },
    }));
    expect(planned({ ...cluster, imageStreams }).outputStream).toBeUndefined();
  });

  test('are published anew when one of them is built anew', () => {
    const before = done(two);
    const after = settled(instantiated(before, 'web-s390x'));
    expect(after.images.get(latest(after) ?? '')?.children).toEqual([
      hashOf('web-arm64-1'),
      hashOf('web-s390x-2'),
    ]);
  });

  test('become one, and several again', () => {
    const one = settled(edited(done(two), {}));
    expect(latest(one)).toBe(hashOf('web-arm64-1'));
    const again = settled(edited(one, two));
    expect(again.images.get(latest(again) ?? '')?.children).toHaveLength(2);
    expect(one.buildConfigs.map(({ metadata }) => metadata.name)).toEqual(['web-arm64']);
  });
});

describe('the output ImageStream', () => {
  const streamOf = (cluster: Cluster) =>
    cluster.imageStreams.find(({ metadata }) => metadata.name === 'web')?.metadata;

  test('stays when the EdgeBuild goes, unless the author says otherwise', () => {
    expect(streamOf(done())?.ownerReferences).toBeUndefined();
    expect(streamOf(done({ output: { deletionPolicy: 'Delete' } }))?.ownerReferences).toMatchObject([
      { kind: 'EdgeBuild', name: 'web', uid: 'uid-web' },
    ]);
    const kept = settled(edited(done({ output: { deletionPolicy: 'Delete' } }), {}));
    expect(streamOf(kept)?.ownerReferences).toBeUndefined();
  });

  test('is labelled anew where somebody has taken the label away', () => {
    const cluster = done();
    const imageStreams = cluster.imageStreams.map(({ metadata: { labels: _, ...metadata }, ...one }) => ({
      ...one,
      metadata,
    }));
    expect(streamOf(rested({ ...cluster, imageStreams }))?.labels).toEqual({
      'app.kubernetes.io/managed-by': 'edgebuild',
    });
  });

  test('is never controlled by one EdgeBuild: others may publish to it', () => {
    const [owner] = streamOf(done({ output: { deletionPolicy: 'Delete' } }))?.ownerReferences ?? [];
    expect(owner?.controller).not.toBe(true);
  });
});
