/** Imports from a real registry, tags that point at others, and pushes to the internal registry. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { clusterPrograms } from '../cluster/programs.ts';
import { startRegistry } from '../support/registry.ts';
import { type Fields, imageOf, openSite, type OpenShiftSite } from './control-plane-site.ts';
import { pushImages, pushManifest } from './pushing.ts';

jest.setTimeout(300_000);

const base = '/apis/image.openshift.io/v1/namespaces/demo';
const registry = await startRegistry({}, 'http');
const locked = await startRegistry({ joe: 'canary' }, 'http');
let site: OpenShiftSite;

beforeAll(async () => {
  await clusterPrograms();
  site = await openSite(registry.host);
  await site.plane.kubectl(['create', 'namespace', 'demo']);
}, 3_600_000);

afterAll(() => site.close());

const outside = (repository: string, tag = '1') => ({ host: registry.host, repository, tag });

interface Tag {
  readonly name: string;
  readonly from?: object;
  readonly annotations?: object;
  readonly importPolicy?: object;
  readonly generation?: number;
}

const imported = (name: string, image: string, more: object = {}): Tag => ({
  ...{ name, from: { kind: 'DockerImage', name: `${registry.host}/${image}` } },
  ...{ importPolicy: { importMode: 'Legacy' }, ...more },
});

const preferring = (architecture: string) => ({
  annotations: {
    'importer.image.openshift.io/prefer-arch': architecture,
    'importer.image.openshift.io/prefer-os': 'linux',
  },
});

const apply = (name: string, tags: readonly Tag[]): Promise<Fields> =>
  site.apply({
    ...{ apiVersion: 'image.openshift.io/v1', kind: 'ImageStream', metadata: { namespace: 'demo', name } },
    spec: { tags },
  });

const itemsOf = (stream: Fields, tag: string): readonly Fields[] => {
  const tags = stream['status']?.['tags'] as unknown as readonly Fields[];
  return (tags.find((one) => (one['tag'] as unknown) === tag)?.['items'] ??
    []) as unknown as readonly Fields[];
};

const imageIn = (stream: Fields, tag: string): unknown => itemsOf(stream, tag).at(0)?.['image'];

const untilImported = (name: string, tag: string, image?: string): Promise<Fields> =>
  site.eventually(`${base}/imagestreams/${name}`, (stream) => {
    const found = imageIn(stream, tag);
    return image === undefined ? found !== undefined : found === image;
  });

const architectureOf = async (name: string): Promise<unknown> =>
  (await site.ask('GET', `${base}/imagestreamtags/${name}`)).body?.['image']?.['dockerImageMetadata']?.[
    'Architecture'
  ];

describe('an import', () => {
  test('takes the preferred architecture, and falls back without a word', async () => {
    const { images } = await pushImages(outside('multi'), [imageOf('amd64'), imageOf('arm64')]);
    const tags = ['arm64', 's390x'].map((name) => imported(name, 'multi:1', preferring(name)));
    await apply('preferring', [...tags, imported('none', 'multi:1')]);
    const stream = await untilImported('preferring', 's390x');
    const [amd64, arm64] = images;
    expect(['arm64', 's390x', 'none'].map((tag) => imageIn(stream, tag))).toEqual([arm64, amd64, amd64]);
    expect(await architectureOf('preferring:s390x')).toBe('amd64');
  });

  test('takes the first of a list that has neither', async () => {
    const { images } = await pushImages(outside('odd'), [imageOf('ppc64le'), imageOf('s390x')]);
    await apply('odd', [imported('1', 'odd:1', preferring('arm64'))]);
    expect(imageIn(await untilImported('odd', '1'), '1')).toBe(images[0]);
  });

  test('ignores the preference for what is named by digest', async () => {
    const { digest, images } = await pushImages(outside('pinned'), [
      imageOf('amd64', 'p'),
      imageOf('arm64', 'p'),
    ]);
    await apply('pinned', [
      imported('list', `pinned@${digest}`, preferring('arm64')),
      imported('child', `pinned@${images[1] ?? ''}`),
    ]);
    const stream = await untilImported('pinned', 'list');
    expect(imageIn(stream, 'list')).toBe(images[0]);
    expect(imageIn(stream, 'child')).toBe(images[1]);
  });

  test('is done again for a generation of 0, and not for an annotation', async () => {
    const { images } = await pushImages(outside('again'), [imageOf('amd64', 'a'), imageOf('arm64', 'a')]);
    await apply('again', [imported('1', 'again:1')]);
    const before = await untilImported('again', '1', images[0]);
    // Once the new tag is there, what is to be done for the other has been done.
    await apply('again', [imported('1', 'again:1', preferring('arm64')), imported('new', 'again:1')]);
    const annotated = await untilImported('again', 'new');
    expect(imageIn(annotated, '1')).toBe(images[0]);
    expect(Number(annotated['metadata']?.['generation'])).toBeGreaterThan(
      Number(before['metadata']?.['generation']),
    );
    await apply('again', [imported('1', 'again:1', { ...preferring('arm64'), generation: 0 })]);
    await untilImported('again', '1', images[1]);
  });

  test('is done again by an ImageStreamImport, with what the tag prefers', async () => {
    const { images } = await pushImages(outside('posted'), [imageOf('amd64', 'i'), imageOf('arm64', 'i')]);
    await apply('posted', [imported('1', 'posted:1')]);
    await untilImported('posted', '1', images[0]);
    await apply('posted', [imported('1', 'posted:1', preferring('arm64'))]);
    const { code, body } = await site.ask('POST', `${base}/imagestreamimports`, {
      ...{ apiVersion: 'image.openshift.io/v1', kind: 'ImageStreamImport', metadata: { name: 'posted' } },
      spec: {
        import: true,
        images: [{ from: { kind: 'DockerImage', name: `${registry.host}/posted:1` }, to: { name: '1' } }],
      },
    });
    expect(code).toBe(201);
    expect(body?.['status']?.['images']).toMatchObject([{ status: { status: 'Success' }, tag: '1' }]);
    await untilImported('posted', '1', images[1]);
  });

  test('that fails leaves what was there, and says why', async () => {
    const { digest } = await pushImages(outside('failing'), [imageOf('amd64', 'f')]);
    await apply('failing', [imported('1', 'failing:1')]);
    await untilImported('failing', '1', digest);
    await apply('failing', [imported('1', 'failing:nosuch')]);
    const failed = await site.eventually(`${base}/imagestreams/failing`, ({ status }) =>
      JSON.stringify(status).includes('ImportSuccess'),
    );
    expect(imageIn(failed, '1')).toBe(digest);
    const [tag] = failed['status']?.['tags'] as unknown as readonly Fields[];
    const generation = Number(itemsOf(failed, '1')[0]?.['generation']);
    expect(tag?.['conditions']).toMatchObject([
      {
        ...{ type: 'ImportSuccess', status: 'False', reason: 'NotFound' },
        message: `dockerimage.image.openshift.io "${registry.host}/failing:nosuch" not found`,
      },
    ]);
    expect(Number(tag?.['conditions']?.[0]?.['generation'])).toBeGreaterThan(generation);
    await apply('failing', [imported('1', 'failing:1')]);
    await site.eventually(
      `${base}/imagestreams/failing`,
      ({ status }) => !JSON.stringify(status).includes('ImportSuccess'),
    );
  });

  test('shows the Secrets of the namespace to a registry that asks', async () => {
    const authorization = `Basic ${Buffer.from('joe:canary').toString('base64')}`;
    const to = { host: locked.host, repository: 'private', tag: '1', authorization };
    const { digest } = await pushImages(to, [imageOf('amd64', 'private')]);
    const tag = {
      ...{ name: '1', from: { kind: 'DockerImage', name: `${locked.host}/private:1` } },
      importPolicy: { insecure: true },
    };
    await apply('private', [tag]);
    const refused = await site.eventually(`${base}/imagestreams/private`, ({ status }) =>
      JSON.stringify(status).includes('ImportSuccess'),
    );
    expect(refused['status']?.['tags']?.[0]?.['conditions']).toMatchObject([{ reason: 'Unauthorized' }]);
    const auths = { [locked.host]: { auth: Buffer.from('joe:canary').toString('base64') } };
    const file = `--from-literal=.dockerconfigjson=${JSON.stringify({ auths })}`;
    const { exitCode } = await site.plane.kubectl([
      ...['create', 'secret', 'generic', 'pull', '-n', 'demo', file],
      '--type=kubernetes.io/dockerconfigjson',
    ]);
    expect(exitCode).toBe(0);
    await apply('private', [{ ...tag, generation: 0 }]);
    await untilImported('private', '1', digest);
  });
});

describe('an ImageStream', () => {
  test('that is applied again in the form that the server has does not change', async () => {
    await pushImages(outside('calm'), [imageOf('amd64', 'calm')]);
    const tags = ['b', 'a'].map((name) => imported(name, 'calm:1'));
    await apply('calm', tags);
    const before = await untilImported('calm', 'b');
    const after = await apply('calm', tags);
    expect(after['metadata']).toEqual(before['metadata']);
  });

  test('shows the image that a tag is pointed at, at once, and not twice', async () => {
    const { images } = await pushImages(outside('staged'), [imageOf('amd64', 's'), imageOf('arm64', 's')]);
    await apply('staged', [imported('x', 'staged:1'), imported('arm', 'staged:1', preferring('arm64'))]);
    await untilImported('staged', 'x');
    const from = (digest = '') => ({ kind: 'ImageStreamImage', name: `staged@${digest}` });
    const publish = (digest: string | undefined) =>
      site.apply(
        {
          ...{ apiVersion: 'image.openshift.io/v1', kind: 'ImageStream' },
          metadata: { namespace: 'demo', name: 'staged' },
          spec: { tags: [{ name: 'latest', from: from(digest) }] },
        },
        'publisher',
      );
    expect(imageIn(await publish(images[0]), 'latest')).toBe(images[0]);
    const moved = await publish(images[1]);
    expect(imageIn(moved, 'latest')).toBe(images[1]);
    expect(await architectureOf('staged:latest')).toBe('arm64');
    expect((await publish(images[1]))['metadata']).toEqual(moved['metadata']);
    expect(itemsOf(moved, 'latest').map((item) => item['image'])).toEqual([images[1], images[0]]);
  });

  test('points at no image that it has not, nor at what is no stream', async () => {
    await apply('pointing', []);
    const pointed = (kind: string, name: string) =>
      site.ask(
        'PATCH',
        `${base}/imagestreams/pointing?fieldManager=test&force=true`,
        {
          ...{ apiVersion: 'image.openshift.io/v1', kind: 'ImageStream', metadata: { name: 'pointing' } },
          spec: { tags: [{ name: 'x', from: { kind, name } }] },
        },
        'application/apply-patch+yaml',
      );
    const image = `sha256:${'0'.repeat(64)}`;
    const missing = await pointed('ImageStreamImage', `pointing@${image}`);
    expect(missing.code).toBe(422);
    expect(missing.text).toContain('error generating tag event: imagestreamimage.image.openshift.io');
    expect((await pointed('ImageStreamTag', 'nosuch:1')).code).toBe(422);
    // This one may come later.
    expect((await pointed('ImageStreamTag', 'pointing:later')).code).toBe(200);
  });

  test('has a name that is one of a repository', async () => {
    for (const name of ['two--dashes', 'dot.-dash'])
      await expect(apply(name, [])).rejects.toThrow('must match');
    await expect(apply('one-dash.and-dot', [])).resolves.toBeDefined();
  });

  test('moves a tag that was pushed over only when it is pointed elsewhere', async () => {
    const { images } = await pushImages(outside('over'), [imageOf('amd64', 'o'), imageOf('arm64', 'o')]);
    await apply('over', [imported('x', 'over:1')]);
    await untilImported('over', 'x', images[0]);
    const pointed = (name: string, more: object = {}) =>
      apply('over', [
        imported('x', 'over:1'),
        { name: 'y', from: { kind: 'ImageStreamImage', name }, ...more },
      ]);
    await pointed(`over@${images[0] ?? ''}`);
    const to = { host: site.openShift.registry, repository: 'demo/over', tag: 'y' };
    const { digest } = await pushImages(to, [imageOf('amd64', 'pushed over')]);
    expect(imageIn(await pointed(`over@${images[0] ?? ''}`), 'y')).toBe(digest);
    expect(imageIn(await pointed(`over@${images[0] ?? ''}`, { generation: 0 }), 'y')).toBe(digest);
    // The same in other words is elsewhere.
    expect(imageIn(await pointed(images[0] ?? ''), 'y')).toBe(images[0]);
  });

  test('lets a tag follow another of its own', async () => {
    const first = await pushImages(outside('followed'), [imageOf('amd64', 'first')]);
    await apply('followed', [
      imported('1', 'followed:1'),
      { name: 'alias', from: { kind: 'ImageStreamTag', name: 'followed:1' } },
    ]);
    await untilImported('followed', 'alias', first.digest);
  });

  test('has a status that nobody writes but the server', async () => {
    await apply('mine', []);
    const path = `${base}/imagestreams/mine`;
    const { body } = await site.ask('GET', path);
    const status = { ...body?.['status'], tags: [{ tag: 'forged', items: [] }] };
    expect((await site.ask('PUT', path, { ...body, status })).code).toBe(200);
    expect((await site.ask('GET', path)).body?.['status']).toEqual(body?.['status']);
  });
});

describe('imagestreamtags', () => {
  test('cannot be watched, and a list of them says nothing of architectures', async () => {
    const watched = await site.ask('GET', `${base}/imagestreamtags?watch=true`);
    expect(watched.code).toBe(405);
    const listed = await site.ask('GET', `${base}/imagestreamtags`);
    expect(listed.text).toContain('"preferring:arm64"');
    expect(listed.text).not.toContain('Architecture');
  });

  test('are not found before an import, and not after a deletion', async () => {
    await pushImages(outside('brief'), [imageOf('amd64', 'brief')]);
    await apply('brief', [imported('1', 'brief:1'), imported('absent', 'brief:absent')]);
    await untilImported('brief', '1');
    const absent = await site.ask('GET', `${base}/imagestreamtags/brief:absent`);
    expect(absent.body).toMatchObject({
      ...{ code: 404, reason: 'NotFound' },
      message: 'imagestreamtags.image.openshift.io "brief:absent" not found',
    });
    expect((await site.ask('DELETE', `${base}/imagestreamtags/brief:1`)).code).toBe(200);
    expect((await site.ask('GET', `${base}/imagestreamtags/brief:1`)).code).toBe(404);
  });
});

describe('an image', () => {
  test('is named by its digest, alone and in its stream', async () => {
    const { digest } = await pushImages(outside('named'), [imageOf('arm64', 'named')]);
    await apply('named', [imported('1', 'named:1')]);
    await untilImported('named', '1');
    const alone = await site.ask('GET', `/apis/image.openshift.io/v1/images/${digest}`);
    expect(alone.body).toMatchObject({ apiVersion: 'image.openshift.io/v1', metadata: { name: digest } });
    const within = await site.ask('GET', `${base}/imagestreamimages/named@${digest}`);
    expect(within.body).toMatchObject({
      ...{ kind: 'ImageStreamImage', metadata: { name: `named@${digest}` } },
      image: { dockerImageMetadata: { Architecture: 'arm64' } },
    });
    const nothing = await site.ask('GET', `${base}/imagestreamimages/named@sha256:${'0'.repeat(64)}`);
    expect(nothing.code).toBe(404);
  });
});

describe('the internal registry', () => {
  const inside = (stream: string, tag: string, authorization?: string) => ({
    ...{ host: site.openShift.registry, repository: `demo/${stream}`, tag },
    ...(authorization === undefined ? {} : { authorization }),
  });

  test('moves the tag before it answers', async () => {
    await apply('pushed', []);
    const { digest } = await pushImages(inside('pushed', 'staging'), [imageOf('arm64', 'pushed')]);
    const { body } = await site.ask('GET', `${base}/imagestreamtags/pushed:staging`);
    expect(body).toMatchObject({
      ...{ tag: null, image: { metadata: { name: digest }, dockerImageMetadata: { Architecture: 'arm64' } } },
    });
  });

  test('takes an index of images that it has', async () => {
    await apply('indexed', []);
    const { digest, images } = await pushImages(inside('indexed', '1'), [imageOf('amd64'), imageOf('arm64')]);
    const { body } = await site.ask('GET', `${base}/imagestreamtags/indexed:1`);
    expect(body?.['image']).toMatchObject({
      metadata: { name: digest },
      dockerImageManifests: images.map((image) => ({ digest: image })),
    });
  });

  test('is also the outside: what is no ImageStream passes through', async () => {
    await expect(pushImages(inside('nosuch', '1'), [imageOf('amd64')])).resolves.toBeDefined();
    expect((await site.ask('GET', `${base}/imagestreams/nosuch`)).code).toBe(404);
  });

  test('asks for the rights of whoever shows a token', async () => {
    await apply('guarded', []);
    await site.plane.kubectl(['create', 'serviceaccount', 'pusher', '-n', 'demo']);
    const { stdout: token } = await site.plane.kubectl(['create', 'token', 'pusher', '-n', 'demo']);
    const basic = `Basic ${Buffer.from(`any:${token.trim()}`).toString('base64')}`;
    const push = () => pushImages(inside('guarded', '1', basic), [imageOf('amd64')]);
    await expect(push()).rejects.toThrow('401');
    await site.plane.kubectl([
      ...['create', 'rolebinding', 'pusher', '-n', 'demo', '--clusterrole=system:image-builder'],
      '--serviceaccount=demo:pusher',
    ]);
    const user = 'system:serviceaccount:demo:pusher';
    const stream = ['imagestreams.image.openshift.io', '--subresource=layers', '-n', 'demo'];
    await site.untilAllowed(user, 'update', ...stream);
    await expect(push()).resolves.toBeDefined();
    const manifest = Buffer.from('{}');
    const wrong = inside('guarded', '1', `Basic ${Buffer.from('any:wrong').toString('base64')}`);
    await expect(pushManifest(wrong, '1', manifest, 'application/json')).rejects.toThrow('401');
  });
});
