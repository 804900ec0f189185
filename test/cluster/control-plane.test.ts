/** The control plane directly on this machine: real etcd and kube-apiserver, on free ports of loopback. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { newDirectory, removeDirectories } from '../support/directories.ts';
import { processesNaming } from '../support/remains.ts';
import { until } from '../support/until.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import { clusterPrograms } from './programs.ts';

jest.setTimeout(300_000);

// Compiling takes minutes the first time on a machine.
beforeAll(async () => {
  await clusterPrograms();
}, 3_600_000);

afterAll(removeDirectories);

interface AuditEvent {
  readonly stage: string;
  readonly level: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource: string; readonly name?: string };
}

const eventsOf = ({ auditLog }: ControlPlane): AuditEvent[] =>
  readFileSync(auditLog, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditEvent);

describe('a control plane', () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    const tokens = { 'token-of-joe': { user: 'joe', groups: ['developers'] } };
    plane = await startControlPlane({ audit: true, controllers: true, tokens });
  });
  afterAll(async () => {
    await plane.stop();
    expect(existsSync(plane.kubeconfig)).toBe(false);
  });

  test('keeps its data while the API server is away', async () => {
    const { exitCode, stderr } = await plane.kubectl(['create', 'configmap', 'kept', '--from-literal=a=b']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    await plane.stopApiServer();
    expect((await plane.kubectl(['get', 'configmap', 'kept'])).exitCode).not.toBe(0);
    await plane.startApiServer();
    const { stdout } = await plane.kubectl(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}']);
    expect(stdout).toBe('b');
  });

  test('comes back from the death of its API server', async () => {
    await plane.stopApiServer('SIGKILL');
    await plane.startApiServer();
    expect((await plane.kubectl(['get', 'namespaces'])).exitCode).toBe(0);
  });

  test('writes each answered request to the audit log', async () => {
    await plane.kubectl(['create', 'configmap', 'audited']);
    const events = eventsOf(plane);
    expect(new Set(events.map(({ stage, level }) => `${stage} ${level}`))).toEqual(
      new Set(['ResponseComplete Metadata']),
    );
    expect(events.filter(({ objectRef }) => objectRef?.name === 'audited')).toMatchObject([
      { verb: 'create', user: { username: 'admin' } },
    ]);
  });

  test('knows users by certificate and by token', async () => {
    const whoami = ['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username} {.status.userInfo.groups}'];
    const kubeconfig = await plane.kubeconfigFor({ user: 'system:odd/na+me', groups: ['a', 'b:c'] });
    expect((await plane.kubectl(whoami, { kubeconfig })).stdout).toBe(
      'system:odd/na+me ["a","b:c","system:authenticated"]',
    );
    const { url, certificateAuthority } = plane;
    const byToken = [
      '--token=token-of-joe',
      `--server=${url}`,
      `--certificate-authority=${certificateAuthority}`,
    ];
    expect((await plane.kubectl([...whoami, ...byToken], { kubeconfig: '/dev/null' })).stdout).toBe(
      'joe ["developers","system:authenticated"]',
    );
  });

  test('collects what has lost its owner', async () => {
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owner' } };
    const { stdout: uid } = await plane.kubectl(['create', '-f', '-', '-o', 'jsonpath={.metadata.uid}'], {
      input: JSON.stringify(owner),
    });
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }];
    await plane.kubectl(['create', '-f', '-'], {
      input: JSON.stringify({ ...owner, metadata: { name: 'owned', ownerReferences } }),
    });
    await plane.kubectl(['delete', 'configmap', 'owner']);
    const exists = async (): Promise<boolean> =>
      (await plane.kubectl(['get', 'configmap', 'owned'])).exitCode === 0;
    expect(await until(exists, (there) => !there, 120_000)).toBe(false);
  });
});

test('a flag that is refused fails the start at once, with the last lines of the log', async () => {
  const state = join(newDirectory(), 'state');
  await expect(startControlPlane({ state, apiServerFlags: ['--no-such-flag'] })).rejects.toThrow(
    /kube-apiserver ended with status 1; .*\n.*unknown flag: --no-such-flag/s,
  );
  expect(existsSync(state)).toBe(false);
  expect(processesNaming(state)).toEqual([]);
});

test('SIGKILL of its owner leaves no process', async () => {
  const state = join(newDirectory(), 'state');
  const program = `import { startControlPlane } from ${JSON.stringify(join(import.meta.dirname, 'control-plane.ts'))};
    await startControlPlane({ state: process.argv[1], controllers: true });
    console.log('up'); setInterval(() => undefined, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', program, state], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(owner.stdout, 'data')) as [Buffer];
  expect(said.toString()).toBe('up\n');
  // The owner, etcd, API server, controller manager and scheduler.
  expect(processesNaming(state).length).toBeGreaterThanOrEqual(5);
  owner.kill('SIGKILL');
  expect(await until(() => processesNaming(state), (found) => found.length === 0, 60_000)).toEqual([]); // prettier-ignore
});
