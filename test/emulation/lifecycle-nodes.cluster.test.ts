/** Nodes that do not answer, and one that stops to. Runs inside of a box, in which nothing calls a node NotReady by itself. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { nodeName } from '../cluster/node.ts';
import { kubectl, tryKubectl } from '../manifests/installation.ts';
import {
  agentPods,
  agents,
  apply,
  edgeBuild,
  emulation,
  type Emulation,
  emulationLabels,
  eventually,
  footprint,
  install,
  type Installation,
  labelled,
  leave,
  noticed,
  ourEntries,
  patchEmulation,
  reached,
  removeEdgeBuild,
  timed,
  withoutDaemonSet,
} from './lifecycle-site.ts';

jest.setTimeout(600_000);

let installation: Installation | undefined;
beforeAll(async () => {
  installation = await install();
  await apply(edgeBuild('one'));
  await labelled('arm64');
  await reached('Proven');
});
afterAll(async () => {
  await leave(installation);
});

/** As the node lifecycle controller does when a kubelet is silent, and as a kubelet does. */
const setReady = (node: string, status: 'True' | 'Unknown'): Promise<string> => {
  const time = new Date().toISOString();
  const condition = { type: 'Ready', status, reason: 'ByHand', message: '' };
  const conditions = [{ ...condition, lastHeartbeatTime: time, lastTransitionTime: time }];
  const room = { cpu: '4', memory: '8Gi', pods: '110' };
  const change = status === 'True' ? { conditions, capacity: room, allocatable: room } : { conditions };
  return kubectl('patch', 'node', node, '--subresource=status', '-p', JSON.stringify({ status: change }));
};

/** Another one for each test: pods of a node that is gone stay for a while, under its name. */
let silent = '';
let silentNodes = 0;
const addSilentNode = (): Promise<string> =>
  apply({
    ...{ apiVersion: 'v1', kind: 'Node' },
    metadata: { name: silent, labels: { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' } },
  });

const removeSilentNode = async (): Promise<void> => {
  await kubectl('delete', 'node', silent, '--ignore-not-found');
  // Nobody confirms their end, and a DaemonSet counts nodes anew only when something is new of its pods.
  const there = `--field-selector=spec.nodeName=${silent}`;
  await kubectl('delete', 'pods', agents, there, '--force', '--grace-period=0');
};

const removing = async (): Promise<void> => {
  await patchEmulation({ managementState: 'Removed' });
  // The node that answers is as before, whatever becomes of the other.
  await labelled();
  await eventually(ourEntries, (names) => names.length === 0);
};
const waitForRemoval = (): Promise<string> =>
  kubectl('wait', '--for=condition=Reconciling=false', 'nodeemulation/cluster', '--timeout=300s');

describe('a node that never answers', () => {
  beforeEach(async () => {
    await patchEmulation({ managementState: 'Managed' });
    await labelled('arm64');
    silentNodes += 1;
    silent = `silent-${silentNodes}`;
    await addSilentNode();
  });
  afterEach(removeSilentNode);

  const expectNotRemoved = async (): Promise<void> => {
    const { status } = await reached('NotRemoved');
    expect(status?.problems).toMatchObject([{ node: silent, reason: 'NotRemoved' }]);
    expect(status?.conditions).toMatchObject([
      { type: 'Ready', status: 'False', message: `not reached: ${silent}` },
      { type: 'Reconciling', status: 'False' },
      { type: 'Stalled', status: 'True' },
    ]);
    await withoutDaemonSet();
    expect(await footprint()).toEqual(installation?.found);
  };
  /** By one of the two nodes. */
  const expectHalfProven = async (): Promise<void> => {
    const counts = async () => (await emulation())?.status?.architectures;
    const isHalf = (seen: Awaited<ReturnType<typeof counts>>): boolean =>
      seen?.at(0)?.desiredNodes === 2 && seen.at(0)?.readyNodes === 1;
    expect(await eventually(counts, isHalf)).toMatchObject([
      { architecture: 'arm64', desiredNodes: 2, readyNodes: 1 },
    ]);
  };
  /** First for both nodes, then for the one that does not answer. */
  const waitsForSilent = (): Promise<Emulation | undefined> =>
    eventually(emulation, (seen) => seen?.status?.conditions?.at(0)?.message === 'waits for 1 nodes');
  const agentThere = () => eventually(agentPods, (pods) => pods.some(({ spec }) => spec.nodeName === silent));

  test('and has no status is not waited for, and named', async () => {
    await eventually(agentPods, (pods) => pods.length === 2);
    await timed('removed, beside a node without status', async () => {
      await removing();
      await waitForRemoval();
    });
    await expectNotRemoved();
    // And it stays named, whatever else is going on.
    await noticed('nodeemulation', () => apply(edgeBuild('two')));
    await expectNotRemoved();
  });

  test('and is called NotReady meanwhile is waited for no longer, and named', async () => {
    await setReady(silent, 'True');
    await agentThere();
    await removing();
    expect((await waitsForSilent())?.status?.conditions).toMatchObject([
      { type: 'Ready', status: 'False', reason: 'Removing', message: 'waits for 1 nodes' },
      { type: 'Reconciling', status: 'True' },
      { type: 'Stalled', status: 'False' },
    ]);
    await timed('called NotReady to removed', async () => {
      await setReady(silent, 'Unknown');
      await waitForRemoval();
    });
    await expectNotRemoved();
  });

  test('and is called Ready for ever is waited for two minutes, and named', async () => {
    await setReady(silent, 'True');
    await agentThere();
    await expectHalfProven();
    await reached('Starting');
    await removing();
    await reached('Removing');
    // What was begun, and when, stands on the DaemonSet: all but ten seconds of the time is spent.
    const since = new Date(Date.now() - 110_000).toISOString().replace(/\.\d+Z$/, 'Z');
    const annotation = `edgebuild.io/removal-since=${since}`;
    await timed('removed, ten seconds before the end of its time', async () => {
      await kubectl('annotate', 'daemonset', 'edgebuild-agent', agents, '--overwrite', annotation);
      await waitForRemoval();
    });
    await expectNotRemoved();
  });

  test('and is not Ready does not keep others from what is asked for next', async () => {
    await eventually(agentPods, (pods) => pods.length === 2);
    await apply(edgeBuild('mainframe', { platforms: ['linux/s390x'] }));
    expect(await labelled('arm64', 's390x')).toEqual(['arm64=ready', 's390x=ready']);
    await removeEdgeBuild('mainframe');
    expect(await labelled('arm64')).toEqual(['arm64=ready']);
  });

  test('does not keep others from emulating again in the middle of a removal', async () => {
    await setReady(silent, 'True');
    await agentThere();
    await patchEmulation({ managementState: 'Removed' });
    await reached('Removing');
    // The other's agent has removed everything, and is available: a node in ten at a time would never come to it.
    await waitsForSilent();
    await patchEmulation({ managementState: 'Managed' });
    expect((await reached('Starting')).status?.problems).toBeUndefined();
    await expectHalfProven();
    expect(await labelled('arm64')).toEqual(['arm64=ready']);
    await removeSilentNode();
    expect((await reached('Proven')).status?.architectures).toMatchObject([{ desiredNodes: 1 }]);
  });
});

describe('a node whose kubelet stops', () => {
  const signal = async (name: string): Promise<void> => {
    const { stdout } = await execa('pidof', ['kubelet']);
    await execa('kill', [`-${name}`, ...stdout.trim().split(' ')]);
  };

  beforeAll(async () => {
    await patchEmulation({ managementState: 'Managed' });
    await reached('Proven');
    await signal('STOP');
  });
  afterAll(async () => {
    await signal('CONT');
  });

  test('loses its labels when it is called NotReady, and is named', async () => {
    const handlers = ourEntries();
    await timed('NotReady to label gone', async () => {
      await setReady(nodeName, 'Unknown');
      expect(await labelled()).toEqual([]);
    });
    const { status } = await reached('NodesNotProven');
    expect(status?.architectures).toMatchObject([{ desiredNodes: 1, readyNodes: 0 }]);
    expect(status?.problems).toEqual([
      { node: nodeName, reason: 'NodeNotReady', message: expect.stringContaining('kubectl describe node') },
    ]);
    const described = () => kubectl('describe', 'nodeemulation', 'cluster');
    const told = await eventually(described, (text) => text.includes('Warning'));
    expect(told).toMatch(/Warning +NodeNotReady .* localhost: programs of arm64 are not proven: /);
    // The node itself goes on.
    expect(ourEntries()).toEqual(handlers);
  });

  test('has them again when its kubelet goes on', async () => {
    const pods = (await agentPods()).map(({ metadata }) => metadata.uid);
    await timed('kubelet goes on to label back', async () => {
      await signal('CONT');
      expect(await labelled('arm64')).toEqual(['arm64=ready']);
    });
    expect((await reached('Proven')).status?.problems).toBeUndefined();
    expect((await agentPods()).map(({ metadata }) => metadata.uid)).toEqual(pods);
    expect(await emulationLabels()).toEqual(['arm64=ready']);
    expect((await tryKubectl('get', 'node', silent)).exitCode).not.toBe(0);
  });
});
