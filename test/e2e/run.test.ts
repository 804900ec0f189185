import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { load } from 'js-yaml';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { freePorts } from '../cluster/ports.ts';
import { until } from '../support/until.ts';

// `edgebuild run`, compiled as it ships and where no node_modules is, on a real API server without OpenShift.
const root = join(import.meta.dirname, '../..');
const node = join(root, 'node_modules/.bin/node');

let plane: ControlPlane;
let directory: string;
let program: string;
const started: Child[] = [];

/** What is used of a process. */
interface Child extends Promise<{
  readonly exitCode?: number | undefined;
  readonly all?: string | undefined;
}> {
  readonly kill: (signal: NodeJS.Signals) => boolean;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'edgebuild-run-'));
  await execa(node, ['scripts/bundle.ts', '--into', join(directory, 'dist'), 'src/main.ts'], { cwd: root });
  await cp(join(root, 'package.json'), join(directory, 'package.json'));
  program = join(directory, 'dist/main.js');
  plane = await startControlPlane({ tokens: { nobody: { user: 'nobody', groups: [] } } });
  await plane.kubectl(['apply', '-k', join(root, 'crds')]);
  await plane.kubectl(['wait', '--for=condition=Established', 'crd/edgebuilds.edgebuild.io']);
}, 180_000);

afterEach(async () => {
  for (const child of started.splice(0)) {
    child.kill('SIGKILL');
    await child.catch(() => undefined);
  }
});

afterAll(async () => {
  await plane.stop();
  await rm(directory, { recursive: true });
});

interface Operator {
  readonly ready: (path?: string) => Promise<{ readonly code: number; readonly body: string }>;
  readonly metrics: () => Promise<string>;
  readonly process: Child;
  readonly kill: (signal: NodeJS.Signals) => void;
}

const startOperator = async (
  flags: readonly string[] = [],
  kubeconfig = plane.kubeconfig,
): Promise<Operator> => {
  const [health = 0, metrics = 0] = await freePorts(2);
  const child: Child = execa(
    node,
    [
      ...[program, 'run', '--kubeconfig', kubeconfig],
      ...['--health-probe-bind-address', `127.0.0.1:${String(health)}`],
      ...['--metrics-bind-address', `127.0.0.1:${String(metrics)}`, ...flags],
    ],
    { reject: false, all: true },
  );
  started.push(child);
  const get = async (port: number, path: string): Promise<{ code: number; body: string }> => {
    try {
      const answer = await fetch(`http://127.0.0.1:${String(port)}${path}`);
      return { code: answer.status, body: await answer.text() };
    } catch {
      return { code: 0, body: '' };
    }
  };
  return {
    ready: (path = '/readyz?verbose') => get(health, path),
    metrics: async () => (await get(metrics, '/metrics')).body,
    process: child,
    kill: (signal) => child.kill(signal),
  };
};

const isReady = async (operator: Operator): Promise<void> => {
  const seen = await until(operator.ready, ({ code }) => code === 200, 60_000);
  expect(seen.code).toBe(200);
};

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}
interface Seen {
  readonly metadata: { readonly generation: number; readonly resourceVersion: string };
  readonly status?: { readonly observedGeneration: number; readonly conditions: readonly Condition[] };
}

const edgeBuild = (name: string, source: object): string =>
  JSON.stringify({
    apiVersion: 'edgebuild.io/v1alpha1',
    kind: 'EdgeBuild',
    metadata: { name, namespace: 'default' },
    spec: { source },
  });

const apply = async (object: string): Promise<void> => {
  const { exitCode, stderr } = await plane.kubectl(['apply', '-f', '-'], { input: object });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
};

const read = async (name: string): Promise<Seen> =>
  JSON.parse((await plane.kubectl(['get', 'edgebuild', name, '-o', 'json'])).stdout) as Seen;

/** The object once its status is of its newest generation, and `isSo`. */
const settled = (
  name: string,
  isSo: (conditions: readonly Condition[]) => boolean = () => true,
): Promise<Seen> =>
  until(
    () => read(name),
    ({ metadata, status }) => status?.observedGeneration === metadata.generation && isSo(status.conditions),
    60_000,
  );

const conditionOf = ({ status }: Seen, type: string): Condition | undefined =>
  status?.conditions.find((condition) => condition.type === type);

describe('on a cluster without OpenShift', () => {
  test('an EdgeBuild gets every condition, and Ready says that builds are not served', async () => {
    const operator = await startOperator();
    await isReady(operator);
    await apply(edgeBuild('web', { dockerfile: 'FROM debian:12\nRUN true\n' }));
    const seen = await settled('web');
    expect(seen.status?.conditions.map(({ type }) => type)).toEqual([
      ...['Ready', 'Reconciling', 'Stalled', 'EmulationReady'],
      ...['BaseImagesReady', 'Built', 'Verified', 'Published'],
    ]);
    expect(conditionOf(seen, 'Ready')).toMatchObject({ status: 'False', reason: 'BuildAPIUnavailable' });
    expect(conditionOf(seen, 'Stalled')).toMatchObject({ status: 'False' });
    expect(await operator.metrics()).toContain('controller_runtime_reconcile_total{controller="edgebuild"');
  }, 120_000);

  test('what the CRD cannot see stalls the object with line and remedy, and heals when it is corrected', async () => {
    await isReady(await startOperator());
    const cases: readonly (readonly [string, string])[] = [
      ['RUN true\n', 'line 1'],
      ['FROM debian:${UNKNOWN}\n', 'UNKNOWN'],
    ];
    for (const [dockerfile, words] of cases) {
      await apply(edgeBuild('bad', { dockerfile }));
      const seen = await settled('bad');
      expect(conditionOf(seen, 'Stalled')).toMatchObject({ status: 'True', reason: 'DockerfileInvalid' });
      expect(conditionOf(seen, 'Stalled')?.message).toContain(words);
      expect(conditionOf(seen, 'Ready')).toMatchObject({
        status: 'False',
        observedGeneration: seen.metadata.generation,
      });
    }
    await apply(edgeBuild('bad', { dockerfile: 'FROM debian:12\n' }));
    expect(conditionOf(await settled('bad'), 'Stalled')).toMatchObject({ status: 'False' });
  }, 120_000);

  test('build.openshift.io is noticed when it appears and when it goes, without a restart', async () => {
    await isReady(await startOperator());
    await apply(edgeBuild('later', { dockerfile: 'FROM debian:12\n' }));
    const reasonOf = (conditions: readonly Condition[]): string | undefined =>
      conditions.find(({ type }) => type === 'Ready')?.reason;
    await settled('later', (conditions) => reasonOf(conditions) === 'BuildAPIUnavailable');

    for (const crd of openShiftCrds) await apply(crd);
    const served = await settled('later', (conditions) => reasonOf(conditions) !== 'BuildAPIUnavailable');
    expect(conditionOf(served, 'Ready')?.reason).not.toBe('BuildAPIUnavailable');

    await plane.kubectl(['delete', 'crd', 'buildconfigs.build.openshift.io']);
    const gone = await settled('later', (conditions) => reasonOf(conditions) === 'BuildAPIUnavailable');
    expect(conditionOf(gone, 'Ready')?.reason).toBe('BuildAPIUnavailable');
  }, 180_000);

  test('a second start changes nothing, and SIGTERM ends it with 0 and a released lease', async () => {
    await apply(edgeBuild('kept', { dockerfile: 'FROM debian:12\n' }));
    const elect = ['--leader-elect', '--leader-election-namespace', 'default'];
    const first = await startOperator(elect);
    await settled('kept');
    first.kill('SIGTERM');
    expect((await first.process).exitCode).toBe(0);
    const before = await read('kept');
    const { stdout } = await plane.kubectl([
      'get',
      'lease',
      'edgebuild.io',
      '-o',
      'jsonpath={.spec.holderIdentity}',
    ]);
    expect(stdout).toBe('');

    const second = await startOperator(elect);
    await isReady(second);
    await until(
      second.metrics,
      (text) => text.includes('leader_election_master_status{name="edgebuild.io"} 1'),
      60_000,
    );
    await until(
      second.metrics,
      (text) => /reconcile_total\{controller="edgebuild",result="success"\} [1-9]/.test(text),
      60_000,
    );
    expect(await second.metrics()).not.toMatch(/rest_client_requests_total\{code="\d+",method="PATCH"/);
    expect((await read('kept')).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  }, 120_000);
});

const crdOf = (group: string, plural: string, kind: string): string =>
  JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      // The group is protected: Kubernetes wants to know that whoever installs it may.
      annotations: { 'api-approved.kubernetes.io': 'unapproved, a stand-in in a test' },
    },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, kind },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  });

const openShiftCrds = [
  crdOf('build.openshift.io', 'buildconfigs', 'BuildConfig'),
  crdOf('build.openshift.io', 'builds', 'Build'),
  crdOf('image.openshift.io', 'imagestreams', 'ImageStream'),
];

const notFound = JSON.stringify({
  ...{ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 },
  message: 'the server could not find the requested resource',
});

describe('bad input', () => {
  const kubeconfigWith = async (change: (text: string) => string): Promise<string> => {
    const { readFile } = await import('node:fs/promises');
    const file = join(directory, `config-${String(Math.random())}`);
    await writeFile(file, change(await readFile(plane.kubeconfig, 'utf8')));
    return file;
  };

  test.each([
    ['a kubeconfig that is missing', 2, ['--kubeconfig', '/nowhere/config'], '--kubeconfig'],
    ['a flag out of range', 2, ['--max-concurrent-reconciles', '0'], '--max-concurrent-reconciles'],
    ['a duration that is none', 2, ['--reconcile-timeout', 'soon'], '--reconcile-timeout'],
    [
      'a renew deadline longer than the lease',
      2,
      ['--leader-election-renew-deadline', '300s'],
      '--leader-election-renew-deadline',
    ],
    ['a context that is not there', 3, ['--context', 'nope'], 'nope'],
  ])(
    '%s ends it with %d and names it',
    async (_what, code, flags, words) => {
      const { process: child } = await startOperator(flags);
      const { exitCode, all } = await child;
      expect({ exitCode, all }).toEqual({ exitCode: code, all: expect.stringContaining(words) as unknown });
      expect(all).not.toMatch(/^\s+at /m);
    },
    60_000,
  );

  test('a broken kubeconfig ends it with 3 and a remedy', async () => {
    const file = await kubeconfigWith(() => 'clusters: [{');
    const { exitCode, all } = await (await startOperator([], file)).process;
    expect(exitCode).toBe(3);
    expect(all).toContain('to mend it');
    expect(all).not.toMatch(/^\s+at /m);
  }, 60_000);

  test('a port in use ends it with 3 and names the flag', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await until(() => server.listening, Boolean);
    const { port } = server.address() as AddressInfo;
    const operator = await startOperator(['--metrics-bind-address', `127.0.0.1:${String(port)}`]);
    const { exitCode, all } = await operator.process;
    server.close();
    expect({ exitCode, all }).toEqual({
      exitCode: 3,
      all: expect.stringContaining('--metrics-bind-address') as unknown,
    });
  }, 60_000);

  test('an API server that does not answer is a reason in /readyz, not an end', async () => {
    const [port = 0] = await freePorts(1);
    const file = await kubeconfigWith((text) =>
      text.replaceAll(plane.url, `https://127.0.0.1:${String(port)}`),
    );
    const operator = await startOperator([], file);
    const seen = await until(operator.ready, ({ body }) => body.includes('ECONNREFUSED'), 60_000);
    expect(seen.code).toBe(503);
    expect(seen.body).toContain('ECONNREFUSED');
    expect((await operator.ready('/livez')).code).toBe(200);
  }, 90_000);

  test('credentials that are not accepted are a reason in /readyz, not an end', async () => {
    const file = await kubeconfigWith((text) => {
      const config = load(text) as { users: { user: object }[] };
      for (const user of config.users) user.user = { token: 'expired' };
      return JSON.stringify(config);
    });
    const operator = await startOperator([], file);
    const seen = await until(operator.ready, ({ body }) => body.includes('Unauthorized'), 60_000);
    expect(seen).toEqual({ code: 503, body: expect.stringContaining('Unauthorized') as unknown });
  }, 90_000);

  test.each([
    ['does not know EdgeBuilds', 404, 'application/json', notFound, 'edgebuild crds | kubectl apply -f -'],
    ['is a web site', 200, 'text/html', '<html><body>Sign in</body></html>', 'the answer is not JSON'],
    ['is a JSON service of another kind', 200, 'application/json', '{"status":"ok"}', 'no resourceVersion'],
  ])(
    'a server that %s is a reason in /readyz, not an end',
    async (_what, code, type, body, words) => {
      const server = createServer((_request, response) => {
        response.writeHead(code, { 'content-type': type }).end(body);
      }).listen(0, '127.0.0.1');
      await until(() => server.listening, Boolean);
      const { port } = server.address() as AddressInfo;
      const file = await kubeconfigWith((text) =>
        text.replaceAll(plane.url, `http://127.0.0.1:${String(port)}`),
      );
      const operator = await startOperator([], file);
      const seen = await until(operator.ready, (answer) => answer.body.includes(words), 60_000);
      expect(seen).toEqual({ code: 503, body: expect.stringContaining(words) as unknown });
      expect((await operator.ready('/livez')).code).toBe(200);
      server.close();
      server.closeAllConnections();
    },
    90_000,
  );

  test('no rights at all is a reason in /readyz that names verb and resource, and heals', async () => {
    const file = await plane.kubeconfigFor({ user: 'poor', groups: [] });
    const operator = await startOperator([], file);
    const seen = await until(operator.ready, ({ body }) => body.includes('forbidden'), 60_000);
    expect(seen.code).toBe(503);
    expect(seen.body).toContain('list edgebuilds.edgebuild.io');
    await plane.kubectl([
      ...['create', 'clusterrolebinding', 'poor', '--clusterrole=cluster-admin', '--user=poor'],
    ]);
    await isReady(operator);
  }, 120_000);
});
