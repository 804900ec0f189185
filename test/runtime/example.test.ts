import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { createClient, type Client } from '../../src/kube/client.ts';
import { type Connection, openConnection } from '../../src/kube/connection.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import type { Store } from '../../src/kube/store.ts';
import { createLogger, type Logger } from '../../src/ops/log.ts';
import type { Controller } from '../../src/runtime/controller.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { until } from '../support/until.ts';

// The example of docs/controllers.md, as it stands there.
const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/controllers.md'), 'utf8');
const example = /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? '';

interface Example {
  readonly createAddresses: (
    client: Client,
    log: Logger,
  ) => { stores: Store<KubeObject>[]; controller: Controller };
}

let plane: ControlPlane;
let connection: Connection;
// Beside src, since its imports begin with ../src.
let directory: string;
let onEnd = (): Promise<void> => Promise.resolve();

beforeAll(async () => {
  directory = await mkdtemp(join(root, '.example-'));
  await writeFile(join(directory, 'example.ts'), example);
  plane = await startControlPlane();
  connection = openConnection(loadKubeConfig({ kubeconfig: plane.kubeconfig }));
}, 120_000);

afterAll(async () => {
  await onEnd();
  await connection.close();
  await plane.stop();
  await rm(directory, { recursive: true });
});

test('the controller of docs/controllers.md fits on a screen and compiles', async () => {
  const lines = example.split('\n').filter((line) => line !== '' && !line.startsWith('import'));
  expect(lines.length).toBeLessThanOrEqual(30);
  await writeFile(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ extends: '../tsconfig.json', include: ['example.ts'] }),
  );
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { exitCode, stdout } = await execa(process.execPath, [tsc, '--noEmit', '-p', directory], {
    reject: false,
  });
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
}, 120_000);

test('it keeps a ConfigMap beside every Service, and puts it back when it is edited or deleted', async () => {
  const { createAddresses } = (await import(join(directory, 'example.ts'))) as Example;
  const client = createClient({ connection, fieldManager: 'edgebuild' });
  const { stores, controller } = createAddresses(client, createLogger({ level: 'error', format: 'text' }));
  const stop = new AbortController();
  const running = Promise.all([
    ...stores.map((store) => store.run(stop.signal)),
    controller.run(client, stop.signal, new AbortController().signal),
  ]);
  onEnd = async () => {
    stop.abort();
    await running;
  };
  const address = async (): Promise<string> =>
    (await plane.kubectl(['get', 'configmap', 'kubernetes-address', '-o', 'jsonpath={.data.address}']))
      .stdout;

  // The API server makes the Service `kubernetes` itself, and gives it the first address.
  expect(await until(address, (seen) => seen === '10.0.0.1', 60_000)).toBe('10.0.0.1'); // a ConfigMap says its address
  await plane.kubectl(['patch', 'configmap', 'kubernetes-address', '-p', '{"data":{"address":"wrong"}}']);
  expect(await until(address, (seen) => seen === '10.0.0.1', 60_000)).toBe('10.0.0.1'); // the edit is undone
  await plane.kubectl(['delete', 'configmap', 'kubernetes-address']);
  expect(await until(address, (seen) => seen === '10.0.0.1', 60_000)).toBe('10.0.0.1'); // the deletion is undone
}, 120_000);
