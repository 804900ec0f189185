/** The client against a real API server. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { KubeConfig } from '@kubernetes/client-node';
import { type Client, createClient } from '../../src/kube/client.ts';
import { type Connection, openConnection } from '../../src/kube/connection.ts';
import { ApiError } from '../../src/kube/errors.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import type { Kind, KubeObject } from '../../src/kube/objects.ts';
import { createLogger } from '../../src/ops/log.ts';
import { createRecordEvent } from '../../src/runtime/events.ts';
import { ownedFieldsOf } from '../../src/kube/received.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { until } from '../support/until.ts';
import { configMaps } from './following.ts';

jest.setTimeout(120_000);

const serviceAccounts: Kind = { ...configMaps, kind: 'ServiceAccount', plural: 'serviceaccounts' };
let plane: ControlPlane;
let connection: Connection;
let client: Client;
let other: Client;

beforeAll(async () => {
  plane = await startControlPlane({ audit: true });
  connection = openConnection(loadKubeConfig({ kubeconfig: plane.kubeconfig }));
  client = createClient({ connection, fieldManager: 'edgebuild' });
  other = createClient({ connection, fieldManager: 'other' });
}, 180_000);

afterAll(async () => {
  await connection.close();
  await plane.stop();
});

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const configMap = (name: string, data: Readonly<Record<string, string>>, more: object = {}): ConfigMap => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default', name, ...more } },
  data,
});
const named = (name: string) => ({ namespace: 'default', name });

const failure = async (call: Promise<unknown>): Promise<ApiError> => {
  try {
    await call;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('it did not fail');
};

test('what was created can be read, replaced and deleted', async () => {
  const created = await client.create<ConfigMap>(configMaps, configMap('crud', { a: '1' }));
  expect(JSON.stringify(await client.get(configMaps, named('crud')))).toBe(JSON.stringify(created));
  const replaced = await client.replace<ConfigMap>(configMaps, { ...created, data: { b: '2' } } as ConfigMap);
  expect(replaced.data).toEqual({ b: '2' });
  expect(await failure(client.replace(configMaps, created))).toMatchObject({ code: 409, reason: 'Conflict' });
  expect(await failure(client.create(configMaps, configMap('crud', {})))).toMatchObject({ code: 409, reason: 'AlreadyExists' }); // prettier-ignore
  await client.delete(configMaps, named('crud'));
  expect(await failure(client.get(configMaps, named('crud')))).toMatchObject({
    code: 404,
    reason: 'NotFound',
  });
});

test('a list in pages is the same list, of objects with their kind', async () => {
  const labels = { list: 'paged' };
  for (let index = 0; index < 5; index += 1)
    await client.create(configMaps, configMap(`page-${index}`, {}, { labels }));
  const pages = [];
  for await (const page of client.list(configMaps, {
    namespace: 'default',
    labelSelector: 'list=paged',
    limit: 2,
  }))
    pages.push(page);
  expect(pages.map(({ items }) => items.map(({ metadata }) => metadata.name))).toEqual([
    ...[['page-0', 'page-1'], ['page-2', 'page-3'], ['page-4']],
  ]);
  expect(new Set(pages.map(({ resourceVersion }) => resourceVersion)).size).toBe(1);
  expect(pages[0]?.items[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
});

test('a watch tells what happens, and ends when the server is asked to end it', async () => {
  const { metadata } = await client.create(configMaps, configMap('watched', {}));
  await client.delete(configMaps, named('watched'));
  const options = {
    namespace: 'default',
    fieldSelector: 'metadata.name=watched',
    timeoutSeconds: 5,
    silenceMs: 30_000,
  };
  const seen: string[] = [];
  for await (const { type } of client.watch(configMaps, {
    ...options,
    resourceVersion: metadata.resourceVersion ?? '',
  }))
    seen.push(type);
  expect(seen.filter((type) => type !== 'BOOKMARK')).toEqual(['DELETED']);
});

test('an apply takes over only what it names, unless it may not by force', async () => {
  await other.apply(configMaps, configMap('applied', { a: 'theirs', b: 'theirs' }));
  const conflict = await failure(
    client.apply(configMaps, configMap('applied', { a: 'ours' }), { force: false }),
  );
  expect(conflict).toMatchObject({ code: 409, reason: 'Conflict' });
  expect(conflict.causes).toEqual([
    expect.objectContaining({ reason: 'FieldManagerConflict', field: '.data.a' }),
  ]);
  const applied = await client.apply<ConfigMap>(configMaps, configMap('applied', { a: 'ours' }));
  expect(applied.data).toEqual({ a: 'ours', b: 'theirs' });
  expect(ownedFieldsOf(applied)).toBe('{"f:data":{"f:a":{}}}');
});

test('an apply or a delete of an object that was made anew since is refused', async () => {
  const first = await client.create(configMaps, configMap('anew', {}));
  await client.delete(configMaps, named('anew'));
  const second = await client.create(configMaps, configMap('anew', {}));
  const { uid = '' } = first.metadata;
  // A uid alone reads as a change of what cannot change; with the resourceVersion it is a conflict.
  const pin = { uid, resourceVersion: first.metadata.resourceVersion };
  expect(await failure(client.apply(configMaps, configMap('anew', {}, { uid })))).toMatchObject({
    code: 422,
  });
  expect(await failure(client.apply(configMaps, configMap('anew', {}, pin)))).toMatchObject({ code: 409 });
  expect(await failure(client.apply(configMaps, configMap('nowhere', {}, pin)))).toMatchObject({ code: 409 });
  expect(await failure(client.delete(configMaps, named('anew'), { uid }))).toMatchObject({ code: 409 });
  const stale = { uid: second.metadata.uid, resourceVersion: first.metadata.resourceVersion };
  expect(await failure(client.delete(configMaps, named('anew'), stale))).toMatchObject({ code: 409 });
  expect((await client.get(configMaps, named('anew'))).metadata.uid).toBe(second.metadata.uid);
  const { uid: now, resourceVersion } = second.metadata;
  await client.delete(configMaps, named('anew'), { uid: now, resourceVersion });
});

test('a merge patch sets and removes what it names, whoever owns it, and not of an object that was made anew', async () => {
  const labels = { theirs: 'x', both: 'x' };
  const { metadata } = await other.apply<ConfigMap>(configMaps, configMap('merge', { a: '1' }, { labels }));
  const patch = {
    ...named('merge'),
    uid: metadata.uid ?? '',
    labels: { theirs: null, both: 'y', ours: 'z' },
  };
  const patched = await client.mergePatch<ConfigMap>(configMaps, { metadata: patch });
  expect(patched.metadata.labels).toEqual({ both: 'y', ours: 'z' });
  expect(patched.data).toEqual({ a: '1' });
  const wrong = { ...patch, uid: '00000000-0000-0000-0000-000000000000' };
  expect(await failure(client.mergePatch(configMaps, { metadata: wrong }))).toMatchObject({ code: 422 });
  expect(await failure(client.mergePatch(configMaps, { metadata: named('none') }))).toMatchObject({
    code: 404,
  });
});

test('an Event is what the API server takes, cut to what it takes', async () => {
  const lines: string[] = [];
  const log = createLogger({ level: 'debug', format: 'json', write: (line) => lines.push(line) });
  const record = createRecordEvent({ instance: 'test', log });
  const regarding = await client.create<ConfigMap>(configMaps, configMap('eventful', {}));
  const happening = { type: 'Warning', reason: 'Tried', action: 'Try', note: 'ü'.repeat(2000) } as const;
  await record(client, regarding, happening);
  await record(client, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'some-node' } }, happening);
  const events: Kind = { ...configMaps, group: 'events.k8s.io', kind: 'Event', plural: 'events' };
  const found: KubeObject[] = [];
  for await (const { items } of client.list(events, { namespace: 'default' })) found.push(...items);
  const ours = found.filter((event) => (event as unknown as { reason: string }).reason === 'Tried');
  expect(ours).toHaveLength(2);
  const { uid } = regarding.metadata;
  expect(ours).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        type: 'Warning',
        regarding: expect.objectContaining({ name: 'eventful', uid }),
      }),
    ]),
  );
  expect(lines).toEqual([]);
  // That it cannot be written is nobody's failure.
  await record(
    client,
    { ...regarding, metadata: { ...regarding.metadata, namespace: 'no-such' } },
    happening,
  );
  expect(lines.join()).toContain('an Event could not be written');
});

test('a status is applied beside the rest', async () => {
  const namespaces: Kind = { ...configMaps, kind: 'Namespace', plural: 'namespaces', namespaced: false };
  const condition = {
    type: 'Tested',
    status: 'True',
    reason: 'x',
    message: 'y',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  const object = { ...{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } }, status: { conditions: [condition] } }; // prettier-ignore
  expect(await client.patchStatus(namespaces, object)).toMatchObject({ status: { phase: 'Active', conditions: [condition] } }); // prettier-ignore
});

test('what the server says of single fields is in the error', async () => {
  const error = await failure(client.create(configMaps, configMap('Bad_Name', {})));
  expect(error).toMatchObject({ code: 422, reason: 'Invalid', causes: [{ field: 'metadata.name' }] });
});

test('a call ends at its deadline, and when it is aborted with the aborter’s reason', async () => {
  expect(await failure(client.get(configMaps, named('x'), { deadlineMs: 0 }))).toMatchObject({ code: 0, reason: 'DeadlineExceeded' }); // prettier-ignore
  const abort = new AbortController();
  const reason = new Error('no more');
  const call = client.get(configMaps, named('x'), { signal: abort.signal });
  abort.abort(reason);
  await expect(call).rejects.toBe(reason);
});

const audited = (name: string): number =>
  readFileSync(plane.auditLog, 'utf8')
    .split('\n')
    .filter((line) => line.includes(`"${name}"`)).length;

test('behind a closed fence nothing is written, and reads go on', async () => {
  const fence = { closed: () => 'not now', signal: new AbortController().signal };
  const fenced = client.fencedBy(fence).fencedBy({ ...fence, closed: () => undefined });
  const object = configMap('fenced', {});
  const calls = [
    ...[
      fenced.create(configMaps, object),
      fenced.apply(configMaps, object),
      fenced.replace(configMaps, object),
    ],
    ...[
      fenced.delete(configMaps, named('fenced')),
      fenced.patchStatus(configMaps, { ...object, status: {} }),
    ],
    fenced.postSubresource(serviceAccounts, named('fenced'), 'token', {}),
  ];
  for (const call of calls) expect(await failure(call)).toMatchObject({ code: 0, reason: 'NotLeader' });
  expect(await failure(fenced.get(configMaps, named('fence-read')))).toMatchObject({ code: 404 });
  // The audit log is written in order: once the read is in it, all that came before is.
  expect(await until(() => audited('fence-read'), (count) => count > 0)).toBeGreaterThan(0); // prettier-ignore
  expect(audited('fenced')).toBe(0);
});

test('a fence that closes while credentials are fetched lets no write leave', async () => {
  let closed: string | undefined;
  class Slow extends KubeConfig {
    override async applyToHTTPSOptions(
      options: Parameters<KubeConfig['applyToHTTPSOptions']>[0],
    ): Promise<void> {
      closed = 'the lease has run out';
      await super.applyToHTTPSOptions(options);
    }
  }
  const config = new Slow();
  config.loadFromFile(plane.kubeconfig);
  const slow = openConnection(config);
  const fence = { closed: () => closed, signal: new AbortController().signal };
  const fenced = createClient({ connection: slow, fieldManager: 'edgebuild', fences: [fence] });
  try {
    expect(await failure(fenced.create(configMaps, configMap('late', {})))).toMatchObject({
      reason: 'NotLeader',
    });
  } finally {
    await slow.close();
  }
});

test('many calls and a watch share one connection', async () => {
  const seen = new Set<string>();
  const own = openConnection(loadKubeConfig({ kubeconfig: plane.kubeconfig }));
  const many = createClient({ connection: own, fieldManager: 'edgebuild', onRequest: ({ code }) => seen.add(String(code)) }); // prettier-ignore
  const port = new URL(plane.url).port;
  const before = socketsTo(port);
  const name = { namespace: 'kube-system', name: 'extension-apiserver-authentication' };
  // Until the first call has found out that the server speaks HTTP/2, undici may open more.
  await many.get(configMaps, name);
  await Promise.all(Array.from({ length: 50 }, () => many.get(configMaps, name)));
  expect(seen).toEqual(new Set(['200']));
  const added = [...socketsTo(port)].filter((socket) => !before.has(socket));
  await own.close();
  expect(added).toHaveLength(1);
});

/** Established connections to a port of loopback, each by its own port. proc(5): 01 is ESTABLISHED. */
const socketsTo = (port: string): ReadonlySet<string> => {
  const hex = Number(port).toString(16).toUpperCase().padStart(4, '0');
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n').map((line) => line.trim().split(/\s+/)); // prettier-ignore
  return new Set(rows.filter(([, , to, state]) => state === '01' && to?.endsWith(`:${hex}`)).map(([, from = '']) => from)); // prettier-ignore
};
