import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  agentName,
  agentNamespace,
  daemonSets,
  type StoredNodeEmulation,
  nodeEmulations,
} from '../../src/emulation/kinds.ts';
import { removalMs } from '../../src/emulation/plan.ts';
import { until } from '../support/until.ts';
import {
  type EmulationOperator,
  type EmulationOperatorOptions,
  startEmulation,
} from './emulation-operator.ts';
import { type EmulationSite, openEmulationSite, proven } from './emulation-site.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { asFile } from './gadgets.ts';

// What a NodeEmulation says of itself in each state, on a real API server with nodes that are none (fake-nodes.ts).
let site: EmulationSite;
let proxy: FaultProxy;
let kubeconfig: string;
const operators: EmulationOperator[] = [];
const names = ['one', 'two'];

beforeAll(async () => {
  site = await openEmulationSite();
  for (const name of names) await site.fakes.add(name);
  await site.fakes.add('arm', { architecture: 'arm64' });
}, 180_000);

beforeEach(async () => {
  proxy = await startFaultProxy(site.plane);
  kubeconfig = await asFile(site.plane, proxy.kubeconfig);
});

afterEach(async () => {
  await Promise.all(operators.splice(0).map((operator) => operator.kill()));
  await proxy.close();
  for (const name of names) {
    site.fakes.says(name, 'Well');
    await site.fakes.setReady(name, true);
  }
  await site.clear();
}, 180_000);

afterAll(async () => {
  await site.close();
});

const start = (options: EmulationOperatorOptions = {}): void => {
  operators.push(startEmulation(kubeconfig, options));
};

const conditions = async (): Promise<Readonly<Record<string, string>>> => {
  const found = await site.client
    .get<StoredNodeEmulation>(nodeEmulations, { name: 'cluster' })
    .catch(() => undefined);
  const isCurrent = found?.status?.observedGeneration === found?.metadata.generation;
  if (!isCurrent) return {};
  return Object.fromEntries(
    (found?.status?.conditions ?? []).map(({ type, status, reason, message }) => [
      type,
      `${status} ${reason}: ${message}`,
    ]),
  );
};

/** Ready is said to be so, in the end; and what is true of whom it waits for. */
const says = async (ready: string | RegExp, waitsFor: 'nobody' | 'nodes' | 'a person'): Promise<void> => {
  const fits = (text = ''): boolean => (typeof ready === 'string' ? text === ready : ready.test(text));
  const waits = { Reconciling: waitsFor === 'nodes', Stalled: waitsFor === 'a person' };
  const waitsIn = ({ Reconciling = '', Stalled = '' }: Readonly<Record<string, string>>): typeof waits => ({
    Reconciling: Reconciling.startsWith('True'),
    Stalled: Stalled.startsWith('True'),
  });
  // Agents may be proven before the DaemonSet's own status says that they are of its latest template.
  const isSo = (one: Readonly<Record<string, string>>): boolean =>
    fits(one['Ready']) && isDeepStrictEqual(waitsIn(one), waits);
  const seen = await until(conditions, isSo, 120_000);
  if (typeof ready === 'string') expect(seen['Ready']).toBe(ready);
  else expect(seen['Ready']).toMatch(ready);
  expect(waitsIn(seen)).toEqual(waits);
};

const arm64 = { architectures: ['arm64'] };
const foreign = { reason: 'HandlerForeign', message: 'the handler qemu is not ours; remove it' } as const;

describe('Ready is', () => {
  test.each<[string, () => Promise<unknown>, string | RegExp, 'nobody' | 'nodes' | 'a person']>([
    ['NotNeeded', () => site.putEmulation({}), 'True NotNeeded: no EdgeBuild needs emulation, and spec.architectures is empty', 'nobody'],
    ['Proven, by nodes of linux/amd64 alone', () => site.putEmulation(arm64), 'True Proven: arm64 2/2', 'nobody'],
    ['Starting while agents have said nothing', () => {
      site.fakes.says('one', 'Starting');
      return site.putEmulation(arm64);
    }, 'False Starting: arm64 1/2', 'nodes'],
    ['NodesNotProven where one has said why', () => {
      site.fakes.says('one', foreign);
      return site.putEmulation(arm64);
    }, 'False NodesNotProven: arm64 1/2', 'nobody'],
    ['NodesNotProven where one of two architectures fails on one node', () => {
      site.fakes.says('one', foreign, 's390x');
      return site.putEmulation({ architectures: ['arm64', 's390x'] });
    }, 'False NodesNotProven: arm64 2/2, s390x 1/2', 'nobody'],
    ['NodesNotProven where an agent does not run', () => {
      site.fakes.says('two', { crash: 'there is no architecture z80' });
      return site.putEmulation(arm64);
    }, 'False NodesNotProven: arm64 1/2', 'nobody'],
    ['NodesNotProven where a node is not Ready', async () => {
      await site.fakes.setReady('two', false);
      return site.putEmulation(arm64);
    }, /^False NodesNotProven: arm64 1\/2/, 'nobody'],
    ['NoNodes', () => site.putEmulation({ ...arm64, nodeSelector: { edge: 'yes' } }), 'False NoNodes: no node is of linux/amd64 and matches spec.nodeSelector', 'a person'],
    ['Unmanaged', () => site.putEmulation({ ...arm64, managementState: 'Unmanaged' }), /^Unknown Unmanaged: /, 'nobody'],
    ['AgentRefused where the DaemonSet breaks a rule of the API server', () => site.putEmulation({ ...arm64, nodeSelector: { edge: 'no label' } }), /^False AgentRefused: .*DaemonSet.* invalid/s, 'a person'],
    ['Removed, where nothing ever was', () => site.putEmulation({ managementState: 'Removed' }), 'True Removed: nothing of EdgeBuild is left on the nodes', 'nobody'],
    ['Removing while a node has not answered', () => {
      site.fakes.says('one', 'Starting');
      return site.putEmulation({ managementState: 'Removed' });
    }, 'False Removing: waits for 1 nodes', 'nodes'],
    ['NotRemoved where a node is away', async () => {
      await site.fakes.setReady('two', false);
        site.fakes.says('two', 'Dead');
      return site.putEmulation({ managementState: 'Removed' });
    }, 'False NotRemoved: not reached: two', 'a person'],
  ])('%s', async (_what, act, ready, waitsFor) => {
    start();
    await act();
    await says(ready, waitsFor);
  }, 200_000); // prettier-ignore

  test('AgentImageUnknown until the spec names an image', async () => {
    start({ shipped: null });
    await site.putEmulation(arm64);
    await says(/^False AgentImageUnknown: .*set spec\.image, or AGENT_IMAGE/, 'a person');
    await site.putEmulation({ ...arm64, image: 'registry.example/mine:1' });
    await site.ends(proven(names, 'arm64'));
  }, 200_000);

  test('AgentRefused while the agents’ namespace is going, and Proven once it is there again', async () => {
    await site.plane.kubectl(['delete', 'namespace', agentNamespace]);
    start();
    await site.putEmulation(arm64);
    await says(/^False AgentRefused: .*edgebuild-node/, 'a person');
    const base = `${import.meta.dirname}/../../manifests/base`;
    await site.plane.kubectl(['apply', '-f', `${base}/namespaces.yaml`, '-f', `${base}/service-accounts.yaml`]);
    await site.ends(proven(names, 'arm64'));
  }, 300_000); // prettier-ignore

  test('InvalidSpec for what an older CRD let in, and Proven once it is corrected', async () => {
    const crd = ['crd', 'nodeemulations.edgebuild.io'];
    const items = '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/architectures/items';
    const loosened = await site.plane.kubectl([
      ...['patch', ...crd, '--type=json', '-p', JSON.stringify([{ op: 'remove', path: `${items}/enum` }])],
    ]);
    expect(loosened).toMatchObject({ exitCode: 0 });
    await until(
      () =>
        site.putEmulation({ architectures: ['z80'] }).then(
          () => true,
          () => false,
        ),
      Boolean,
      60_000,
    );
    start();
    await says(/^False InvalidSpec: spec\.architectures/, 'a person');
    await site.putEmulation(arm64);
    await site.ends(proven(names, 'arm64'));
    const restored = await site.plane.kubectl(['apply', '-k', `${import.meta.dirname}/../../crds`]);
    expect(restored).toMatchObject({ exitCode: 0 });
  }, 200_000);
});

describe('removal', () => {
  test('waits for a node that is Ready and never answers for two minutes, by the clock, and then names it', async () => {
    let ahead = 0;
    start({ now: () => Date.now() + ahead });
    await site.putEmulation(arm64);
    await site.ends(proven(names, 'arm64'));
    site.fakes.says('one', 'Dead');
    await site.putEmulation({ managementState: 'Removed' });
    await says('False Removing: waits for 1 nodes', 'nodes');
    ahead = removalMs;
    // News of a node: it is looked at again, before the real two minutes are over.
    await site.fakes.setReady('two', false);
    await site.fakes.setReady('two', true);
    await says('False NotRemoved: not reached: one', 'a person');
    expect((await site.state()).emulation?.problems).toEqual(['one NotRemoved']);
    const left = async () => (await site.state()).daemonSets;
    expect(await until(left, ({ length }) => length === 0)).toEqual([]);
  }, 300_000);

  test('names a node that is gone no more', async () => {
    await site.fakes.add('three', { isReady: false });
    site.fakes.says('three', 'Dead');
    start();
    await site.putEmulation({ managementState: 'Removed' });
    await says('False NotRemoved: not reached: three', 'a person');
    await site.fakes.remove('three');
    // What could not be reached stays said until a person has seen to it: the object is what remembers.
    expect((await site.state()).emulation?.problems).toEqual(['three NotRemoved']);
  }, 200_000);
});

// What is not known is not taken for nothing.
describe('where a kind cannot be read from the start', () => {
  const forbid = (kind: string): void => {
    proxy.faultFor = ({ verb, plural }) =>
      plural === kind && (verb === 'list' || verb === 'watch') ? { type: 'answer', code: 403 } : undefined;
  };

  const isUnavailable = async (kind: string): Promise<void> => {
    expect(await until(() => operators[0]?.unavailable(kind), Boolean, 60_000)).toContain(kind);
  };

  const byBuild = (): Promise<unknown> => site.putBuild('web', ['linux/arm64']);
  const byAdmin = (): Promise<unknown> => site.putEmulation(arm64);
  const daemonSetNow = async (): Promise<string> => {
    const set = await site.client.get(daemonSets, { namespace: agentNamespace, name: agentName });
    return `${set.metadata.uid ?? ''} ${String(set.metadata.generation)}`;
  };

  const staysWithout = async (kind: string, ask: () => Promise<unknown>): Promise<void> => {
    const first = startEmulation(kubeconfig);
    await ask();
    await site.ends(proven(names, 'arm64'));
    await first.kill();
    const before = await daemonSetNow();
    forbid(kind);
    start();
    await isUnavailable(kind);
    // It has thought about all there is when it has seen that a node is not Ready, where it can.
    await site.fakes.setReady('two', false);
    const isSeen = async (): Promise<boolean> => !(await site.state()).labels.includes('two arm64');
    await until(isSeen, Boolean, ['nodes', 'pods'].includes(kind) ? 3000 : 60_000);
    await until(daemonSetNow, (now) => now !== before, 1000);
    expect(await daemonSetNow()).toBe(before);
    expect((await site.state()).labels).toContain('one arm64');
  };

  test.each([
    ['nodes', byBuild],
    ['pods', byBuild],
    ['daemonsets', byBuild],
    ['nodeemulations', byBuild],
  ])('%s: what runs stays', staysWithout, 200_000);

  test.each([
    ['edgebuilds, which ask for it', 'edgebuilds', byBuild],
    ['nodeemulations, which ask for it', 'nodeemulations', byAdmin],
  ])('%s: what runs stays', (_what, kind, ask) => staysWithout(kind, ask), 200_000);

  test('nodes: nobody says that all was removed', async () => {
    const first = startEmulation(kubeconfig);
    await site.putEmulation(arm64);
    await site.ends(proven(names, 'arm64'));
    await first.kill();
    forbid('nodes');
    start();
    await isUnavailable('nodes');
    for (const name of names) site.fakes.says(name, 'Starting');
    await site.putEmulation({ managementState: 'Removed' });
    const seen = await until(conditions, ({ Ready = '' }) => /Remov|NotReadable/.test(Ready), 30_000);
    expect(seen['Ready']).toMatch(/^False NotReadable: list nodes: .*: give the operator that right$/);
    expect((await site.state()).daemonSets).toHaveLength(1);
  }, 200_000); // prettier-ignore
});
