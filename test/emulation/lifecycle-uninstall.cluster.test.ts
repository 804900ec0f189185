/** What is left after it is gone: as documented, and all at once. Runs inside of a box. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { kubectl } from '../manifests/installation.ts';
import {
  apply,
  deploy,
  edgeBuild,
  emulationLabels,
  entries,
  footprint,
  install,
  type Installation,
  labelled,
  leave,
  ourEntries,
  reached,
  timed,
  uninstall,
} from './lifecycle-site.ts';

jest.setTimeout(600_000);

let installation: Installation;
beforeAll(async () => {
  installation = await install();
  await apply(edgeBuild('one'));
  await labelled('arm64');
  await reached('Proven');
});
afterAll(async () => {
  await leave(installation);
});

/** Of all that was applied: names, in the words of kubectl. */
const installed = async (): Promise<string> =>
  kubectl('get', '-k', installation.overlay, '-o', 'name', '--ignore-not-found');
const agentsAndOperators = async (): Promise<string> =>
  kubectl('get', 'pods', '--all-namespaces', '--selector=app.kubernetes.io/part-of=edgebuild', '-o', 'name');

/** Others have byte for byte what they had. */
const expectOthersUntouched = (): void => {
  expect(entries()).toMatchObject(installation.found.entries);
};

test('everything deleted at once while nodes emulate hangs nowhere, and the node goes on as it is', async () => {
  const [handlers, files] = [ourEntries(), (await footprint()).files];
  expect(handlers).toHaveLength(1);
  await timed('kubectl delete -k, all at once', () =>
    kubectl('delete', '-k', installation.overlay, '--timeout=180s'),
  );
  expect(await installed()).toBe('');
  expect(await kubectl('get', 'namespaces', '-o', 'jsonpath={.items[*].status.phase}')).not.toContain(
    'Terminating',
  );
  expect(await agentsAndOperators()).toBe('');
  // There is nobody any more who could take them away. Builds that run go on.
  expect(ourEntries()).toEqual(handlers);
  expect((await footprint()).files).toEqual(files);
  // An operator that still has its rights may see its agent leave: then nobody is told what nobody proves any more.
  expect([[], ['arm64=ready']]).toContainEqual(await emulationLabels());
  expectOthersUntouched();
});

test('a later installation finds what was left, and gives the node back when it is told to', async () => {
  await deploy(installation.overlay);
  // Nothing proves it now.
  expect(await labelled()).toEqual([]);
  expect(ourEntries()).toHaveLength(1);
  await timed('what an earlier installation left is removed', async () => {
    await apply({
      ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'NodeEmulation', metadata: { name: 'cluster' } },
      spec: { managementState: 'Removed' },
    });
    await reached('Removed');
  });
  expect(await footprint()).toEqual(installation.found);
});

test('uninstalled as documented, the node is as it was found', async () => {
  await apply(
    {
      ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'NodeEmulation', metadata: { name: 'cluster' } },
      spec: { architectures: ['riscv64'] },
    },
    edgeBuild('one'),
  );
  expect(await labelled('arm64', 'riscv64')).toHaveLength(2);
  await reached('Proven');
  expect(await footprint()).not.toEqual(installation.found);
  expectOthersUntouched();
  await timed('uninstalled as documented', () => uninstall(installation.overlay));
  expect(await footprint()).toEqual(installation.found);
  expect(await installed()).toBe('');
  expect(await agentsAndOperators()).toBe('');
});
