import { describe, expect, test } from '@jest/globals';
import { readRunEnvironment } from '../../src/config.ts';
import { type Machine, readRunConfig, type RunConfig, type RunFlags } from '../../src/run-config.ts';
import { parseDuration } from '../../src/run-flags.ts';
import { edgebuild } from './edgebuild.ts';
import { tmpdir } from 'node:os';

const laptop: Machine = {
  hostname: () => 'laptop',
  canRead: (path) => path === '/kubeconfig',
  serviceAccountNamespace: () => undefined,
};
const pod: Machine = { ...laptop, serviceAccountNamespace: () => 'edgebuild-system' };

const read = (flags: RunFlags = {}, env: NodeJS.ProcessEnv = {}, machine: Machine = laptop): RunConfig =>
  readRunConfig(flags, readRunEnvironment(env), machine);

test('the defaults', () => {
  expect(read()).toEqual({
    kubeconfig: undefined,
    context: undefined,
    namespaces: [],
    metricsBindAddress: ':8080',
    healthProbeBindAddress: ':8081',
    leaderElection: undefined,
    maxConcurrentReconciles: 10,
    reconcileTimeoutMs: 120_000,
    gracefulShutdownTimeoutMs: 30_000,
    rateLimit: undefined,
    isRegistryPlainHttp: false,
    log: { level: 'info', format: 'json' },
    identity: expect.stringMatching(/^laptop_[0-9a-f-]{36}$/),
  });
});

test('the configuration cannot be changed afterwards', () => {
  const config = read({ leaderElect: true, kubeApiQps: '1' }, {}, pod);
  for (const part of [config, config.namespaces, config.leaderElection, config.rateLimit, config.log])
    expect(Object.isFrozen(part)).toBe(true);
});

const election = { namespace: 'edgebuild-system', name: 'edgebuild.io', leaseDurationMs: 137_000 };
describe.each<[string, RunFlags, NodeJS.ProcessEnv, Machine, Partial<RunConfig>]>([
  [
    'a kubeconfig',
    { kubeconfig: '/kubeconfig', context: 'dev' },
    {},
    laptop,
    { kubeconfig: '/kubeconfig', context: 'dev' },
  ],
  ['KUBECONFIG, of several files', {}, { KUBECONFIG: '/a:/b' }, laptop, { kubeconfig: '/a:/b' }],
  [
    '--kubeconfig before KUBECONFIG',
    { kubeconfig: '/kubeconfig' },
    { KUBECONFIG: '/a' },
    laptop,
    { kubeconfig: '/kubeconfig' },
  ],
  ['namespaces, each once', { namespace: ['a', 'b', 'a'] }, {}, laptop, { namespaces: ['a', 'b'] }],
  ['WATCH_NAMESPACE', {}, { WATCH_NAMESPACE: ' a, b,' }, laptop, { namespaces: ['a', 'b'] }],
  ['an empty WATCH_NAMESPACE', {}, { WATCH_NAMESPACE: '' }, laptop, { namespaces: [] }],
  [
    '--namespace before WATCH_NAMESPACE',
    { namespace: ['a'] },
    { WATCH_NAMESPACE: '!' },
    laptop,
    { namespaces: ['a'] },
  ],
  [
    'no servers',
    { metricsBindAddress: '0', healthProbeBindAddress: '0' },
    {},
    laptop,
    { metricsBindAddress: '0', healthProbeBindAddress: '0' },
  ],
  [
    'an election in a pod',
    { leaderElect: true },
    {},
    pod,
    { leaderElection: { ...election, renewDeadlineMs: 107_000, retryPeriodMs: 26_000 } },
  ],
  [
    'an election by the words of Go',
    { leaderElect: 'true' },
    {},
    pod,
    { leaderElection: { ...election, renewDeadlineMs: 107_000, retryPeriodMs: 26_000 } },
  ],
  ['no election by the words of Go', { leaderElect: 'false' }, {}, pod, { leaderElection: undefined }],
  [
    'POD_NAMESPACE before the namespace of the pod',
    { leaderElect: true },
    { POD_NAMESPACE: 'a' },
    pod,
    { leaderElection: { ...election, namespace: 'a', renewDeadlineMs: 107_000, retryPeriodMs: 26_000 } },
  ],
  [
    'an election of other times, name and namespace',
    {
      leaderElect: true,
      leaderElectionNamespace: 'b',
      leaderElectionId: 'x.y',
      leaderElectionLeaseDuration: '15s',
      leaderElectionRenewDeadline: '10s',
      leaderElectionRetryPeriod: '1s500ms',
    },
    { POD_NAMESPACE: 'a' },
    laptop,
    {
      leaderElection: {
        namespace: 'b',
        name: 'x.y',
        leaseDurationMs: 15_000,
        renewDeadlineMs: 10_000,
        retryPeriodMs: 1500,
      },
    },
  ],
  ['workers', { maxConcurrentReconciles: '1000' }, {}, laptop, { maxConcurrentReconciles: 1000 }],
  [
    'times',
    { reconcileTimeout: '1m30s', gracefulShutdownTimeout: '0' },
    {},
    laptop,
    { reconcileTimeoutMs: 90_000, gracefulShutdownTimeoutMs: 0 },
  ],
  [
    'a registry without a certificate',
    { registryPlainHttp: true },
    {},
    laptop,
    { isRegistryPlainHttp: true },
  ],
  [
    'a registry with one, in words',
    { registryPlainHttp: 'false' },
    {},
    laptop,
    { isRegistryPlainHttp: false },
  ],
  ['a rate', { kubeApiQps: '0.5' }, {}, laptop, { rateLimit: { qps: 0.5, burst: 1 } }],
  [
    'a rate and a burst',
    { kubeApiQps: '50', kubeApiBurst: '60' },
    {},
    laptop,
    { rateLimit: { qps: 50, burst: 60 } },
  ],
  [
    'a log',
    { logLevel: 'debug', logFormat: 'text' },
    { LOG_LEVEL: 'x' },
    laptop,
    { log: { level: 'debug', format: 'text' } },
  ],
  ['LOG_LEVEL', {}, { LOG_LEVEL: 'WARN' }, laptop, { log: { level: 'warn', format: 'json' } }],
  ['POD_NAME', {}, { POD_NAME: 'edgebuild-0' }, laptop, { identity: 'edgebuild-0' }],
])('%s', (_, flags, env, machine, expected) => {
  test('is read', () => {
    expect(read(flags, env, machine)).toMatchObject(expected);
  });
});

const faultsOf = (flags: RunFlags, env: NodeJS.ProcessEnv = {}, machine = laptop): string[] => {
  try {
    read(flags, env, machine);
    return [];
  } catch (error) {
    expect(error).toMatchObject({ name: 'InputError' });
    return (error as Error).message.split('\n');
  }
};

describe('a fault names the flag or variable, the value and the remedy:', () => {
  test.each<[RunFlags, NodeJS.ProcessEnv, string]>([
    [{ kubeconfig: '/x' }, {}, '--kubeconfig: "/x" cannot be read: give the path of a kubeconfig file'],
    [{ kubeconfig: '' }, {}, '--kubeconfig: "" is empty: give a value, or leave the flag away'],
    [{ context: '' }, {}, '--context: "" is empty: give a value, or leave the flag away'],
    [{ namespace: ['a', 'B'] }, {}, '--namespace: "B" must be lower-case letters'],
    [{ namespace: ['a,b'] }, {}, '--namespace: "a,b" must be lower-case letters'],
    [{ namespace: ['a'.repeat(64)] }, {}, `--namespace: "${'a'.repeat(64)}" must be`],
    [{}, { WATCH_NAMESPACE: 'a,-b' }, 'WATCH_NAMESPACE: "-b" must be lower-case letters'],
    [
      { metricsBindAddress: '8080' },
      {},
      '--metrics-bind-address: "8080" is no address to listen on: give one such as :8080',
    ],
    [{ healthProbeBindAddress: '' }, {}, '--health-probe-bind-address: "" is no address'],
    [
      { metricsBindAddress: ':8081' },
      {},
      '--metrics-bind-address: ":8081" is the address of --health-probe-bind-address too',
    ],
    [{ leaderElect: 'yes' }, {}, '--leader-elect: "yes" must be one of false, true'],
    [{ leaderElect: true }, {}, '--leader-election-namespace: is needed with --leader-elect outside a pod'],
    [{ leaderElect: true, leaderElectionNamespace: 'A' }, {}, '--leader-election-namespace: "A" must be'],
    [{ leaderElect: true }, { POD_NAMESPACE: 'A' }, 'POD_NAMESPACE: "A" must be'],
    [{ leaderElectionId: 'a_b' }, {}, '--leader-election-id: "a_b" must be'],
    [
      { leaderElectionLeaseDuration: '107s' },
      {},
      '--leader-election-lease-duration: "107s" must be longer than --leader-election-renew-deadline, which is 107s',
    ],
    [
      { leaderElectionRetryPeriod: '90s' },
      {},
      '--leader-election-renew-deadline: "107s" must be longer than 1.2 times --leader-election-retry-period, which is 90s',
    ],
    [
      { leaderElectionLeaseDuration: '137.5s' },
      {},
      '--leader-election-lease-duration: "137.5s" is no whole number of seconds',
    ],
    [
      { leaderElectionLeaseDuration: 'x' },
      {},
      '--leader-election-lease-duration: "x" must be a duration such as 15s',
    ],
    [{ leaderElectionRenewDeadline: '0' }, {}, '--leader-election-renew-deadline: "0" must be a duration'],
    [{ leaderElectionRetryPeriod: '-1s' }, {}, '--leader-election-retry-period: "-1s" must be a duration'],
    ...['0', '1001', '-1', '1.5', '', 'ten', '1e2', '0x10'].map(
      (text): [RunFlags, NodeJS.ProcessEnv, string] => [
        { maxConcurrentReconciles: text },
        {},
        `--max-concurrent-reconciles: "${text}" must be a whole number from 1 to 1000`,
      ],
    ),
    ...['5', '', '0s', '1 s', '25h', '1d', 'Infinitys', '9999999999999999s'].map(
      (text): [RunFlags, NodeJS.ProcessEnv, string] => [
        { reconcileTimeout: text },
        {},
        `--reconcile-timeout: "${text}" must be a duration such as 15s, 1m30s or 500ms, more than 0, at most 24h`,
      ],
    ),
    [{ gracefulShutdownTimeout: '-1' }, {}, '--graceful-shutdown-timeout: "-1" must be a duration'],
    [{ kubeApiQps: '-1' }, {}, '--kube-api-qps: "-1" must be a number from 0 to 100000'],
    [{ kubeApiQps: '1', kubeApiBurst: '0' }, {}, '--kube-api-burst: "0" must be a whole number from 1'],
    [{ kubeApiBurst: '5' }, {}, '--kube-api-burst: "5" limits nothing while --kube-api-qps is 0'],
    [{ logLevel: 'trace' }, {}, '--log-level: "trace" must be one of error, warn, info, debug'],
    [{}, { LOG_LEVEL: 'trace' }, 'LOG_LEVEL: "trace" must be one of error, warn, info, debug'],
    [{ registryPlainHttp: 'no' }, {}, '--registry-plain-http: "no" must be one of false, true'],
    [{ logFormat: 'xml' }, {}, '--log-format: "xml" must be one of json, text'],
  ])('%j %j', (flags, env, message) => {
    const faults = faultsOf(flags, env);
    expect(faults).toHaveLength(1);
    expect(faults[0]?.startsWith(message)).toBe(true);
  });

  test('all of them at once', () => {
    const faults = faultsOf({ reconcileTimeout: 'x', logFormat: 'x', kubeApiQps: 'x' }, { LOG_LEVEL: 'x' });
    expect(faults.map((fault) => fault.split(':')[0])).toEqual([
      ...['--reconcile-timeout', '--kube-api-qps', 'LOG_LEVEL', '--log-format'],
    ]);
  });
});

describe("a duration is Go's:", () => {
  test.each<[string, number | undefined]>([
    ['0', 0],
    ['300ms', 300],
    ['1.5h', 5_400_000],
    ['2h45m0.3s', 9_900_300],
    ['.5s', 500],
    ['1.s', 1000],
    ['1µs', 0.001],
    ['1ns', 0.000_001],
    ['8.2s', 8200],
    ...['', '1', 's', '.s', '1s2', '1S', '+1s', '-1s', ' 1s', '1s\n', '1.2.3s'].map(
      (text): [string, undefined] => [text, undefined],
    ),
  ])('%j is %j ms', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });
});

describe('edgebuild run', () => {
  const run = (...args: readonly string[]) => edgebuild(tmpdir(), ['run', ...args]);

  test('ends with 2 and every fault, before anything starts', async () => {
    const { exitCode, stdout, stderr } = await run('--leader-elect', '-n', 'A', '--log-level=loud');
    expect(stderr.split('\n').map((line) => line.split(': ').slice(0, 2).join(': '))).toEqual([
      'error: --namespace',
      'error: --leader-election-namespace',
      'error: --log-level',
    ]);
    expect(stdout).toBe('');
    expect(exitCode).toBe(2);
  });

  test('has help with examples and exit codes that fits 80 columns', async () => {
    const { exitCode, stdout } = await run('--help');
    expect(stdout).toMatch(/Examples:\n {2}edgebuild run /);
    expect(stdout).toContain('130  interrupted');
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(exitCode).toBe(0);
  });

  test('has the defaults that its help names', async () => {
    const { stdout } = await run('--help');
    const help = stdout.replace(/\s+/g, ' ');
    const named = [...help.matchAll(/--([a-z-]+) <[a-z]+> [^-]*?\(default: ([^\s)]+)\)/g)];
    const flags = named.map(([, name = '', value = '']): [string, string] => [
      name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]);
    expect(flags.length).toBeGreaterThan(10);
    const { identity: _, ...config } = read(
      { leaderElect: true, ...(Object.fromEntries(flags) as RunFlags) },
      {},
      pod,
    );
    expect(read({ leaderElect: true }, {}, pod)).toMatchObject(config);
  });
});
