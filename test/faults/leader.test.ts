import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { leases } from '../../src/kube/leader.ts';
import type { Kind, KubeObject } from '../../src/kube/objects.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { until } from '../support/until.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { asFile, clientBy, configMaps } from './gadgets.ts';

// 9: two real processes, one lease (6 s, deadline 2 s, every 0.4 s). Who wrote, and who held the lease, is read from the
// history of the one object that both write and of the lease, in the order of the server's resourceVersions.
let plane: ControlPlane;
let direct: ReturnType<typeof clientBy>;
let namespace: string;
let number = 0;
let history: Entry[];
let holders: Entry[];
let recording: AbortController;
let recorded: Promise<unknown>;
const proxies: FaultProxy[] = [];
const started: Candidate[] = [];

interface Entry {
  readonly by: string;
  /** etcd's revision: of one order for all kinds. */
  readonly version: number;
}

/** A ConfigMap, or a Lease. */
interface Recorded extends KubeObject {
  readonly data?: { readonly by?: string };
  readonly spec?: { readonly holderIdentity?: string };
}

interface Candidate {
  readonly identity: string;
  readonly kill: (signal: NodeJS.Signals) => boolean;
  readonly ended: Promise<unknown>;
}

beforeAll(async () => {
  plane = await startControlPlane();
  direct = clientBy(plane.kubeconfig);
}, 180_000);

beforeEach(async () => {
  number += 1;
  namespace = `leader-${String(number)}`;
  await plane.kubectl(['create', 'namespace', namespace]);
  history = [];
  holders = [];
  recording = new AbortController();
  recorded = Promise.all([
    record(recording.signal, configMaps, 'written', history, ({ data }) => data?.by), // prettier-ignore
    record(recording.signal, leases, 'leader', holders, ({ spec }) => spec?.holderIdentity), // prettier-ignore
  ]);
});

afterEach(async () => {
  for (const { kill, ended } of started.splice(0)) {
    kill('SIGKILL');
    await ended;
  }
  recording.abort();
  await recorded;
  for (const proxy of proxies.splice(0)) await proxy.close();
});

afterAll(async () => {
  await direct.close();
  await plane.stop();
});

/** Every version of an object, from the first on. */
const record = async (
  signal: AbortSignal,
  kind: Kind,
  name: string,
  into: Entry[],
  by: (object: Recorded) => string | undefined,
): Promise<void> => {
  let resourceVersion = '';
  for await (const page of direct.client.list(kind, { namespace })) ({ resourceVersion } = page);
  try {
    const options = { namespace, resourceVersion, timeoutSeconds: 600, silenceMs: 600_000, signal };
    for await (const line of direct.client.watch(kind, options)) {
      const object = line.object as Recorded;
      if (object.metadata.name === name)
        into.push({ by: by(object) ?? '', version: Number(object.metadata.resourceVersion) });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
};

const candidate = async (identity: string, behind?: FaultProxy): Promise<Candidate> => {
  const kubeconfig = behind === undefined ? plane.kubeconfig : await asFile(plane, behind.kubeconfig);
  const child = execa(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, 'leader-process.ts'),
      kubeconfig,
      namespace,
      identity,
    ],
    { reject: false },
  );
  const one = { identity, kill: (signal: NodeJS.Signals) => child.kill(signal), ended: child };
  started.push(one);
  return one;
};

const writesOf = (identity: string): number => history.filter(({ by }) => by === identity).length;
const hasWritten = async (identity: string, more = 5): Promise<void> => {
  const before = writesOf(identity);
  expect(
    await until(
      () => writesOf(identity),
      (count) => count >= before + more,
      60_000,
    ),
  ).toBeGreaterThanOrEqual(before + more);
};

/** Writes of somebody who did not hold the lease when the server took them. */
const strangers = (): readonly Entry[] =>
  history.filter(({ by, version }) => holders.findLast((held) => held.version < version)?.by !== by);

/** How fast a machine is may decide who holds the lease, never who writes. */
const onlyHoldersWrote = async (besides = 0): Promise<void> => {
  // What the two watches tell may cross.
  const seen = await until(strangers, ({ length }) => length <= besides, 10_000);
  expect(seen.slice(besides)).toEqual([]);
};

/** Who wrote, each once for all its writes in a row. */
const turns = (): readonly string[] =>
  history.map(({ by }) => by).filter((by, index, all) => index === 0 || all[index - 1] !== by);

test('a leader that is killed is followed by the other, which waits until the lease has run out', async () => {
  const one = await candidate('one');
  await hasWritten('one');
  await candidate('two');
  one.kill('SIGKILL');
  await one.ended;
  await hasWritten('two');
  expect(turns()).toEqual(['one', 'two']);
  await onlyHoldersWrote();
}, 120_000);

test('a leader that was stopped for longer than its lease does not write when it goes on', async () => {
  const one = await candidate('one');
  await hasWritten('one');
  await candidate('two');
  one.kill('SIGSTOP');
  await hasWritten('two');
  one.kill('SIGCONT');
  await hasWritten('two', 50);
  // The write that was leaving when it was stopped nobody can call back (leader.ts).
  await onlyHoldersWrote(1);
}, 120_000);

test('a leader that is cut off stops before the other begins, and does not come back between its writes', async () => {
  const proxy = await startFaultProxy(plane);
  proxies.push(proxy);
  await candidate('one', proxy);
  await hasWritten('one');
  await candidate('two');
  // Renewals do not get through, everything else does: only the deadline keeps it from writing on.
  proxy.faultFor = ({ plural }) => (plural === 'leases' ? { type: 'reset' } : undefined);
  await hasWritten('two', 20);
  proxy.faultFor = () => undefined;
  await hasWritten('two', 50);
  await onlyHoldersWrote();
}, 120_000);

test('a leader that ends gracefully gives the lease up, and the other need not wait for its end', async () => {
  const one = await candidate('one');
  await hasWritten('one');
  await candidate('two');
  one.kill('SIGTERM');
  await one.ended;
  const lease = await direct.client.get<KubeObject & { readonly spec: { readonly holderIdentity: string } }>(
    leases,
    {
      namespace,
      name: 'leader',
    },
  );
  expect(['', 'two']).toContain(lease.spec.holderIdentity);
  await hasWritten('two');
  expect(turns()).toEqual(['one', 'two']);
  await onlyHoldersWrote();
}, 120_000);
