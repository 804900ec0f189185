import { beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { readFileSync } from 'node:fs';
import { startRegistry } from '../support/registry.ts';
import { conditionOf, inline, newWorkshop, platformOf } from '../support/workshop.ts';

const shop = newWorkshop();
const open = await startRegistry();
const password = 'correct horse battery';
const closed = await startRegistry({ anna: password });
const plain = await startRegistry({}, 'http');
const every = shop.base('every', { platform: 'linux/arm64' }, { platform: 'linux/s390x' });
const base = ['--base', `base=${every}`];
const spec = inline('FROM base', 'CMD ["/bin/true"]');
const trusting = ({ registriesConf }: typeof open) => ({
  environment: { CONTAINERS_REGISTRIES_CONF: registriesConf },
});

const digestAt = async (reference: string, ...args: readonly string[]): Promise<string> =>
  (
    await execa('skopeo', [
      'inspect',
      '--tls-verify=false',
      ...args,
      '--format={{.Digest}}',
      `docker://${reference}`,
    ])
  ).stdout;

describe('--push to a registry', () => {
  test('sends an index of all platforms, and the object has its reference and digest', async () => {
    const image = `${open.host}/team/app:1.0`;
    const ended = await shop.build(
      { ...spec, platforms: ['linux/arm64', 'linux/s390x'], output: { image } },
      [...base, '--push'],
      trusting(open),
    );
    expect(ended.status).toBe(0);
    const digest = ended.object.status?.image?.digest ?? '';
    expect(ended.object.status?.image?.reference).toBe(`${image}@${digest}`);
    const { stdout } = await execa('skopeo', ['inspect', '--tls-verify=false', '--raw', `docker://${image}`]);
    const { manifests } = JSON.parse(stdout) as { manifests: { digest: string }[] };
    expect(manifests.map((one) => one.digest)).toEqual(
      ended.object.status?.platforms?.map((one) => one.digest),
    );
    const judged = await shop.edgebuild(
      ['verify', `docker://${image}`, '--platform', 'linux/s390x'],
      trusting(open),
    );
    expect(judged.status).toBe(0);
    expect(await shop.remains()).toEqual([]);
  });

  test('moves the tag, and a base can come from there by its name in the Dockerfile', async () => {
    const image = `${open.host}/team/base:latest`;
    const push = [...base, '--to', `docker://${image}`];
    const first = await shop.build(spec, push, trusting(open));
    const second = await shop.build({ ...inline('FROM base', 'RUN echo new') }, push, trusting(open));
    const digests = [first, second].map((ended) => platformOf(ended).digest);
    expect(digests[0]).not.toBe(digests[1]);
    expect(await digestAt(image, '--override-arch=arm64')).toBe(digests[1]);
    const child = await shop.build(inline(`FROM ${image}`, 'RUN uname -m'), [], {
      ...trusting(open),
      name: 'child',
    });
    expect(platformOf(child).message).toMatch(/^built in /);
    expect(child.stderr).toContain('| aarch64');
  });

  test('uses --authfile, and the user’s own credentials', async () => {
    const image = `${closed.host}/app:1`;
    const pushed = await shop.build(
      { ...spec, output: { image } },
      [...base, '--push', '--authfile', closed.authfile('anna', password)],
      trusting(closed),
    );
    expect(platformOf(pushed).message).toMatch(/^built in /);
    expect(pushed.status).toBe(0);
    shop.write('home/.docker/config.json', readFileSync(closed.authfile('anna', password)), 0o600);
    const { environment } = trusting(closed);
    const again = await shop.build({ ...spec, output: { image } }, [...base, '--push'], {
      environment: { ...environment, HOME: shop.path('home') },
    });
    expect(again.status).toBe(0);
    expect(await digestAt(image, '--override-arch=arm64', `--creds=anna:${password}`)).toBe(
      platformOf(again).digest,
    );
  });
});

describe('a push that fails ends with 1 and is told; the image is not there', () => {
  test.each([
    ['a wrong password', () => ['--authfile', closed.authfile('anna', 'wrong-secret-word')]],
    ['no password', () => ['--authfile', shop.write('none.json', '{}')]],
  ])('%s, and nothing of it is in any output', async (_, args) => {
    const image = `${closed.host}/refused:1`;
    const ended = await shop.build(
      { ...spec, output: { image } },
      [...base, '--push', ...args()],
      trusting(closed),
    );
    expect(ended.status).toBe(1);
    expect(conditionOf(ended, 'Published')).toMatchObject({ status: 'False', reason: 'PublishFailed' });
    expect(conditionOf(ended, 'Published')?.message).toContain(image);
    expect(conditionOf(ended, 'Built')?.status).toBe('True');
    expect(`${ended.stdout}${ended.stderr}`).not.toMatch(/wrong-secret-word|YW5uYTp/);
    await expect(digestAt(image, `--creds=anna:${password}`)).rejects.toThrow(
      /manifest unknown|name unknown/,
    );
    expect(await shop.remains()).toEqual([]);
  });

  test('a registry that is not there', async () => {
    const image = '127.0.0.1:1/app:1';
    const ended = await shop.build({ ...spec, output: { image } }, [...base, '--push']);
    expect(ended.status).toBe(1);
    expect(conditionOf(ended, 'Published')).toMatchObject({ status: 'False', reason: 'NetworkFailed' });
    expect(conditionOf(ended, 'Published')?.message).toMatch(/127\.0\.0\.1:1\/app:1.*connection refused/);
    expect(await shop.remains()).toEqual([]);
  });

  test('a certificate that nobody vouches for', async () => {
    const ended = await shop.build({ ...spec, output: { image: `${open.host}/untrusted:1` } }, [
      ...base,
      '--push',
    ]);
    expect(ended.status).toBe(1);
    expect(conditionOf(ended, 'Published')?.message).toMatch(/certificate/);
  });
});

describe('a base image in a registry', () => {
  const image = `${closed.host}/team/base:1`;
  const credentials = ['--authfile', closed.authfile('anna', password)];
  const of = (named: string) => ({
    ...inline('FROM debian:12', 'RUN uname -m'),
    baseImages: [{ from: 'debian:12', image: named }],
  });
  beforeAll(async () => {
    const pushed = await shop.build(
      { ...spec, platforms: ['linux/arm64', 'linux/s390x'] },
      [...base, '--to', `docker://${image}`, ...credentials],
      trusting(closed),
    );
    expect(pushed.status).toBe(0);
  });

  test('is named by spec.baseImages, and pulled with the password for the platform', async () => {
    const ended = await shop.build(of(image), credentials, { ...trusting(closed), name: 'child' });
    expect(platformOf(ended).message).toMatch(/^built in /);
    expect(ended.stderr).toContain('| aarch64');
    expect(ended.status).toBe(0);
    expect(await shop.remains()).toEqual([]);
  });

  test.each([
    ['with a tag that is not there', `${closed.host}/team/base:absent`, credentials],
    ['with a wrong password', image, ['--authfile', closed.authfile('anna', 'wrong-secret-word')]],
  ])('%s is BaseImageUnavailable, told by name and without the password', async (_, named, given) => {
    const ended = await shop.build(of(named), [...given, '--no-cache'], {
      ...trusting(closed),
      name: 'child',
    });
    expect(platformOf(ended)).toMatchObject({ state: 'Failed', reason: 'BaseImageUnavailable' });
    expect(platformOf(ended).message).toContain(named);
    expect(`${ended.stdout}${ended.stderr}`).not.toMatch(/wrong-secret-word|YW5uYTp|correct horse/);
    expect(ended.status).toBe(1);
    expect(await shop.remains()).toEqual([]);
  });

  test('is judged by edgebuild verify, every platform of it, with the password only', async () => {
    const verify = (given: readonly string[]) =>
      shop.edgebuild(['verify', `docker://${image}`, '-o', 'json', ...given], trusting(closed));
    const judged = await verify(credentials);
    expect(judged.status).toBe(0);
    expect(JSON.parse(judged.stdout)).toMatchObject({ passed: true, images: [{}, {}] });
    const wrong = await verify(['--authfile', closed.authfile('anna', 'wrong-secret-word')]);
    expect(wrong.status).toBe(1);
    expect(`${wrong.stdout}${wrong.stderr}`).not.toMatch(/wrong-secret-word|YW5uYTp/);
  });
});

test('a registry of plain http, which registries.conf allows, is pushed to and judged', async () => {
  const to = `docker://${plain.host}/app:1`;
  const ended = await shop.build(spec, [...base, '--to', to], trusting(plain));
  expect(ended.status).toBe(0);
  expect(await digestAt(`${plain.host}/app:1`, '--override-arch=arm64')).toBe(platformOf(ended).digest);
  expect((await shop.edgebuild(['verify', to], trusting(plain))).status).toBe(0);
  expect(await shop.remains()).toEqual([]);
});
