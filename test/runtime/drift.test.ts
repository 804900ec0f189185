/** Drift is what a real API server makes of an apply, and of what others do to it. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Client, createClient } from '../../src/kube/client.ts';
import { type Connection, openConnection } from '../../src/kube/connection.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import type { Kind, KubeObject } from '../../src/kube/objects.ts';
import { createStore } from '../../src/kube/store.ts';
import { createApplyChildren } from '../../src/runtime/children.ts';
import { driftOf } from '../../src/runtime/drift.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';

jest.setTimeout(120_000);

let plane: ControlPlane;
let connection: Connection;
let client: Client;
let other: Client;
let writes = 0;

beforeAll(async () => {
  plane = await startControlPlane();
  connection = openConnection(loadKubeConfig({ kubeconfig: plane.kubeconfig }));
  const onRequest = ({ method }: { readonly method: string }): void => {
    if (method !== 'GET') writes += 1;
  };
  client = createClient({ connection, fieldManager: 'edgebuild', onRequest });
  other = createClient({ connection, fieldManager: 'other' });
}, 180_000);

afterAll(async () => {
  await connection.close();
  await plane.stop();
});

const core = (kind: string, plural: string): Kind => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  namespaced: true,
});
const configMaps = core('ConfigMap', 'configmaps');
const services = core('Service', 'services');
const serviceAccounts = core('ServiceAccount', 'serviceaccounts');
const deployments: Kind = { ...core('Deployment', 'deployments'), group: 'apps' };

const objectOf = (
  { kind, group }: Kind,
  name: string,
  content: object,
  metadata: object = {},
): KubeObject => ({
  ...{ apiVersion: group === '' ? 'v1' : `${group}/v1`, kind },
  metadata: { namespace: 'default', name, ...metadata },
  ...content,
});

const labels = { app: 'web' };
const deployment = (name: string, container: object = {}, spec: object = {}): KubeObject =>
  objectOf(deployments, name, {
    spec: {
      ...{ replicas: 2, selector: { matchLabels: labels } },
      ...spec,
      template: {
        metadata: { labels },
        spec: {
          volumes: [{ name: 'cache', emptyDir: {} }],
          containers: [
            {
              ...{ name: 'main', image: 'busybox', args: ['a', 'b'], env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }] }, // prettier-ignore
              ports: [{ containerPort: 80 }, { containerPort: 53, protocol: 'UDP' }],
              ...container,
            },
          ],
        },
      },
    },
  });

const owner = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: 'owner',
  uid: '0f5d3b1e-7f0c-4a53-9c7e-6f5d2c0b1a11',
};
const applied = (kind: Kind, object: KubeObject, by = client): Promise<KubeObject> => by.apply(kind, object);

const wholes: readonly (readonly [string, Kind, KubeObject])[] = [
  ['a ConfigMap', configMaps, objectOf(configMaps, 'whole', { data: { a: '1', 'b.c': 'x\ny' }, immutable: false }, { labels, annotations: { 'a.b/c': '' }, finalizers: ['edgebuild.io/test'] })], // prettier-ignore
  ['a Service with ports', services, objectOf(services, 'whole', { spec: { selector: labels, ports: [{ name: 'web', port: 80, targetPort: 8080 }, { name: 'dns', port: 53, protocol: 'UDP' }] } })], // prettier-ignore
  ['a Service with a default beside another protocol', services, objectOf(services, 'sctp', { spec: { selector: labels, ports: [{ name: 'a', port: 53 }, { name: 'b', port: 53, protocol: 'SCTP' }] } })], // prettier-ignore
  ['a Deployment', deployments, deployment('whole')],
  ['a ServiceAccount with an owner', serviceAccounts, objectOf(serviceAccounts, 'whole', { automountServiceAccountToken: false }, { ownerReferences: [owner] })], // prettier-ignore
];

describe('what was just applied has not drifted', () => {
  test.each(wholes)('%s', async (_title, kind, object) => {
    expect(driftOf(object, await applied(kind, object))).toBeUndefined();
    // Also as it is read, and listed, later.
    expect(driftOf(object, await client.get(kind, object.metadata))).toBeUndefined();
  });
});

const desired = (name: string, data: object = { a: '1', b: '2' }): KubeObject =>
  objectOf(configMaps, name, { data });
const now = (kind: Kind, name: string): Promise<KubeObject> =>
  client.get(kind, { namespace: 'default', name });
const patch = async (kind: string, name: string, change: object): Promise<void> => {
  const { exitCode, stderr } = await plane.kubectl(['patch', kind, name, '--type=strategic', '-p', JSON.stringify(change)]); // prettier-ignore
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
};

test('an object that we never applied has drifted as a whole', async () => {
  await applied(configMaps, desired('theirs'), other);
  expect(driftOf(desired('theirs'), await now(configMaps, 'theirs'))).toBe('metadata.managedFields');
});

test('a field of ours that somebody edited is named', async () => {
  await applied(configMaps, desired('edited'));
  await patch('configmap', 'edited', { data: { b: 'x' } });
  expect(driftOf(desired('edited'), await now(configMaps, 'edited'))).toBe('data.b');
});

test('so is one that somebody removed', async () => {
  await applied(configMaps, desired('removed'));
  await patch('configmap', 'removed', { data: { a: null } });
  expect(driftOf(desired('removed'), await now(configMaps, 'removed'))).toBe('data.a');
});

test('so is one that another manager took over by force, and only to have been taken over with the same value is none', async () => {
  await applied(configMaps, desired('taken'));
  await applied(configMaps, desired('taken', { a: '1' }), other);
  expect(driftOf(desired('taken'), await now(configMaps, 'taken'))).toBeUndefined();
  await applied(configMaps, desired('taken', { a: 'x' }), other);
  expect(driftOf(desired('taken'), await now(configMaps, 'taken'))).toBe('data.a');
});

test('so is one that is not desired any more, until it has been applied', async () => {
  const fewer = desired('dropped', { a: '1' });
  await applied(configMaps, desired('dropped'));
  expect(driftOf(fewer, await now(configMaps, 'dropped'))).toBe('data.b');
  const after = await applied(configMaps, fewer);
  expect([driftOf(fewer, after), after]).toEqual([undefined, expect.objectContaining({ data: { a: '1' } })]);
});

test('a change deep in a list is named by the item’s key', async () => {
  await applied(deployments, deployment('deep'));
  const change = { name: 'main', env: [{ name: 'B', value: 'x' }] };
  await patch('deployment', 'deep', { spec: { template: { spec: { containers: [change] } } } });
  const path = driftOf(deployment('deep'), await now(deployments, 'deep'));
  expect(path).toBe('spec.template.spec.containers[{"name":"main"}].env[{"name":"B"}].value');
});

test('what others add is no drift: labels, annotations, a sidecar, a variable', async () => {
  const one = deployment('added');
  await applied(deployments, one);
  const containers = [
    { name: 'a-sidecar', image: 'x' },
    { name: 'main', env: [{ name: '0', value: 'x' }] },
  ];
  await patch('deployment', 'added', {
    metadata: { labels: { theirs: 'x' }, annotations: { theirs: 'x' } },
    spec: { minReadySeconds: 3, template: { spec: { containers } } },
  });
  expect(driftOf(one, await now(deployments, 'added'))).toBeUndefined();
});

test('a value that the server writes in its own way is drift, and yet applied only once', async () => {
  const limits = { resources: { limits: { cpu: '1000m' } } };
  const child = deployment('own-way', limits);
  const object = await client.create(configMaps, objectOf(configMaps, 'the-owner', {}));
  const settings = { fieldManager: 'edgebuild', namespace: 'default' };
  const [root, store] = [configMaps, deployments].map((kind) =>
    createStore<KubeObject>(client, kind, settings),
  );
  if (root === undefined || store === undefined) throw new Error('two stores');
  const stop = new AbortController();
  const running = store.run(stop.signal);
  await store.settled(stop.signal);
  const applyChildren = createApplyChildren();
  const call = { client, owner: root, object, desired: [{ store, object: child }], stores: [store] };
  writes = 0;
  await applyChildren(call);
  const live = store.get('default/own-way');
  await applyChildren(call);
  await applyChildren(call);
  const counted = writes;
  stop.abort();
  await running;
  expect(live === undefined ? '' : driftOf(child, live)).toMatch(/limits\.cpu$|^metadata\.ownerReferences$/);
  expect(counted).toBe(1);
});
