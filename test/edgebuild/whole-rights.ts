/** What the operator may do on an OpenShift, what its policies hold it and authors to, and what they leave alone. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { kubectl, type Said, tryKubectl } from '../manifests/installation.ts';
import { allowed, needed, neededOnOpenShift, operator, refusedOnOpenShift } from '../manifests/rights.ts';
import { subject } from './subject.ts';
import { createProjects, eventually } from './whole-site.ts';

const send = async (object: object, ...args: readonly string[]): Promise<Said> => {
  const input = JSON.stringify(object);
  const { exitCode, stdout, stderr } = await execa('kubectl', [...args, '-f', '-'], { input, reject: false });
  return { exitCode, stdout, stderr };
};

/** Until these are what a user may do of what is asked for: a binding counts, and counts no more, a moment later. */
const untilAllowed = async (user: string, rights: readonly string[], asked = rights): Promise<void> => {
  const may = await eventually(() => allowed(user, asked), ({ length }) => length === rights.length); // prettier-ignore
  expect(may).toEqual(rights);
};

export const beginRights = (): Promise<void> => createProjects('authors', 'workloads');

export const operatorsRights = (): void => {
  describe('the operator’s account, on OpenShift,', () => {
    const inTenant = (question: string): string => `${question} in workloads`;

    test('may do what the operator does, in every namespace', async () => {
      const questions = [...needed, ...neededOnOpenShift, ...neededOnOpenShift.map(inTenant)];
      expect(await allowed(operator, questions)).toEqual(questions);
    });

    test.each(Object.entries(refusedOnOpenShift))('may not %s', async (_, questions) => {
      expect(await allowed(operator, questions)).toEqual([]);
    });

    test('may know no names of Secrets but where somebody lets it', async () => {
      expect(await allowed(operator, ['list secrets', 'watch secrets', 'list secrets in workloads'])).toEqual([]);
      const role = ['--clusterrole=edgebuild-secret-names', '--serviceaccount=edgebuild-system:edgebuild'];
      await kubectl('-n', 'workloads', 'create', 'rolebinding', 'names', ...role);
      const asked = ['get', 'list', 'watch', 'create', 'patch'].map((verb) => inTenant(`${verb} secrets`));
      await untilAllowed(operator, [inTenant('list secrets'), inTenant('watch secrets')], asked);
      expect(await allowed(operator, ['list secrets', 'list secrets in authors'])).toEqual([]);
    });
  });
}; // prettier-ignore

const owned = {
  ownerReferences: [
    { apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', name: 'web', uid: '0', controller: true },
  ],
};
const container = { name: 'main', image: 'example.org/web@sha256:0', ports: [{ containerPort: 8080 }] };
const deployment = (pod: object, metadata: object = owned, namespace = 'workloads') => ({
  ...{
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace, ...metadata },
  },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [container], ...pod } },
  },
});
const service = (metadata: object, namespace = 'workloads') => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace, ...metadata } },
  spec: { ports: [{ port: 80 }], selector: { app: 'web' } },
});
const containing = (more: object): object => ({ containers: [{ ...container, ...more }] });
const volumes = { volumes: [{ name: 'node', hostPath: { path: '/' } }] };

/** What is sent, and of what the refusal speaks. */
const refusals: readonly (readonly [string, object, RegExp])[] = [
  ['without an owner', deployment({}, {}), /belongs to an EdgeBuild/],
  ['of another kind of owner', deployment({}, { ownerReferences: [{ ...owned.ownerReferences[0], apiVersion: 'v1', kind: 'Pod' }] }), /belongs to an EdgeBuild/],
  ['beside the agents', deployment({}, owned, 'edgebuild-node'), /namespace of the system/],
  ['beside the operator', deployment({}, owned, 'edgebuild-system'), /namespace of the system/],
  ['in kube-system', deployment({}, owned, 'kube-system'), /namespace of the system/],
  ['in a namespace of OpenShift', deployment({}, owned, 'openshift-image-registry'), /namespace of the system/],
  ['with a directory of the node', deployment(volumes), /no volume/],
  ['with two containers', deployment({ containers: [container, { ...container, name: 'other' }] }), /one container/],
  ['with an init container', deployment({ initContainers: [{ ...container, name: 'other' }] }), /one container/],
  ['in the network of the node', deployment({ hostNetwork: true }), /nothing of the node/],
  ['among the processes of the node', deployment({ hostPID: true }), /nothing of the node/],
  ['on a node of its choice', deployment({ nodeName: 'localhost' }), /nothing of the node/],
  ['under another account', deployment({ serviceAccountName: 'builder' }), /no account of its choice/],
  ['with a pull secret', deployment({ imagePullSecrets: [{ name: 'hub' }] }), /no volume and no account/],
  ['privileged', deployment(containing({ securityContext: { privileged: true } })), /an image as it is/],
  ['with another command', deployment(containing({ command: ['sh'] })), /an image as it is/],
  ['with a Secret in its environment', deployment(containing({ envFrom: [{ secretRef: { name: 'hub' } }] })), /an image as it is/],
  ['on a port of the node', deployment(containing({ ports: [{ containerPort: 80, hostPort: 80 }] })), /an image as it is/],
  ['a Service without an owner', service({}), /belongs to an EdgeBuild/],
  ['a Service in kube-system', service(owned, 'kube-system'), /namespace of the system/],
]; // prettier-ignore

export const workloads = (): void => {
  describe('what the operator runs', () => {
    const asOperator = (object: object) => send(object, 'create', `--as=${operator}`, '--dry-run=server');

    test('is what an EdgeBuild asks for', async () => {
      for (const object of [deployment({ nodeSelector: { a: 'b' } }), service(owned)])
        expect(await asOperator(object)).toMatchObject({ exitCode: 0, stderr: '' });
    });

    test.each(refusals)('is refused %s', async (_, object, says) => {
      const { exitCode, stderr } = await asOperator(object);
      expect(exitCode).toBe(1);
      expect(stderr).toContain("ValidatingAdmissionPolicy 'edgebuild-workloads'");
      expect(stderr).toMatch(says);
    });

    test('nobody else is held to that', async () => {
      expect(await send(deployment(volumes, {}), 'create', '--dry-run=server')).toMatchObject({
        exitCode: 0,
      });
    });
  });
};

export const authors = (): void => {
  describe('an author who may not make docker builds', () => {
    const one = subject('authors');
    const source = { source: { dockerfile: 'FROM scratch\n' } };
    const create = () => send(one.object({ ...source, suspend: true }), 'create', '--as=author');
    const patch = (change: object) =>
      tryKubectl(
        '-n',
        'authors',
        'patch',
        'edgebuild',
        'web',
        '--as=author',
        '--type=merge',
        '-p',
        JSON.stringify(change),
      );

    beforeAll(async () => {
      await kubectl('-n', 'authors', 'create', 'rolebinding', 'edit', '--clusterrole=edit', '--user=author');
      await untilAllowed('author', ['create edgebuilds.edgebuild.io in authors']);
    });

    test('is denied an EdgeBuild, and told who may not do what and where', async () => {
      const { exitCode, stderr } = await create();
      expect(exitCode).toBe(1);
      expect(stderr).toContain("ValidatingAdmissionPolicy 'edgebuild-authors'");
      expect(stderr).toContain(
        'author may not create builds/docker.build.openshift.io in namespace authors, which an EdgeBuild does',
      );
    });

    test('creates it with that right, and changes nothing of what is built any more without', async () => {
      const role = ['--clusterrole=system:build-strategy-docker', '--user=author'];
      const docker = ['create builds.build.openshift.io/docker in authors'];
      await kubectl('-n', 'authors', 'create', 'rolebinding', 'docker', ...role);
      await untilAllowed('author', docker);
      expect(await create()).toMatchObject({ exitCode: 0 });
      await kubectl('-n', 'authors', 'delete', 'rolebinding', 'docker');
      await untilAllowed('author', [], docker);
      const changed = await patch({ spec: { suspend: false } });
      expect(changed.stderr).toContain('author may not create builds/docker.build.openshift.io');
      expect((await one.read()).spec).toMatchObject({ suspend: true });
      expect(await patch({ metadata: { annotations: { looked: 'at' } } })).toMatchObject({ exitCode: 0 });
    });

    test('deletes it, and the garbage collector is not hindered', async () => {
      const said = await tryKubectl(
        ...['-n', 'authors', 'delete', 'edgebuild', 'web', '--as=author'],
        ...['--cascade=foreground', '--timeout=120s'],
      );
      expect(said).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await kubectl('-n', 'authors', 'get', 'edgebuilds', '-o', 'name')).toBe('');
    });

    test('deploys only what they may make themselves', async () => {
      const asked = ['--as=planner', '--dry-run=server'];
      const deploying = (deploy?: object) =>
        send(one.object({ ...source, ...(deploy && { deploy }) }), 'create', ...asked);
      const grant = async (name: string, resource: string): Promise<void> => {
        await kubectl('-n', 'authors', 'create', 'role', name, '--verb=create', `--resource=${resource}`);
        await kubectl('-n', 'authors', 'create', 'rolebinding', name, `--role=${name}`, '--user=planner');
        await untilAllowed('planner', [`create ${resource} in authors`]);
      };
      await grant('plan', 'edgebuilds.edgebuild.io');
      await grant('docker', 'builds.build.openshift.io/docker');
      expect(await deploying()).toMatchObject({ exitCode: 0 });
      const exposed = { port: 8080, expose: true };
      for (const [deploy, resource] of [
        [{}, 'deployments.apps'],
        [{ port: 8080 }, 'services'],
        [exposed, 'routes.route.openshift.io'],
      ] as const) {
        const refused = await deploying(deploy);
        expect(refused.stderr).toContain(`planner may not create ${resource} in namespace authors`);
        await grant(resource.split('.')[0] ?? '', resource);
        expect(await deploying(deploy)).toMatchObject({ exitCode: 0, stderr: '' });
      }
    });
  });
};
