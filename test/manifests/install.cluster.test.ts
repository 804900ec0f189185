/** The operator as the manifests install it: its image, its Deployment, its rights and no more. Runs inside of a box. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeName } from '../cluster/node.ts';
import { removeDirectories } from '../support/directories.ts';
import { until } from '../support/until.ts';
import { kubectl, pushInto, tryKubectl } from './installation.ts';
import { allowed, needed, operator, refused } from './rights.ts';

jest.setTimeout(600_000);

const inSystem = '--namespace=edgebuild-system';
let manifests = '';
let overlay = '';

beforeAll(async () => {
  if (process.env['EDGEBUILD_BOX'] === undefined) {
    throw new Error('this runs inside of a box: node test/cluster/enter.ts -- jest PATTERN');
  }
  manifests = await pushInto();
  overlay = join(manifests, 'overlays/kubernetes');
  await kubectl('apply', '-k', overlay);
  await kubectl(inSystem, 'rollout', 'status', 'deployment/edgebuild', '--timeout=300s');
});

afterAll(async () => {
  await kubectl('delete', '-k', overlay, '--ignore-not-found');
  removeDirectories();
});

const words = async (...args: readonly string[]): Promise<readonly string[]> =>
  (await kubectl(...args)).split(/\s+/).filter((word) => word !== '');

const replicas = (): Promise<readonly string[]> =>
  words(inSystem, 'get', 'pods', '-o', 'jsonpath={.items[*].metadata.name}');

const leader = async (): Promise<string> =>
  (await tryKubectl(inSystem, 'get', 'lease', 'edgebuild.io', '-o', 'jsonpath={.spec.holderIdentity}'))
    .stdout;

describe('the Deployment', () => {
  test('runs two replicas of the image that images.env names, neither of them restarted', async () => {
    const image = /^operator=(.*)$/m.exec(readFileSync(join(manifests, 'base/images.env'), 'utf8'))?.[1];
    const of = (field: string): Promise<readonly string[]> =>
      words(inSystem, 'get', 'pods', '-o', `jsonpath={.items[*]${field}}`);
    expect(image).toMatch(/^127\.0\.0\.1:5000\/edgebuild\/operator@sha256:[0-9a-f]{64}$/);
    expect(await of('.spec.containers[*].image')).toEqual([image, image]);
    expect(await of('.status.containerStatuses[*].restartCount')).toEqual(['0', '0']);
  });

  test('has one leader among its replicas', async () => {
    expect(await replicas()).toContain(await until(leader, (name) => name !== '', 60_000));
  });

  test('is not root, and can write nowhere in its image', async () => {
    const script = `const directories = ['/', '/tmp', '/run', '/opt/edgebuild'];
      const code = (to) => { try { fs.writeFileSync(to + '/x', ''); return 'written'; } catch (e) { return e.code; } };
      console.log(process.getuid(), ...directories.map(code))`;
    const [pod = ''] = await replicas();
    const said = await words(inSystem, 'exec', pod, '--', 'node', '-e', script);
    expect(said).toEqual(['65532', 'EROFS', 'EROFS', 'EROFS', 'EROFS']);
  });

  test('shows its metrics behind a Service', async () => {
    const path = '/api/v1/namespaces/edgebuild-system/services/edgebuild-metrics:metrics/proxy/metrics';
    expect(await kubectl('get', '--raw', path)).toContain('\nprocess_start_time_seconds ');
  });
});

test('what is applied a second time is unchanged', async () => {
  const columns = '{range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{"\\n"}{end}';
  const versions = async (): Promise<readonly string[]> =>
    (await kubectl('get', '-k', overlay, '-o', `jsonpath=${columns}`)).trim().split('\n');
  // Controllers may still be writing the status of what was just made.
  const look = async () => ({ before: await versions(), said: await kubectl('apply', '-k', overlay), after: await versions() }); // prettier-ignore
  const { before, said, after } = await until(
    look,
    (seen) => seen.before.join() === seen.after.join(),
    120_000,
  );
  expect(after).toEqual(before);
  expect(before.length).toBeGreaterThan(20);
  // kubectl sends a PodDisruptionBudget's selector whether it differs or not (patchStrategy "replace"), and says so.
  const changed = said.split('\n').filter((line) => !line.endsWith(' unchanged'));
  expect(changed).toEqual(['poddisruptionbudget.policy/edgebuild configured']);
});

describe('of a node the operator', () => {
  const asOperator = (...args: readonly string[]) => tryKubectl(`--as=${operator}`, ...args);

  beforeAll(async () => {
    // A policy holds a moment after it was applied; a dry run is judged, and changes nothing.
    const judged = () => asOperator('label', 'node', nodeName, 'edgebuild-test=1', '--dry-run=server');
    await until(judged, ({ exitCode }) => exitCode !== 0, 60_000);
  });

  test('may set and remove labels of emulation.edgebuild.io/', async () => {
    // The operator that runs takes off what nothing proves, by the same right, and may be faster: so what is looked at is
    // the answer to each change.
    const label = 'emulation.edgebuild.io/test';
    const shown = ['--overwrite', '-o', 'jsonpath={.metadata.labels}'];
    const [set, removed] = [
      await asOperator('label', 'node', nodeName, `${label}=ready`, ...shown),
      await asOperator('label', 'node', nodeName, `${label}-`, ...shown),
    ];
    expect(set).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`"${label}":"ready"`) });
    expect(removed).toMatchObject({ exitCode: 0, stdout: expect.not.stringContaining(`"${label}":`) });
  });

  const patch = (change: object): readonly string[] => [
    'patch',
    'node',
    nodeName,
    '--patch',
    JSON.stringify(change),
  ];
  test.each([
    ['another label', ['label', 'node', nodeName, 'zone=1'], 'labels of nodes .* refused for zone$'],
    ['a label of a similar name', ['label', 'node', nodeName, 'emulation.edgebuild.io.x/a=1'], 'refused for emulation.edgebuild.io.x/a$'],
    ['one label of two', ['label', 'node', nodeName, 'zone=1', 'emulation.edgebuild.io/a=1'], 'refused for zone$'],
    ['another value', ['label', '--overwrite', 'node', nodeName, 'kubernetes.io/arch=arm'], 'refused for kubernetes.io/arch$'],
    ['the removal of a label', ['label', 'node', nodeName, 'kubernetes.io/os-'], 'refused for kubernetes.io/os$'],
    ['an annotation', ['annotate', 'node', nodeName, 'zone=1'], 'refused for metadata.annotations$'],
    ['a taint', ['taint', 'node', nodeName, 'zone=1:NoSchedule'], 'taint, .* refused for spec$'],
    ['to cordon it', patch({ spec: { unschedulable: true } }), 'cordon .* refused for spec$'],
    ['a finalizer', patch({ metadata: { finalizers: ['a.example/b'] } }), 'refused for metadata.finalizers$'],
  ])('is refused %s, and told what', async (_, args, message) => {
    const { exitCode, stderr } = await asOperator(...args);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("ValidatingAdmissionPolicy 'edgebuild-nodes'");
    expect(stderr).toMatch(new RegExp(message));
  }); // prettier-ignore

  test('nobody else is held to that', async () => {
    expect(await tryKubectl('label', 'node', nodeName, 'edgebuild-test=1')).toMatchObject({ exitCode: 0 });
    expect(await tryKubectl('label', 'node', nodeName, 'edgebuild-test-')).toMatchObject({ exitCode: 0 });
  });
});

describe('the operator’s account', () => {
  test('may do what the operator does', async () => {
    expect(await allowed(operator, needed)).toEqual(needed);
  });

  test.each(Object.entries(refused))('may not %s', async (_, questions) => {
    expect(await allowed(operator, questions)).toEqual([]);
  });

  test('of the agents may do nothing at all', async () => {
    const questions = [
      'get pods',
      'list nodes',
      'patch nodes',
      'list edgebuilds.edgebuild.io',
      'get secrets',
    ];
    const asked = questions.map((question) => `${question} in edgebuild-node`);
    expect(await allowed('system:serviceaccount:edgebuild-node:edgebuild-agent', asked)).toEqual([]);
  });
});

describe('a tenant', () => {
  const namespace = 'install-test';
  const every = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
  const reading = ['get', 'list', 'watch'];
  const edgeBuilds = (verb: string): string => `${verb} edgebuilds.edgebuild.io in ${namespace}`;

  beforeAll(async () => {
    await kubectl('create', 'namespace', namespace);
    for (const role of ['admin', 'edit', 'view'])
      await kubectl(
        '-n',
        namespace,
        'create',
        'rolebinding',
        role,
        `--clusterrole=${role}`,
        `--user=${role}`,
      );
  });

  afterAll(async () => {
    await kubectl('delete', 'namespace', namespace);
  });

  test.each([
    ['admin', every],
    ['edit', every],
    ['view', reading],
  ])('who has %s has it for EdgeBuilds, and not for NodeEmulation', async (user, verbs) => {
    const rights = () => allowed(user, every.map(edgeBuilds));
    // A controller of Kubernetes' own adds the rights to these roles.
    expect(await until(rights, ({ length }) => length === verbs.length, 60_000)).toEqual(verbs.map(edgeBuilds)); // prettier-ignore
    const others = [
      ...[`patch edgebuilds.edgebuild.io/status in ${namespace}`, 'list edgebuilds.edgebuild.io in default'],
      ...every.map((verb) => `${verb} nodeemulations.edgebuild.io`),
    ];
    expect(await allowed(user, others)).toEqual([]);
  });

  test('who has edit creates the sample, and the operator says on it what it thinks of it', async () => {
    await until(() => allowed('edit', [edgeBuilds('create')]), ({ length }) => length > 0, 60_000); // prettier-ignore
    const asTenant = (...args: readonly string[]) => kubectl('-n', namespace, '--as=edit', ...args);
    await asTenant('create', '-f', join(manifests, 'samples/edgebuild.yaml'));
    const ready = '{.status.conditions[?(@.type=="Ready")].reason}';
    const reason = () => asTenant('get', 'edgebuild', 'apache', '-o', `jsonpath=${ready}`);
    expect(await until(reason, (seen) => seen !== '', 120_000)).toBe('BuildAPIUnavailable');
  });
});

test('the sample of NodeEmulation is one', async () => {
  const sample = join(manifests, 'samples/nodeemulation.yaml');
  expect(await kubectl('apply', '--dry-run=server', '--validate=strict', '-f', sample)).toContain(
    'nodeemulation.edgebuild.io/cluster',
  );
});

test('the operator was refused nothing that it asked for until now', async () => {
  for (const pod of await replicas()) {
    const log = await kubectl(inSystem, 'logs', pod);
    expect(log).toContain('"message":"edgebuild runs"');
    expect(log).not.toMatch(/forbidden|unauthorized|: 40[13]: /i);
  }
});

test('everything goes with one `kubectl delete`, and nothing hangs', async () => {
  expect(await words('get', '-k', overlay, '-o', 'name')).toContain('namespace/edgebuild-node');
  await kubectl('delete', '-k', overlay, '--timeout=120s');
  expect(await words('get', '-k', overlay, '-o', 'name', '--ignore-not-found')).toEqual([]);
});
