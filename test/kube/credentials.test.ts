/** Who the client says it is, to a real API server. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '../../src/kube/client.ts';
import { openConnection } from '../../src/kube/connection.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import type { Kind, KubeObject } from '../../src/kube/objects.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { newDirectory, removeDirectories } from '../support/directories.ts';
import { until } from '../support/until.ts';

jest.setTimeout(120_000);

const reviews: Kind = {
  ...{ group: 'authentication.k8s.io', version: 'v1', kind: 'SelfSubjectReview' },
  ...{ plural: 'selfsubjectreviews', namespaced: false },
};
const tokens = {
  'token-one': { user: 'joe', groups: ['system:masters'] },
  'token-two': { user: 'jane', groups: ['system:masters'] },
};

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ tokens });
}, 180_000);

afterAll(async () => {
  await plane.stop();
  removeDirectories();
});

describe('who asks is known', () => {
  const whoIs = async (user: object): Promise<{ ask: () => Promise<string>; close: () => Promise<void> }> => {
    const file = join(newDirectory(), 'kubeconfig');
    const cluster = { server: plane.url, 'certificate-authority': plane.certificateAuthority };
    const text = { apiVersion: 'v1', kind: 'Config', 'current-context': 'x', clusters: [{ name: 'x', cluster }], users: [{ name: 'x', user }], contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }] }; // prettier-ignore
    writeFileSync(file, JSON.stringify(text));
    const own = openConnection(loadKubeConfig({ kubeconfig: file }));
    const asker = createClient({ connection: own, fieldManager: 'edgebuild' });
    const review = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'SelfSubjectReview',
      metadata: { name: '' },
    };
    const ask = async (): Promise<string> =>
      (await asker.create<KubeObject & { status: { userInfo: { username: string } } }>(reviews, review)).status.userInfo.username; // prettier-ignore
    return await Promise.resolve({ ask, close: () => own.close() });
  };

  test('by a token', async () => {
    const { ask, close } = await whoIs({ token: 'token-one' });
    expect(await ask()).toBe('joe');
    await close();
  });

  test('by what an exec plugin says, also after that has changed', async () => {
    const file = join(newDirectory(), 'token');
    writeFileSync(file, 'token-one');
    const says = `printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s","expirationTimestamp":"2020-01-01T00:00:00Z"}}' "$(cat ${file})"`; // prettier-ignore
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', says], interactiveMode: 'Never' }; // prettier-ignore
    const { ask, close } = await whoIs({ exec });
    expect(await ask()).toBe('joe');
    writeFileSync(file, 'token-two');
    expect(await until(ask, (name) => name === 'jane', 60_000)).toBe('jane');
    await close();
  });

  test('by a token file that ends with a line feed', async () => {
    const file = join(newDirectory(), 'token');
    writeFileSync(file, 'token-two\n');
    const { ask, close } = await whoIs({ tokenFile: file });
    expect(await ask()).toBe('jane');
    await close();
  });

  test('and a token that is not known is 401', async () => {
    const { ask, close } = await whoIs({ token: 'wrong' });
    await expect(ask()).rejects.toMatchObject({ code: 401, reason: 'Unauthorized' });
    await close();
  });
});
