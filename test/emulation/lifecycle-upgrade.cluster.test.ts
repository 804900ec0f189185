/** Emulated programs that go on while their emulator is replaced or taken away. Runs inside of a box. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { emulatedNames } from '../../src/api/architecture-names.ts';
import { kubectl, tryKubectl } from '../manifests/installation.ts';
import { until } from '../support/until.ts';
import { pushArm64, pushOtherAgent } from './lifecycle-images.ts';
import {
  agentPods,
  apply,
  edgeBuild,
  emulation,
  emulationLabels,
  eventually,
  footprint,
  install,
  type Installation,
  labelled,
  leave,
  namespace,
  ourEntries,
  ourFiles,
  patchEmulation,
  reached,
  removeEdgeBuild,
  timed,
  withoutDaemonSet,
} from './lifecycle-site.ts';

jest.setTimeout(600_000);

let installation: Installation | undefined;
let arm64 = '';
let otherAgent = '';
beforeAll(async () => {
  installation = await install();
  [arm64, otherAgent] = [await pushArm64(), await pushOtherAgent(installation.agentImage)];
  await apply(edgeBuild('one'));
  await labelled('arm64');
  await reached('Proven');
});
afterAll(async () => {
  await leave(installation);
});

/** As builds are: on a node that proves it, with no right of its own. */
const emulated = (name: string, script: string): object => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace } },
  spec: {
    ...{ restartPolicy: 'Never', terminationGracePeriodSeconds: 0, automountServiceAccountToken: false },
    nodeSelector: { 'emulation.edgebuild.io/arm64': 'ready' },
    containers: [
      {
        ...{ name: 'main', image: arm64, command: ['/bin/sh', '-c', script] },
        securityContext: {
          ...{ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          ...{ runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
        },
      },
    ],
  },
});

const inNamespace = `--namespace=${namespace}`;
const said = async (pod: string): Promise<readonly string[]> =>
  (await kubectl('logs', pod, inNamespace)).split('\n').filter((line) => line !== '');
const start = async (name: string, script: string): Promise<void> => {
  await apply(emulated(name, script));
  await eventually(
    () => tryKubectl('logs', name, inNamespace),
    ({ stdout }) => stdout !== '',
  );
};
const restarts = (pod: string): Promise<string> =>
  kubectl('get', 'pod', pod, inNamespace, '-o', 'jsonpath={.status.containerStatuses[*].restartCount}');

/** Waits at a pipe into which nobody writes: for that no program is run. */
const aWhile = 'mkfifo /tmp/pipe && exec 3<>/tmp/pipe; pause() { read -t 1 _ <&3; }';
/** Runs one program of arm64 after the other, and says what it is told. */
const runs = 'while :; do i=$((i + 1)); echo $i $(/bin/uname -m); done';
/** Runs, and runs no other program. */
const counts = `${aWhile}; while :; do i=$((i + 1)); echo $i; pause; done`;

/** Looks all the time at which entries of ours are there. The returned function ends it: all sets that were seen, in order. */
const sample = (): (() => { readonly sets: readonly string[]; readonly looks: number }) => {
  const sets: string[] = [];
  let looks = 0;
  const timer = setInterval(() => {
    const now = ourEntries().join(' ');
    looks += 1;
    if (sets.at(-1) !== now) sets.push(now);
  }, 1);
  return () => {
    clearInterval(timer);
    return { sets, looks };
  };
};

describe('an agent with another emulator', () => {
  let [before, after]: readonly (readonly string[])[] = [[], []];
  let [looks, lines]: [number, number] = [0, 0];

  beforeAll(async () => {
    before = ourEntries();
    await start('running', runs);
    const end = sample();
    await timed('spec.image set to proven by the new emulator', async () => {
      await patchEmulation({ image: otherAgent });
      await eventually(ourEntries, (now) => now.length === 1 && now[0] !== before?.[0]);
      await labelled('arm64');
      await reached('Proven');
    });
    after = ourEntries();
    const seen = end();
    looks = seen.looks;
    // Both are there for some milliseconds, in which it may not have looked; there was never none.
    const both = [...before, ...after].sort().join(' ');
    expect(seen.sets.filter((set) => set !== both)).toEqual([before, after].map((set) => set.join(' ')));
    // And some more of them, by the new emulator alone.
    lines = (await said('running')).length;
    await eventually(
      () => said('running'),
      (now) => now.length > lines + 20,
    );
  });

  test('replaces the entry and the file, and there is one at each moment', async () => {
    console.log(`looked ${looks} times at the entries`);
    expect(after).toEqual([expect.stringMatching(/^edgebuild-aarch64-[0-9a-f]{8}$/)]);
    expect(after).not.toEqual(before);
    expect(ourFiles()).toEqual(after?.map((name) => name.replace('edgebuild-', 'qemu-')));
    const { status } = await reached('Proven');
    expect(status?.image).toBe(otherAgent);
    // Nobody told the operator what is in it.
    expect(status?.qemuVersion).toBeUndefined();
  });

  test('does not disturb what runs by the old one, nor what that starts', async () => {
    const all = await said('running');
    console.log(`${all.length} programs were run, ${lines} of them until the upgrade was over`);
    expect(all).toEqual(all.map((_, index) => `${index + 1} aarch64`));
    expect(await restarts('running')).toBe('0');
  });

  test('runs what is started from now on', async () => {
    await start('later', 'uname -m; cat /proc/self/maps');
    expect(await said('later')).toContain('aarch64');
  });
});

describe('removal while an emulated program runs', () => {
  const removed = async (change: object): Promise<void> => {
    await patchEmulation({ managementState: 'Removed', ...change });
    await kubectl('wait', '--for=condition=Reconciling=false', 'nodeemulation/cluster', '--timeout=180s');
    // Reconciling says nothing of labels: another controller keeps them.
    await labelled();
  };
  const goesOn = async (): Promise<void> => {
    const before = (await said('counting')).length;
    const after = await eventually(
      () => said('counting'),
      (lines) => lines.length > before + 1,
    );
    expect(after).toEqual(after.map((_, index) => String(index + 1)));
    expect(await restarts('counting')).toBe('0');
  };

  test('gives the node back, also what another image of the agent has made, and the program goes on', async () => {
    await kubectl('delete', 'pod', 'running', inNamespace, '--now');
    await start('counting', counts);
    // Back to the image that the operator came with: it is not the one that registered.
    await timed('removed, with another image, while a program runs', () => removed({ image: '' }));
    expect(await footprint()).toEqual(installation?.found);
    await goesOn();
  });

  test('does so when the agent of the last image never came up', async () => {
    const missing = otherAgent.replace(/@.*/, `@sha256:${'0'.repeat(64)}`);
    await patchEmulation({ managementState: 'Managed' });
    await reached('Proven');
    await patchEmulation({ image: missing });
    const problems = async () => (await emulation())?.status?.problems ?? [];
    const seen = await eventually(problems, ([first]) => first?.reason === 'AgentNotRunning');
    expect(seen).toMatchObject([{ node: 'localhost', reason: 'AgentNotRunning' }]);
    expect(seen[0]?.message).toContain('waits: ');
    expect(await labelled()).toEqual([]);
    expect(ourEntries()).toHaveLength(1);
    await removed({ image: '' });
    expect(await footprint()).toEqual(installation?.found);
    await goesOn();
  });
});

/** All but 386, which every node of linux/amd64 runs itself. */
const allNames = emulatedNames.filter((name) => name !== '386');

test('all 26 architectures at once are proven, and go again', async () => {
  await removeEdgeBuild('one');
  await patchEmulation({ managementState: 'Managed' });
  await reached('NotNeeded');
  expect(allNames).toHaveLength(26);
  await timed('26 architectures', async () => {
    await patchEmulation({ architectures: allNames });
    const wanted = allNames.map((name) => `${name}=ready`).sort();
    // Emulators are unpacked one by one: on a busy machine it takes minutes.
    expect(await until(emulationLabels, ({ length }) => length === wanted.length, 900_000)).toEqual(wanted);
  });
  const { status } = await reached('Proven');
  expect(status?.architectures).toMatchObject(
    [...allNames].sort().map((architecture) => ({ architecture, desiredNodes: 1, readyNodes: 1 })),
  );
  expect(ourEntries()).toHaveLength(26);
  expect(await agentPods()).toHaveLength(1);
  await timed('back to none', async () => {
    await patchEmulation({ architectures: [] });
    await reached('NotNeeded');
  });
  await withoutDaemonSet();
  expect(await labelled()).toEqual([]);
  expect(await footprint()).toEqual(installation?.found);
}, 1_200_000);
