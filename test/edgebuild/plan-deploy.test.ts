import { describe, expect, test } from '@jest/globals';
import { deployedFinding, type Deployment } from '../../src/edgebuild/deployment.ts';
import { type Cluster, clusterOf, edgeBuild, edited, native, node, planned, proving } from './cluster.ts';
import { failed, rested, settled } from './progress.ts';
import { hashOf, instantiated } from './written.ts';

const deploy = { replicas: 2, port: 8080, expose: true };
const done = (spec: object = { deploy }, given: Partial<Cluster> = {}, metadata: object = {}): Cluster =>
  settled(clusterOf(edgeBuild(spec, metadata), given));
const condition = ({ object }: Cluster, type = 'Deployed') =>
  object.status?.conditions?.find((one) => one.type === type);
const specOf = ({ deployments }: Cluster) => (deployments[0] as unknown as { readonly spec: PodOwner }).spec;
interface PodOwner {
  readonly replicas: number;
  readonly template: {
    readonly spec: {
      readonly nodeSelector: object;
      readonly containers: readonly { readonly image: string; readonly ports?: readonly object[] }[];
    };
  };
}
const changed = { deploy, buildArgs: [{ name: 'A', value: 'b' }] };

describe('what is deployed', () => {
  test('is the image that was published, by digest, where its programs run', () => {
    const cluster = done();
    const { replicas, template } = specOf(cluster);
    expect(replicas).toBe(2);
    expect(template.spec.nodeSelector).toEqual({
      'kubernetes.io/arch': 'amd64',
      'emulation.edgebuild.io/arm64': 'ready',
    });
    expect(template.spec.containers).toEqual([
      {
        name: 'main',
        image: `registry.example/team-1/web@${hashOf('web-arm64-1')}`,
        ports: [{ containerPort: 8080, protocol: 'TCP' }],
      },
    ]);
    expect(cluster.deployments[0]?.metadata.annotations).toEqual({
      'image.openshift.io/triggers': expect.stringContaining('"name":"web:latest"'),
    });
  });

  test('leads the console to its source, and says what it is built upon', () => {
    const git = { uri: 'https://example.com/web.git', ref: 'main' };
    const [deployment] = done({
      deploy,
      source: { git, dockerfile: 'FROM quay.io/acme/httpd-24:2\n' },
    }).deployments;
    expect(deployment?.metadata.annotations).toMatchObject({
      'app.openshift.io/vcs-uri': git.uri,
      'app.openshift.io/vcs-ref': 'main',
    });
    expect(deployment?.metadata.labels).toMatchObject({ 'app.openshift.io/runtime': 'httpd-24' });
    const [unknown] = done({ deploy, source: { git: { uri: 'git@example.com:web.git' } } }).deployments;
    expect(unknown?.metadata.annotations).not.toHaveProperty(['app.openshift.io/vcs-uri']);
    expect(unknown?.metadata.labels).not.toHaveProperty(['app.openshift.io/runtime']);
  });

  test('is nothing before anything is published, and that is said', () => {
    const cluster = rested(clusterOf(edgeBuild({ deploy })));
    expect([cluster.deployments, cluster.services, cluster.routes]).toEqual([[], [], []]);
    expect(condition(cluster)).toMatchObject({ status: 'Unknown', reason: 'Pending' });
  });

  test('has a Service and a Route as far as the author wants them', () => {
    const counts = (cluster: Cluster) =>
      [cluster.deployments, cluster.services, cluster.routes].map((all) => all.length);
    expect(counts(done({ deploy }))).toEqual([1, 1, 1]);
    expect(counts(done({ deploy: { port: 80 } }))).toEqual([1, 1, 0]);
    expect(counts(done({ deploy: {} }))).toEqual([1, 0, 0]);
    expect(counts(done({}))).toEqual([0, 0, 0]);
    expect(counts(settled(edited(done(), {})))).toEqual([0, 0, 0]);
  });

  test('is Ready with its pods', () => {
    expect(condition(done())).toMatchObject({ status: 'True', reason: 'Deployed' });
    expect(condition(done(), 'Ready')?.status).toBe('True');
    const sick = { ...done(), deployments: done().deployments.map(({ status: _, ...one }) => one) };
    expect(condition(rested(sick))).toMatchObject({ status: 'False', reason: 'DeployProgressing' });
    expect(condition(rested(sick), 'Ready')).toMatchObject({ status: 'False', reason: 'DeployProgressing' });
    expect(condition(rested(sick), 'Reconciling')).toMatchObject({
      status: 'True',
      reason: 'DeployProgressing',
    });
    expect(condition(done({}))).toBeUndefined();
  });

  test('runs on while something else is built, and after that has failed', () => {
    const before = done();
    const building = rested(edited(before, changed));
    expect(specOf(building)).toEqual(specOf(before));
    expect([building.services, building.routes]).toEqual([before.services, before.routes]);
    const after = rested(failed(building, 'web-arm64-2', 'DockerBuildFailed', 'exit status 1'));
    expect(specOf(after)).toEqual(specOf(before));
    expect([after.services, after.routes]).toEqual([before.services, before.routes]);
  });

  test('is the new image once that is published', () => {
    const cluster = settled(edited(done(), changed));
    expect(specOf(cluster).template.spec.containers[0]?.image).toContain(hashOf('web-arm64-2'));
  });

  test('is not what runs before the Deployment says so: Ready never comes with the pods of an earlier image', () => {
    const before = done();
    const published = settled(edited(before, changed));
    expect(planned({ ...published, deployments: before.deployments }).facts.deployed).toMatchObject({
      ...{ status: 'False', reason: 'DeployProgressing' },
      message: expect.stringContaining(hashOf('web-arm64-2')),
    });
    const scaled = edited(before, { deploy: { ...deploy, replicas: 3 } });
    expect(planned(scaled).facts.deployed).toMatchObject({ status: 'False', reason: 'DeployProgressing' });
    expect(condition(settled(scaled))).toMatchObject({ status: 'True' });
  });

  test('is one image of several platforms: natively if there is a node for it', () => {
    const several = { deploy, platforms: ['linux/s390x', 'linux/arm64'] };
    const nodes = [proving('worker-1', 's390x', 'arm64')];
    expect(specOf(done(several, { nodes })).template.spec.containers[0]?.image).toContain(
      hashOf('web-s390x-1'),
    );
    const cluster = done(several, { nodes: [...nodes, native('arm-1', 'arm64')] });
    expect(specOf(cluster).template.spec.containers[0]?.image).toContain(hashOf('web-arm64-1'));
    expect(specOf(cluster).template.spec.nodeSelector).toEqual({ 'kubernetes.io/arch': 'arm64' });
    // The tag means an index: the Deployment must not follow it.
    expect(cluster.deployments[0]?.metadata.annotations).toBeUndefined();
  });

  test('runs on where a node has gone', () => {
    const before = done();
    expect(specOf(rested({ ...before, nodes: [node('worker-1')] }))).toEqual(specOf(before));
  });

  test('is not Deployed with another number of pods than the spec says, even where the next image has failed', () => {
    const failing = failed(
      rested(edited(done(), changed)),
      'web-arm64-2',
      'DockerBuildFailed',
      'exit status 1',
    );
    const scaled = rested(edited(rested(failing), { ...changed, deploy: { ...deploy, replicas: 0 } }));
    expect([specOf(scaled).replicas, condition(scaled)?.status]).toEqual([2, 'False']);
  });

  test('stays when its platform fails later, where some platforms are enough', () => {
    const several = { deploy, platforms: ['linux/s390x', 'linux/arm64'], publish: 'Succeeded' };
    const before = done(several);
    const failing = failed(
      rested(instantiated(before, 'web-s390x')),
      'web-s390x-2',
      'DockerBuildFailed',
      'exit status 1',
    );
    expect(specOf(settled(failing)).template.spec).toEqual(specOf(before).template.spec);
  });

  test('runs natively where there is a node for it, though a stage of its build does not', () => {
    const text = 'FROM --platform=$BUILDPLATFORM golang:1 AS b\nFROM debian:12\nCOPY --from=b /x /\n';
    const nodes = [proving('worker-1', 'arm64'), native('arm-1', 'arm64')];
    const cluster = done({ deploy, source: { dockerfile: text } }, { nodes });
    expect(cluster.buildConfigs[0]?.spec.nodeSelector).toMatchObject({ 'kubernetes.io/arch': 'amd64' });
    expect(specOf(cluster).template.spec.nodeSelector).toEqual({ 'kubernetes.io/arch': 'arm64' });
  });

  test('is named within 63 characters, the Service as a DNS label', () => {
    const cluster = done({ deploy }, {}, { name: `7.${'a'.repeat(198)}` });
    for (const { metadata } of [...cluster.deployments, ...cluster.services, ...cluster.routes])
      expect(metadata.name.length).toBeLessThanOrEqual(63);
    expect(cluster.services[0]?.metadata.name).toMatch(/^[a-z][-a-z0-9]*[a-z0-9]$/);
    expect(planned(cluster).children).toMatchObject({
      route: { spec: { to: { kind: 'Service', name: cluster.services[0]?.metadata.name } } },
    });
  });
});

describe('a Deployment', () => {
  const of = (status: Deployment['status'], generation = 2, replicas = 2): Deployment => ({
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', generation } },
    spec: { replicas, template: { spec: { containers: [{ name: 'main', image: 'x' }] } } },
    ...(status === undefined ? {} : { status }),
  });
  const ready = { observedGeneration: 2, availableReplicas: 2, updatedReplicas: 2 };

  test.each<[string, Deployment | undefined, string | undefined, object]>([
    ['runs', of(ready), 'x', { status: 'True', reason: 'Deployed', message: '2 of 2 pods run x' }],
    ['of none runs', of({ observedGeneration: 2 }, 2, 0), 'x', { status: 'True' }],
    ['is not there yet', undefined, 'x', { status: 'False', reason: 'DeployProgressing' }],
    ['was not looked at', of({ ...ready, observedGeneration: 1 }), 'x', { status: 'False' }],
    ['still has old pods', of({ ...ready, updatedReplicas: 1 }), 'x', { status: 'False', message: '1 of 2 pods run' }],
    ['cannot make pods', of({ ...ready, availableReplicas: 0, conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'quota' }] }), 'x', { message: '0 of 2 pods run: quota' }],
    ['hangs', of({ ...ready, availableReplicas: 1, conditions: [{ type: 'Progressing', status: 'False', message: 'too slow' }] }), 'x', { message: '1 of 2 pods run: too slow' }],
    ['has nothing to run', undefined, undefined, { status: 'Unknown', reason: 'Pending' }],
  ])('that %s', (_, deployment, image, expected) => {
    const replicas = deployment?.spec?.replicas ?? 2;
    expect(deployedFinding(deployment, { image, replicas }, image)).toMatchObject(expected);
    // What is to run next is not known: what runs may stay.
    expect(deployedFinding(deployment, { image: undefined, replicas }, image)).toMatchObject(expected);
  }); // prettier-ignore
});
