/** Unmanaged, Removed, deleted, and an operator that was killed. Runs inside of a box. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { readdirSync, readFileSync } from 'node:fs';
import { nodeName } from '../cluster/node.ts';
import { kubectl } from '../manifests/installation.ts';
import {
  agentPods,
  agents,
  apply,
  daemonSet,
  edgeBuild,
  emulation,
  emulationLabels,
  entries,
  eventually,
  footprint,
  install,
  type Installation,
  labelled,
  leave,
  noticed,
  ourEntries,
  ourFiles,
  patchEmulation,
  reached,
  registerForeign,
  removeEdgeBuild,
  system,
  timed,
  unregisterForeign,
  withoutDaemonSet,
} from './lifecycle-site.ts';

jest.setTimeout(600_000);

/** Who is deleted by force does not give up its Lease: nobody leads until that is over. */
const election = [
  ...['--leader-election-lease-duration=40s', '--leader-election-renew-deadline=30s'],
  '--leader-election-retry-period=5s',
];
let installation: Installation | undefined;
beforeAll(async () => {
  installation = await install(...election);
  await apply(edgeBuild('one'));
  await labelled('arm64');
  await reached('Proven');
});
afterAll(async () => {
  await leave(installation);
});

const label = (...changes: readonly string[]): Promise<string> =>
  kubectl('label', 'node', nodeName, '--overwrite', ...changes.map((one) => `emulation.edgebuild.io/${one}`));

interface DaemonSet {
  readonly metadata: { readonly uid: string };
  readonly spec: {
    readonly updateStrategy: { readonly rollingUpdate: { readonly maxUnavailable: string | number } };
  };
}
const maxUnavailable = async (): Promise<string | number | undefined> =>
  (await daemonSet<DaemonSet>())?.spec.updateStrategy.rollingUpdate.maxUnavailable;
/** A field of ours that replaces no pod. */
const changeDaemonSet = (): Promise<string> =>
  kubectl(
    ...['patch', 'daemonset', 'edgebuild-agent', agents, '--type=merge'],
    ...['-p', JSON.stringify({ spec: { updateStrategy: { rollingUpdate: { maxUnavailable: 3 } } } })],
  );

const waitForRemoval = (): Promise<string> =>
  kubectl('wait', '--for=condition=Reconciling=false', 'nodeemulation/cluster', '--timeout=180s');

/** As documented. */
const removeAll = async (): Promise<void> => {
  await patchEmulation({ managementState: 'Removed' });
  await waitForRemoval();
  // Reconciling says nothing of labels: another controller keeps them.
  await labelled();
};

describe('Unmanaged', () => {
  test('nothing is changed, whatever happens', async () => {
    await patchEmulation({ managementState: 'Unmanaged' });
    await reached('Unmanaged');
    const pods = (await agentPods()).map(({ metadata }) => metadata.uid);
    await noticed('nodeemulation', changeDaemonSet);
    await noticed('nodeemulation', () => apply(edgeBuild('two', { platforms: ['linux/ppc64le'] })));
    await noticed('nodelabels', () => label('arm64-', 's390x=ready'));
    expect(await maxUnavailable()).toBe(3);
    expect(await emulationLabels()).toEqual(['s390x=ready']);
    expect((await agentPods()).map(({ metadata }) => metadata.uid)).toEqual(pods);
  });

  test('and what is proven is still counted', async () => {
    const seen = await reached('Unmanaged');
    expect(seen.status?.architectures).toMatchObject([
      { architecture: 'arm64', desiredNodes: 1, readyNodes: 1 },
    ]);
    expect(seen.status?.conditions).toMatchObject([
      { type: 'Ready', status: 'Unknown', message: 'arm64 1/1' },
      { type: 'Reconciling', status: 'False' },
      { type: 'Stalled', status: 'False' },
    ]);
    expect(await kubectl('get', 'nodeemulation', '--no-headers')).toMatch(/^cluster +Unknown +Unmanaged /);
  });

  test('until it is Managed again: then all is as it should be', async () => {
    await removeEdgeBuild('two');
    await patchEmulation({ managementState: 'Managed' });
    expect(await eventually(maxUnavailable, (seen) => seen === '10%')).toBe('10%');
    expect(await labelled('arm64')).toEqual(['arm64=ready']);
    await reached('Proven');
  });
});

describe('Removed', () => {
  test('nothing of ours is left on the node, though EdgeBuilds are there, and others have what they had', async () => {
    await timed('removed', removeAll);
    expect(await footprint()).toEqual(installation?.found);
    await withoutDaemonSet();
    const seen = await reached('Removed');
    expect(seen.status?.conditions).toMatchObject([
      { type: 'Ready', status: 'True', message: 'nothing of EdgeBuild is left on the nodes' },
      { type: 'Reconciling', status: 'False' },
      { type: 'Stalled', status: 'False' },
    ]);
    await noticed('nodeemulation', () => apply(edgeBuild('two')));
    expect(await daemonSet()).toBeUndefined();
  });

  test('until it is Managed again: then it is proven again', async () => {
    await timed('Managed again to labelled', async () => {
      await patchEmulation({ managementState: 'Managed' });
      expect(await labelled('arm64')).toEqual(['arm64=ready']);
    });
    await reached('Proven');
    expect(ourEntries()).toHaveLength(1);
  });

  test('the mount goes as well, where it is the agent that made it', async () => {
    await removeAll();
    unregisterForeign();
    // With its last mount, all of a binfmt_misc goes.
    await execa('umount', ['/proc/sys/fs/binfmt_misc']);
    const bare = await footprint();
    expect(bare.entries).toEqual({});
    await patchEmulation({ managementState: 'Managed' });
    await labelled('arm64');
    await reached('Proven');
    expect(ourFiles()).toContain('mounted');
    expect(Object.keys(entries())).toEqual([...ourEntries(), 'status']);
    await removeAll();
    expect(await footprint()).toEqual(bare);
    await execa('mount', ['-t', 'binfmt_misc', 'binfmt_misc', '/proc/sys/fs/binfmt_misc']);
    registerForeign();
    await patchEmulation({ managementState: 'Managed' });
    await reached('Proven');
  });
});

describe('the operator that was killed', () => {
  const restarts = (): Promise<string> =>
    kubectl(system, 'get', 'pods', '-o', 'jsonpath={.items[*].status.containerStatuses[*].restartCount}');

  /** Processes of its two replicas: the box has pids of its own. */
  const operators = (): readonly number[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0/opt/edgebuild/main.js\0');
        } catch {
          return false;
        }
      })
      .map(Number);

  test('finds out what is true, and leaves what is right', async () => {
    const [pods, handlers] = [(await agentPods()).map(({ metadata }) => metadata.uid), ourEntries()];
    expect(operators()).toHaveLength(2);
    await timed('both operators killed to labels as they are proven', async () => {
      for (const pid of operators()) process.kill(pid, 'SIGKILL');
      await label('arm64-', 's390x=ready', 'mips=1');
      expect(await labelled('arm64')).toEqual(['arm64=ready']);
    });
    expect(await eventually(restarts, (counts) => counts === '1 1')).toBe('1 1');
    await reached('Proven');
    expect((await agentPods()).map(({ metadata }) => metadata.uid)).toEqual(pods);
    expect(ourEntries()).toEqual(handlers);
  });

  test('does what was asked for while none of it was there', async () => {
    await timed('both pods deleted by force to what was asked for meanwhile', async () => {
      await kubectl(system, 'delete', 'pods', '--all', '--force', '--grace-period=0');
      await label('s390x=ready');
      await apply(edgeBuild('three', { platforms: ['linux/riscv64'] }));
      expect(await labelled('arm64', 'riscv64')).toEqual(['arm64=ready', 'riscv64=ready']);
    });
    await reached('Proven');
    await removeEdgeBuild('three');
    expect(await labelled('arm64')).toEqual(['arm64=ready']);
  });
});

describe('a NodeEmulation that is deleted', () => {
  const remove = (): Promise<string> => kubectl('delete', 'nodeemulation', 'cluster');

  test('is made anew while an EdgeBuild needs it, and agents go on', async () => {
    const before = await reached('Proven');
    const set = await daemonSet<DaemonSet>();
    await remove();
    const after = await eventually(
      emulation,
      (seen) => seen !== undefined && seen.metadata.uid !== before.metadata.uid,
    );
    expect(after?.spec).toMatchObject({ managementState: 'Managed', architectures: [] });
    await reached('Proven');
    expect((await daemonSet<DaemonSet>())?.metadata.uid).toBe(set?.metadata.uid);
    expect(await emulationLabels()).toEqual(['arm64=ready']);
  });

  test('stays deleted when none does, and the node is given back', async () => {
    await patchEmulation({ architectures: ['arm64'] });
    await reached('Proven');
    // Else it would still seem to be needed when the NodeEmulation goes.
    for (const name of ['one', 'two']) await noticed('nodeemulation', () => removeEdgeBuild(name));
    await timed('NodeEmulation deleted to node as before', async () => {
      await remove();
      await withoutDaemonSet();
    });
    await labelled();
    expect(await footprint()).toEqual(installation?.found);
    await noticed('nodeemulation', () => apply(edgeBuild('native', { execution: 'Native' })));
    expect(await emulation()).toBeUndefined();
  });
});
