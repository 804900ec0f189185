/** What kustomize makes of the manifests, where no API server has to judge it. Runs inside of a box for its kubectl. */
import { afterAll, expect, test } from '@jest/globals';
import { isDeepStrictEqual } from 'node:util';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeDirectories } from '../support/directories.ts';
import { copyOfManifests, type Manifest, nameOf, render } from './installation.ts';

afterAll(removeDirectories);

const overlays = join(import.meta.dirname, '../../manifests/overlays');
const [kubernetes, openshift] = await Promise.all(
  ['kubernetes', 'openshift'].map((name) => render(join(overlays, name))),
);

const named = (objects: readonly Manifest[] | undefined): ReadonlyMap<string, Manifest> =>
  new Map((objects ?? []).map((object) => [nameOf(object), object]));

test('OpenShift gets the rights and the policies of builds, and lets agents be privileged on every node', () => {
  const [base, more] = [named(kubernetes), named(openshift)];
  const added = [...more.values()].filter((object) => !base.has(nameOf(object)));
  expect(added.map(nameOf).toSorted()).toEqual([
    'ClusterRole/edgebuild-builds',
    'ClusterRole/edgebuild-secret-names',
    'ClusterRoleBinding/edgebuild-builds',
    'RoleBinding/edgebuild-node/edgebuild-agent-privileged',
    'ValidatingAdmissionPolicy/edgebuild-authors',
    'ValidatingAdmissionPolicy/edgebuild-workloads',
    'ValidatingAdmissionPolicyBinding/edgebuild-authors',
    'ValidatingAdmissionPolicyBinding/edgebuild-workloads',
  ]);
  expect(added.find(({ kind }) => kind === 'RoleBinding')).toMatchObject({
    metadata: { namespace: 'edgebuild-node' },
    roleRef: { kind: 'ClusterRole', name: 'system:openshift:scc:privileged' },
    subjects: [{ kind: 'ServiceAccount', name: 'edgebuild-agent', namespace: 'edgebuild-node' }],
  });
  const changed = [...base].filter(([name, object]) => !isDeepStrictEqual(more.get(name), object));
  expect(changed.map(([name]) => name)).toEqual([
    'Namespace/edgebuild-node',
    'NetworkPolicy/edgebuild-system/edgebuild',
  ]);
  const egressOf = (objects: ReadonlyMap<string, Manifest>): readonly unknown[] =>
    (
      objects.get('NetworkPolicy/edgebuild-system/edgebuild')?.['spec'] as {
        readonly egress: readonly unknown[];
      }
    ).egress;
  // The internal registry, for images of several platforms.
  expect(egressOf(more)).toEqual([...egressOf(base), { ports: [{ port: 5000, protocol: 'TCP' }] }]);
  const before = base.get('Namespace/edgebuild-node')?.metadata;
  expect(more.get('Namespace/edgebuild-node')?.metadata).toEqual({
    ...before,
    labels: { ...before?.labels, 'security.openshift.io/scc.podSecurityLabelSync': 'false' },
    annotations: { 'openshift.io/node-selector': '' },
  });
});

/** Names of ConfigMaps, and those that the Deployment reads. */
const configMaps = (objects: readonly Manifest[] = []): readonly string[] => {
  const deployment = JSON.stringify(objects.find(({ kind }) => kind === 'Deployment'));
  const read = deployment.matchAll(/"configMapKeyRef":{[^}]*"name":"([^"]*)"/g);
  return [
    ...objects.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata: { name } }) => name),
    ...[...read].map(([, name]) => name ?? ''),
  ];
};

test('the Deployment reads images.env by a name that changes with it', async () => {
  const copy = copyOfManifests();
  appendFileSync(join(copy, 'base/images.env'), 'more=1\n');
  const [before, after] = [
    configMaps(kubernetes),
    configMaps(await render(join(copy, 'overlays/kubernetes'))),
  ];
  for (const names of [before, after]) expect(names).toEqual(Array.from({ length: 4 }, () => names[0]));
  expect(after[0]).not.toBe(before[0]);
});

test('no role has a wildcard, a right that leads to others, or Secrets, but for one that nobody has', () => {
  const isUnbound = ({ metadata }: Manifest): boolean => metadata.name === 'edgebuild-secret-names';
  const rules = (openshift ?? []).filter((one) => !isUnbound(one)).flatMap((object) => object.rules ?? []);
  expect(JSON.stringify((openshift ?? []).map(({ roleRef }) => roleRef))).not.toContain(
    'edgebuild-secret-names',
  );
  expect(rules.length).toBeGreaterThan(10);
  const said = new Set(rules.flatMap(({ apiGroups, resources, verbs }) => [...apiGroups, ...resources, ...verbs])); // prettier-ignore
  for (const word of [
    '*',
    'secrets',
    'pods/exec',
    'serviceaccounts/token',
    'escalate',
    'bind',
    'impersonate',
  ])
    expect(said).not.toContain(word);
});

test('every object says of what it is a part', () => {
  for (const object of openshift ?? []) {
    if (object.kind !== 'CustomResourceDefinition')
      expect(object.metadata.labels).toHaveProperty(['app.kubernetes.io/component']);
    expect(object.metadata.labels).toMatchObject({
      'app.kubernetes.io/name': 'edgebuild',
      'app.kubernetes.io/part-of': 'edgebuild',
      'app.kubernetes.io/managed-by': 'kustomize',
    });
  }
});
