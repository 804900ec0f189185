/** A box seen from the machine: what it says, how it ends, and that nothing of it stays. */
import { afterAll, beforeAll, describe, expect, jest } from '@jest/globals';
import { execa } from 'execa';
import { readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { testAsRoot } from '../support/as-root.ts';
import { newDirectory, removeDirectories } from '../support/directories.ts';
import { processesNaming } from '../support/remains.ts';
import { until } from '../support/until.ts';
import { busyboxImage } from './images.ts';
import { clusterPrograms } from './programs.ts';

jest.setTimeout(600_000);

let programs = '';
// Compiling takes minutes the first time on a machine.
beforeAll(async () => {
  programs = await clusterPrograms();
}, 3_600_000);

afterAll(removeDirectories);

/** Each process of the box names its folder of logs, in its environment at least. */
const openBox = (
  logs: string,
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
) =>
  execa(process.execPath, [join(import.meta.dirname, 'enter.ts'), '--no-net', '--', ...command], {
    ...{ reject: false, stdin: 'ignore' },
    env: { KUBEBUILDER_ASSETS: programs, ...environment, EDGEBUILD_CLUSTER_LOGS: logs },
  });

const entries = (directory: string): readonly string[] => {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
};

/** Those of a box's programs that are fixed. */
const ports = [2379, 2380, 5000, 6443, 10248, 10249, 10250, 10256, 10257, 10259];

const listening = (): readonly number[] =>
  ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      // proc(5): 0A is LISTEN.
      .filter(([, , , status]) => status === '0A')
      .map(([, local = '']) => Number.parseInt(local.split(':')[1] ?? '', 16))
      .filter((port) => ports.includes(port)),
  );

/** What a box could change on the machine. Of the mounts, those of this process's namespace. */
const machine = (): object => ({
  mounts: readFileSync('/proc/self/mounts', 'utf8').split('\n'),
  handlers: entries('/proc/sys/fs/binfmt_misc'),
  ports: listening(),
  controlGroups: ['/sys/fs/cgroup', '/sys/fs/cgroup/memory'].map((directory) =>
    entries(directory).filter((name) => /k8s|kube|cri/.test(name)),
  ),
  state: ['/run', '/var/lib', '/var/lib/kubelet', '/var/lib/cni/results', '/var/log/containers'].map(entries),
});

/** The processes of a namespace, by the name that ps gives it. */
const processesIn = (namespace: string): readonly string[] =>
  entries('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/ns/pid`) === namespace;
    } catch {
      return false;
    }
  });

const gone = (logs: string): Promise<readonly string[]> =>
  until(
    () => processesNaming(logs),
    (found) => found.length === 0,
    60_000,
  );

describe('a box', () => {
  testAsRoot('runs the command on a Ready node, passes its status on, and leaves nothing', async () => {
    const before = machine();
    const logs = join(newDirectory(), 'logs');
    const script = 'kubectl get node localhost && test -d "$EDGEBUILD_CLUSTER_LOGS" && exit 23';
    const { exitCode, stdout, stderr } = await openBox(logs, ['sh', '-c', script]);
    expect({ exitCode, stdout, stderr }).toMatchObject({
      exitCode: 23,
      stdout: expect.stringMatching(/^localhost +Ready /m),
      stderr: expect.stringMatching(/ s {2}kubelet: node localhost is Ready$/m),
    });
    expect(processesNaming(logs)).toEqual([]);
    expect(machine()).toEqual(before);
    expect(entries(logs)).toEqual(expect.arrayContaining(['kube-apiserver.log', 'kubelet.log']));
  });

  testAsRoot('is gone after SIGKILL of who opened it, with the pods that ran there', async () => {
    const before = machine();
    const logs = join(newDirectory(), 'logs');
    const script = `kubectl run pod --image=${busyboxImage} -- sleep 10000 >&2 &&
      kubectl wait --for=condition=Ready pod/pod --timeout=300s >&2 &&
      readlink /proc/self/ns/pid && exec sleep 10000`;
    const box = openBox(logs, ['sh', '-c', script]);
    let namespace = '';
    box.stdout.on('data', (chunk: Buffer) => {
      namespace += chunk.toString();
    });
    await Promise.race([until(() => namespace.includes('\n'), Boolean, 500_000), box]);
    namespace = namespace.trim();
    expect(namespace).toMatch(/^pid:\[\d+\]$/);
    expect(processesIn(namespace).length).toBeGreaterThan(10);
    expect(machine()).toEqual(before);
    box.kill('SIGKILL');
    await box;
    expect(await gone(logs)).toEqual([]);
    expect(await until(() => processesIn(namespace), (found) => found.length === 0, 60_000)).toEqual([]); // prettier-ignore
    expect(machine()).toEqual(before);
  });

  testAsRoot('shows the last lines of a part that cannot start, and fails', async () => {
    const assets = newDirectory();
    for (const name of readdirSync(programs)) {
      if (name !== 'kube-apiserver') symlinkSync(join(programs, name), join(assets, name));
    }
    const broken = '#!/bin/sh\necho no luck today >&2\nexit 1\n';
    writeFileSync(join(assets, 'kube-apiserver'), broken, { mode: 0o755 });
    const logs = join(newDirectory(), 'logs');
    const { exitCode, stdout, stderr } = await openBox(logs, ['echo', 'never'], {
      KUBEBUILDER_ASSETS: assets,
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(
      /kube-apiserver ended with status 1; .*kube-apiserver\.log ends:\n +no luck today$/m,
    );
    expect(await gone(logs)).toEqual([]);
  });

  testAsRoot('reports a part that dies while the command runs', async () => {
    const logs = join(newDirectory(), 'logs');
    const script =
      'kill -KILL $(pidof kube-scheduler); while pidof kube-scheduler; do sleep 0.1; done; sleep 1';
    const { exitCode, stderr } = await openBox(logs, ['bash', '-c', script]);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/kube-scheduler ended by SIGKILL; .*kube-scheduler\.log ends:\n/);
  });
});
