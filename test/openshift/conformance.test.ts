/** What a real OpenShift answered, and what the stand-in answers to the same: recordings/README.md. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { clusterPrograms } from '../cluster/programs.ts';
import { startRegistry } from '../support/registry.ts';
import { type Fields, imageOf, openSite, type OpenShiftSite } from './control-plane-site.ts';
import { pushImages } from './pushing.ts';

jest.setTimeout(300_000);

const recordings = join(import.meta.dirname, 'recordings');
const recorded = (name: string): unknown =>
  JSON.parse(readFileSync(join(recordings, name), 'utf8')) as unknown;

interface Recorded {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body: object;
}

/** REQUESTS.txt, evaluated by its shell. */
const requests = recorded('errors/requests.json') as readonly Recorded[];

/** Recorded requests that are answered differently. Each would have its line in README.md. */
const knownToDiffer: readonly string[] = [];

interface Difference {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
  readonly type?: string;
  /** What the stand-in answers, and OpenShift does not. */
  readonly code: number;
}

const buildsBase = '/apis/build.openshift.io/v1/namespaces/e2e';
const imagesBase = '/apis/image.openshift.io/v1/namespaces/e2e';

/** As README.md lists them. */
const differences: Readonly<Record<string, readonly Difference[]>> = {
  'strategic merge patches are not taken': [
    {
      ...{ method: 'PATCH', path: `${buildsBase}/buildconfigs/app`, body: {}, code: 415 },
      type: 'application/strategic-merge-patch+json',
    },
  ],
  'imagestreamtags are not created, updated or patched': [
    { method: 'POST', path: `${imagesBase}/imagestreamtags`, body: {}, code: 405 },
    { method: 'PUT', path: `${imagesBase}/imagestreamtags/multi:legacy`, body: {}, code: 405 },
  ],
  'subresources of other uses are not there: builds/log, builds/clone, buildconfigs/instantiatebinary': [
    { method: 'GET', path: `${buildsBase}/builds/app-1/log`, code: 404 },
    { method: 'POST', path: `${buildsBase}/builds/app-1/clone`, body: {}, code: 404 },
    { method: 'POST', path: `${buildsBase}/buildconfigs/app/instantiatebinary`, body: {}, code: 404 },
  ],
  'imagetags and imagestreammappings are not there': [
    { method: 'GET', path: `${imagesBase}/imagetags`, code: 404 },
    { method: 'POST', path: `${imagesBase}/imagestreammappings`, body: {}, code: 404 },
  ],
  'objects are seen under the shadow groups as well': [
    {
      method: 'GET',
      path: buildsBase.replace('openshift.io', 'standin.edgebuild.test') + '/builds',
      code: 200,
    },
  ],
};

const base = '/apis/image.openshift.io/v1/namespaces/e2e';
const registry = await startRegistry({}, 'http');
let site: OpenShiftSite;

beforeAll(async () => {
  await clusterPrograms();
  site = await openSite(registry.host);
  await site.plane.kubectl(['create', 'namespace', 'e2e']);
  const to = (repository: string, tag: string) => ({ host: site.outside, repository, tag });
  await pushImages(to('ext/debian-arm64', 'bookworm'), [imageOf('arm64')]);
  const arm = { listed: { os: 'linux', architecture: 'arm64', variant: 'v8' } };
  await pushImages(to('ext/multi', '1'), [imageOf('amd64'), imageOf('arm64', 'one', arm)]);
  const docker = { docker: true };
  await pushImages(to('ext/multi', '1-v2s2'), [
    imageOf('amd64', 'one', docker),
    imageOf('arm64', 'one', docker),
  ]);
  for (const stream of streamsOf(site.outside)) await site.apply(stream);
  const imported = (seen: Fields): boolean => seen['status']?.['tags']?.[0]?.['items']?.[0] !== undefined;
  await site.eventually(`${base}/imagestreams/debian-arm64`, imported);
  await site.eventually(`${base}/imagestreams/multi`, imported);
  await site.apply(appOf(['ConfigChange', 'ImageChange']));
  await site.eventually(
    '/apis/build.openshift.io/v1/namespaces/e2e/buildconfigs/app',
    ({ status }) => Number(status?.['lastVersion']) === 1,
  );
  // A BuildConfig counts a build just before the build is there.
  await site.eventually(
    '/apis/build.openshift.io/v1/namespaces/e2e/builds',
    ({ items }) => (items as unknown as readonly Fields[]).length > 0,
  );
}, 3_600_000);

afterAll(() => site.close());

const metadata = (name: string) => ({ name, namespace: 'e2e' });

const streamsOf = (registry: string) => {
  const tag = (name: string, image: string, more: object = {}) => ({
    ...{ name, from: { kind: 'DockerImage', name: `${registry}/ext/${image}` } },
    importPolicy: { importMode: 'Legacy', insecure: true },
    ...more,
  });
  const preferring = (arch: string, os?: string) => ({
    annotations: {
      'importer.image.openshift.io/prefer-arch': arch,
      ...(os === undefined ? {} : { 'importer.image.openshift.io/prefer-os': os }),
    },
  });
  const preserve = { importPolicy: { importMode: 'PreserveOriginal', insecure: true } };
  const stream = (name: string, tags: readonly object[]) => ({
    ...{ apiVersion: 'image.openshift.io/v1', kind: 'ImageStream', metadata: metadata(name) },
    spec: { tags },
  });
  return [
    stream('debian-arm64', [tag('bookworm', 'debian-arm64:bookworm')]),
    stream('multi', [
      tag('default', 'multi:1'),
      tag('legacy', 'multi:1'),
      tag('legacy-arm', 'multi:1', preferring('arm64', 'linux')),
      tag('legacy-arm-v2s2', 'multi:1-v2s2', preferring('arm64', 'linux')),
      tag('legacy-s390x', 'multi:1', preferring('s390x')),
      tag('missing', 'nosuch:1'),
      tag('preserve-arm', 'multi:1', { ...preferring('arm64'), ...preserve }),
    ]),
    stream('out', []),
  ];
};

const appOf = (triggers: readonly string[]) => ({
  ...{ apiVersion: 'build.openshift.io/v1', kind: 'BuildConfig' },
  metadata: { ...metadata('app'), labels: { edge: 'yes' } },
  spec: {
    source: { dockerfile: 'FROM debian-arm64:bookworm\nRUN uname -m > /arch\n' },
    strategy: {
      dockerStrategy: { from: { kind: 'ImageStreamTag', name: 'debian-arm64:bookworm' } },
    },
    output: { to: { kind: 'ImageStreamTag', name: 'out:latest' } },
    triggers: triggers.map((type) => (type === 'ImageChange' ? { type, imageChange: {} } : { type })),
  },
});

/** Times, uids, versions, digests and hosts differ by nature; field managers are the API server's own matter. */
const comparable = (value: unknown): unknown => {
  const text = JSON.stringify(value)
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:…')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:]+Z/g, 'TIME')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'HOST');
  return JSON.parse(text, (key, one: unknown) => (varying.has(key) ? undefined : one)) as unknown;
};

const varying = new Set([
  ...['uid', 'resourceVersion', 'managedFields', 'size', 'Size', 'manifestSize', 'Created', 'created'],
  ...['creationTimestamp', 'Config', 'ContainerConfig', 'Container', 'dockerImageLayers'],
]);

/** What the API server adds to what is recorded of `kubectl get`, and the other way round, is nothing. */
const expectAsRecorded = (seen: unknown, file: string): void => {
  expect(comparable(seen)).toEqual(comparable(recorded(file)));
};

const get = async (path: string): Promise<Fields | undefined> => (await site.ask('GET', path)).body;

describe('objects as they were recorded', () => {
  const builds = '/apis/build.openshift.io/v1/namespaces/e2e';

  test('a BuildConfig whose triggers have fired', async () => {
    expectAsRecorded(await get(`${builds}/buildconfigs/app`), 'bc-after-trigger.json');
  });

  test('the one build that ConfigChange and ImageChange started together', async () => {
    const { items } = (await get(`${builds}/builds`)) as unknown as { readonly items: readonly Fields[] };
    expect(items.map(({ metadata: is }) => is?.['name'])).toEqual(['app-1']);
    const { spec } = recorded('build-pending.json') as Fields;
    const { pushSecret: _, ...output } = spec?.['output'] ?? {};
    // The build controller adds the Secret that it pushes with.
    expect(comparable(items[0]?.['spec'])).toEqual(comparable({ ...spec, output }));
  });

  test('the answer of instantiate', async () => {
    const request = {
      ...{ kind: 'BuildRequest', apiVersion: 'build.openshift.io/v1', metadata: { name: 'app' } },
      ...{ triggeredBy: [{ message: 'EdgeBuild test' }], lastVersion: 1 },
    };
    const { code, body } = await site.ask('POST', `${builds}/buildconfigs/app/instantiate`, request);
    expect(code).toBe(201);
    expectAsRecorded(body, 'instantiate-response.json');
  });

  test('ImageStreams after their imports', async () => {
    expectAsRecorded(await get(`${base}/imagestreams/debian-arm64`), 'imagestream-imported.json');
    expectAsRecorded(await get(`${base}/imagestreams/multi`), 'imagestream-multi.json');
  });

  test.each([
    ['debian-arm64:bookworm', 'istag-debian-arm64.json'],
    ['multi:legacy', 'istag-legacy.json'],
    ['multi:legacy-arm', 'istag-legacy-arm.json'],
    ['multi:legacy-arm-v2s2', 'istag-legacy-arm-v2s2.json'],
    ['multi:legacy-s390x', 'istag-legacy-s390x.json'],
    ['multi:preserve-arm', 'istag-preserve-arm.json'],
  ])('the ImageStreamTag %s', async (name, file) => {
    expectAsRecorded(await get(`${base}/imagestreamtags/${name}`), file);
  });

  test('the answer of an ImageStreamImport of what is there already', async () => {
    const image = {
      ...{ from: { kind: 'DockerImage', name: `${registry.host}/ext/multi:1` }, to: { name: 'legacy' } },
      importPolicy: { insecure: true, importMode: 'Legacy' },
    };
    const { code, body } = await site.ask('POST', `${base}/imagestreamimports`, {
      ...{ kind: 'ImageStreamImport', apiVersion: 'image.openshift.io/v1', metadata: { name: 'multi' } },
      spec: { import: true, images: [image] },
    });
    expect(code).toBe(201);
    expectAsRecorded(body, 'imagestreamimport-response.json');
  });

  test('an ImageStream that was pushed to, and its tag', async () => {
    const to = { host: site.openShift.registry, repository: 'e2e/out', tag: 'latest' };
    await pushImages(to, [imageOf('arm64', 'out', { docker: true })]);
    expectAsRecorded(await get(`${base}/imagestreams/out`), 'imagestream-pushed.json');
    expectAsRecorded(await get(`${base}/imagestreamtags/out:latest`), 'istag-out.json');
  });

  test.each(['build', 'image'])('the resources of the group %s', async (group) => {
    expect(await get(`/apis/${group}.openshift.io/v1`)).toEqual(recorded(`discovery-${group}.json`));
  });
});

describe('each recorded request', () => {
  test.each(requests.map((request) => [request.name, request] as const))('%s', async (name, request) => {
    const { method, path, body } = request;
    const wanted = recorded(`errors/${name}.json`) as Fields;
    const answer = await site.ask(method, path, body);
    const code = 'code' in wanted ? Number(wanted['code']) : 201;
    const seen = { code: answer.code, body: comparable(answer.body) };
    if (knownToDiffer.includes(name)) expect(seen).not.toEqual({ code, body: comparable(wanted) });
    else expect(seen).toEqual({ code, body: comparable(wanted) });
  });

  test('is each that there is an answer of, but two', () => {
    const files = readdirSync(join(recordings, 'errors')).filter((file) => file.endsWith('.json'));
    const names = new Set(requests.map(({ name }) => name));
    const others = files.map((file) => file.replace('.json', '')).filter((name) => !names.has(name));
    // Both are tests of their own below.
    expect(others.sort()).toEqual(['forbidden', 'requests', 'ssa-conflict']);
  });

  test('an unknown field is warned about in a header', async () => {
    const body = { ...appOf([]), metadata: metadata('warned'), spec: { ...appOf([]).spec, bogusField: 1 } };
    const path = '/apis/build.openshift.io/v1/namespaces/e2e/buildconfigs';
    const { code, headers } = await site.ask('POST', path, body);
    expect({ code, warning: headers['warning'] }).toEqual({
      ...{ code: 201, warning: '299 - "unknown field \\"spec.bogusField\\""' },
    });
  });

  test('whoever has no right to a BuildConfig', async () => {
    const dev = await site.as(await site.plane.kubeconfigFor({ user: 'dev' }));
    const path = '/apis/build.openshift.io/v1/namespaces/e2e/buildconfigs';
    const { code, body } = await dev('POST', path, appOf([]));
    expect({ code, body }).toEqual({ code: 403, body: recorded('errors/forbidden.json') });
  });

  test('fields that another manager owns', async () => {
    const path = `${base}/imagestreams/multi`;
    const stream = (await get(path)) ?? {};
    await site.ask('PUT', `${path}?fieldManager=kubectl-replace`, legacyAs(stream, 'PreserveOriginal'));
    const applied = {
      ...{ apiVersion: 'image.openshift.io/v1', kind: 'ImageStream', metadata: metadata('multi') },
      spec: { tags: [{ name: 'legacy', importPolicy: { importMode: 'Legacy' } }] },
    };
    const how = `${path}?fieldManager=other`;
    const { code, body } = await site.ask('PATCH', how, applied, 'application/apply-patch+yaml');
    expect({ code, body }).toEqual({ code: 409, body: recorded('errors/ssa-conflict.json') });
  });
});

const legacyAs = (stream: Fields, importMode: string): object => {
  const tags = (stream['spec']?.['tags'] ?? []) as unknown as readonly Fields[];
  return {
    ...stream,
    spec: {
      ...stream['spec'],
      tags: tags.map((tag) =>
        (tag['name'] as unknown) === 'legacy'
          ? { ...tag, importPolicy: { ...tag['importPolicy'], importMode } }
          : tag,
      ),
    },
  };
};

describe('known to differ', () => {
  test.each(Object.entries(differences))('%s', async (_, requestsOfIt) => {
    for (const { method, path, body, type, code } of requestsOfIt)
      expect((await site.ask(method, path, body, type)).code).toBe(code);
  });

  const owned = 'the import controller owns the fields that it writes';
  test(owned, async () => {
    const stream = await get(`${base}/imagestreams/debian-arm64`);
    expect(JSON.stringify(stream?.['metadata']?.['managedFields'])).toContain('openshift-controller-manager');
  });

  test('is said in README.md', () => {
    const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
    const [, tested = ''] = /with a test of the same name[^:]*?:\n\n((?:- .*\n)+)/.exec(readme) ?? [];
    const lines = tested
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(2));
    expect(lines.sort()).toEqual([...Object.keys(differences), owned, ...knownToDiffer].sort());
  });
});
