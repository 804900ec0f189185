/** Faults on the real node of a box: what is done to its binfmt_misc, and what is seen of that afterwards. */
import { expect } from '@jest/globals';
import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { emulatorOf } from '../../agent/emulators.ts';
import type { NodeEmulationStatus } from '../../src/api/node-emulation.ts';
import { architectureCalled, magicOf } from '../../src/emulation/architectures.ts';
import { escaped } from '../../src/engines/local/binfmt.ts';
import { nodeName } from '../cluster/node.ts';
import { kubectl } from '../manifests/installation.ts';
import { agents, entries, eventually, get, metrics } from './lifecycle-site.ts';

export const binfmt = '/proc/sys/fs/binfmt_misc';
export const files = '/run/edgebuild';

/** Interpreters that somebody else might have registered. */
export const [working, broken] = [emulatorOf(architectureCalled('arm64').name), '/bin/false'];

/** It is busy for a moment where the agent just reads below it. */
export const unmount = async (path: string): Promise<void> => {
  const tried = () => execa('umount', [path], { reject: false });
  expect(await eventually(tried, ({ exitCode }) => exitCode === 0)).toMatchObject({ exitCode: 0 });
};

/** `-1` removes an entry, or all of them. */
export const write = (name: string, text: string): void => {
  writeFileSync(join(binfmt, name), text);
};

/** Registers a handler of arm64. */
export const handle = (name: string, interpreter: string): void => {
  const { magic, mask } = magicOf(architectureCalled('arm64'));
  write('register', `:${name}:M::${escaped(magic)}:${escaped(mask)}:${interpreter}:PF`);
};

const isOurs = (name: string): boolean => name.startsWith('edgebuild-');
const picked = (isWanted: (name: string) => boolean): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(entries()).filter(([name]) => isWanted(name)));
/** Entries byte for byte, by name. */
export const ours = () => picked(isOurs);
export const others = () => picked((name) => !isOurs(name) && name !== 'status');

/** Which one it is: an entry that is removed and made again is another inode. */
export const inodeOf = (entry: string): number => statSync(join(binfmt, entry)).ino;

/** The only entry of ours, and the file it names. */
export const only = (): { readonly entry: string; readonly file: string } => {
  const [entry = '', ...rest] = Object.keys(ours());
  expect([entry, ...rest]).toEqual([expect.stringMatching(/^edgebuild-aarch64-/)]);
  return { entry, file: join(files, entry.replace('edgebuild', 'qemu')) };
};

/** SHA-256 of the emulators on the node, by name. */
export const emulators = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(files)
      .filter((name) => name.startsWith('qemu-'))
      .map((name) => [name, digestOf(join(files, name))]),
  );
/** A file may go between two looks. */
const digestOf = (file: string): string => {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex');
  } catch {
    return '';
  }
};

/** What a program of arm64 says that is run on the node: `aarch64`; else nothing. */
export const machine = async (): Promise<string> => {
  const busybox = join(import.meta.dirname, '../../.cache/foreign/arm64/busybox');
  return (await execa('env', [busybox, 'uname', '-m'], { reject: false })).stdout;
};

/** What everybody may know of the node, from some time on. */
export interface Sight {
  readonly at: number;
  readonly isLabelled: boolean;
  readonly status: NodeEmulationStatus | undefined;
}

const sights: Sight[] = [{ at: 0, isLabelled: false, status: undefined }];
const ends: (() => Promise<unknown>)[] = [];

/** Watches node and NodeEmulation: nothing that the API server has told anybody is missed, however short it was so. */
export const watch = (): void => {
  const follow = (kind: string, name: string, field: string, sees: (line: string) => Partial<Sight>) => {
    const child = execa('kubectl', ['get', kind, name, '--watch', '-o', `jsonpath={${field}}{"\\n"}`], {
      ...{ reject: false, buffer: false },
    });
    ends.push(() => {
      child.kill();
      return child;
    });
    createInterface(child.stdout).on('line', (line) => {
      sights.push({ ...latest(), ...sees(line), at: Date.now() });
    });
  };
  follow('node', nodeName, '.metadata.labels', (line) => ({
    isLabelled: line.includes('"emulation.edgebuild.io/arm64":"ready"'),
  }));
  follow('nodeemulation', 'cluster', '.status', (line) => ({
    status: line === '' ? undefined : (JSON.parse(line) as NodeEmulationStatus),
  }));
};
export const stopWatching = async (): Promise<void> => {
  await Promise.all(ends.map((end) => end()));
};

export const latest = (): Sight => sights.at(-1) as Sight;
export const sightsSince = (at: number): readonly Sight[] => sights.filter((sight) => sight.at >= at);

export const readyOf = ({ status }: Sight) => status?.conditions?.find(({ type }) => type === 'Ready');

const allIsWell: unknown = expect.objectContaining({
  status: 'True',
  reason: 'Proven',
  message: 'arm64 1/1',
});

/** Waits until the node is said to be proven, and sees that it is so. */
export const proven = async (): Promise<void> => {
  const isProven = (sight: Sight): boolean => sight.isLabelled && readyOf(sight)?.reason === 'Proven';
  const { isLabelled, status } = await eventually(latest, isProven);
  const condition = readyOf(latest());
  expect({ isLabelled, condition, problems: status?.problems }).toEqual({
    ...{ isLabelled: true, condition: allIsWell, problems: undefined },
  });
  expect(await eventually(machine, (said) => said === 'aarch64')).toBe('aarch64');
};

interface AgentPod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly status?: {
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly ready: boolean;
      readonly restartCount: number;
    }[];
  };
}

/** The agent on the node, if there is just one. */
export const agent = async (): Promise<AgentPod | undefined> => {
  const [pod, ...more] = (await get<{ readonly items: readonly AgentPod[] }>('pods', agents))?.items ?? [];
  return more.length > 0 || pod?.metadata.deletionTimestamp !== undefined ? undefined : pod;
};
export const restartsOf = (pod: AgentPod | undefined): number | undefined =>
  pod?.status?.containerStatuses?.find(({ name }) => name === 'agent')?.restartCount;

/** Another pod, in which no container has ended yet: the kubelet starts those again later each time. */
export const replaceAgent = async (): Promise<void> => {
  const before = (await agent())?.metadata.uid;
  await kubectl(agents, 'delete', 'pod', '--all');
  const isOther = (pod: AgentPod | undefined): boolean =>
    pod !== undefined && pod.metadata.uid !== before && pod.status?.containerStatuses !== undefined;
  expect(isOther(await eventually(agent, isOther))).toBe(true);
};

/** The node as it is between two faults: with an agent of which no container has ended yet. */
export const freshAgent = async (): Promise<void> => {
  await replaceAgent();
  const isReady = (pod: AgentPod | undefined): boolean =>
    pod?.status?.containerStatuses?.every(({ ready }) => ready) ?? false;
  await eventually(agent, isReady);
  await proven();
};

/** The same, in less time where nobody has noticed the fault before. */
export const agentAtRest = async (): Promise<void> => {
  const containers = (await agent())?.status?.containerStatuses ?? [];
  if (containers.length > 0 && containers.every(({ restartCount }) => restartCount === 0)) await proven();
  else await freshAgent();
};

export const agentLog = (): Promise<string> =>
  kubectl(agents, 'logs', 'daemonset/edgebuild-agent', '--container=agent');

/** How often the agent that runs has registered something. */
export const registrations = async (): Promise<number> =>
  [...(await agentLog()).matchAll(/^aarch64: registered edgebuild-aarch64-/gm)].length;

/** Notes of the Events about one reason. */
export const notesOf = async (reason: string): Promise<readonly string[]> => {
  const list = await get<{ readonly items: readonly { readonly note?: string }[] }>(
    ...['events.events.k8s.io', '--all-namespaces', `--field-selector=reason=${reason}`],
  );
  return list?.items.map(({ note = '' }) => note) ?? [];
};

export const repairsOf = async (reason: string): Promise<number> =>
  (await metrics('edgebuild_emulation_repairs_total'))[`reason="${reason}"`] ?? 0;

const after = (at: number, then: number | undefined): string =>
  then === undefined ? 'not seen' : `after ${((then - at) / 1000).toFixed(1)} s`;

/** Prints when what was seen, for people: nothing of it is asserted. */
export const tell = (what: string, began: number, times: Readonly<Record<string, number | undefined>>): void => {
  const seen = sightsSince(began);
  const off = seen.find(({ isLabelled }) => !isLabelled)?.at;
  const back = off && seen.find(({ isLabelled, at }) => isLabelled && at > off)?.at;
  const all = Object.entries({ ...times, 'label gone': off, 'label back': back });
  console.log(`${what}: ${all.map(([name, at]) => `${name} ${after(began, at)}`).join(', ')}`);
}; // prettier-ignore
