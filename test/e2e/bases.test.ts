import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { chmodSync, truncateSync } from 'node:fs';
import { writeArchive } from '../support/images.ts';
import { baseImages } from '../support/bases.ts';
import { bytesOf, conditionOf, inline, newWorkshop, platformOf } from '../support/workshop.ts';

const shop = newWorkshop();
const good = baseImages({ platform: 'linux/arm64' });
const path = (reference: string): string => reference.replace('oci-archive:', '');

const build = (reference: string, options: Parameters<typeof shop.build>[2] = {}) =>
  shop.build(inline('FROM web:1', 'RUN uname -m'), ['--base', `web:1=${reference}`], options);

describe('a base image whose configuration says amd64 and whose programs are for arm64', () => {
  test('is used with a warning, and the image that is built says what it is', async () => {
    const ended = await build(shop.base('mislabelled', { platform: 'linux/amd64', programs: 'linux/arm64' }));
    expect(ended.status).toBe(0);
    expect(ended.stderr).toMatch(/warning.*web:1.*arm64.*linux\/amd64/);
    const { stdout } = await execa('skopeo', [
      'inspect',
      '--config',
      `oci-archive:${shop.path('app.oci.tar')}`,
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ os: 'linux', architecture: 'arm64' });
  });
});

describe('a base image that cannot be used ends the build before its first step, and nothing is published', () => {
  const half = (): string => {
    const reference = shop.base('truncated', { platform: 'linux/arm64' });
    truncateSync(path(reference), 700_000);
    return reference;
  };
  /** One byte of the layer differs from its digest. */
  const corrupt = (): string => {
    const stored = new Map(good);
    const [name, bytes] = [...good].reduce((most, one) => (one[1].length > most[1].length ? one : most));
    const broken = Buffer.from(bytes);
    broken[broken.length >> 1] = (broken[broken.length >> 1] ?? 0) ^ 0xff;
    stored.set(name, broken);
    return `oci-archive:${writeArchive(shop.path('corrupt.tar'), stored)}`;
  };
  const noArchive = (): string => {
    const file = shop.write('no.tar', Buffer.alloc(100_000, 'x'));
    return `oci-archive:${file}`;
  };

  test.each<[string, () => string, string, readonly string[]]>([
    ['absent', () => `oci-archive:${shop.path('absent.tar')}`, 'BaseImageUnavailable', ['absent.tar']],
    ['absent, as a layout', () => `oci:${shop.path('absent')}`, 'BaseImageUnavailable', ['absent']],
    ['truncated', half, 'BaseImageCorrupt', ['truncated.base.tar']],
    ['corrupt: a layer differs from its digest', corrupt, 'BaseImageCorrupt', ['corrupt.tar', 'sha256:']],
    ['no archive at all', noArchive, 'BaseImage', ['no.tar']],
    ['a directory', () => `oci-archive:${shop.directory}`, 'BaseImage', [shop.directory]],
    [
      'of the wrong architecture, naming both',
      () => shop.base('s390x', { platform: 'linux/s390x' }),
      'BaseImageWrongArchitecture',
      ['s390x', 'linux/arm64'],
    ],
    [
      'of the wrong architecture, whatever its configuration says',
      () => shop.base('liar', { platform: 'linux/arm64', programs: 'linux/ppc64le' }),
      'BaseImageWrongArchitecture',
      ['ppc64le', 'linux/arm64'],
    ],
    [
      'a list without the platform',
      () => shop.base('list', { platform: 'linux/s390x' }, { platform: 'linux/ppc64le' }),
      'BaseImageWrongArchitecture',
      ['linux/s390x', 'linux/arm64'],
    ],
    [
      'on a registry that is not there',
      () => 'docker://127.0.0.1:1/web:1',
      'RegistryUnreachable',
      ['127.0.0.1:1/web:1'],
    ],
  ])('%s', async (_, reference, reason, words) => {
    const old = Buffer.from('what was there before');
    shop.write('app.oci.tar', old);
    const ended = await build(reference());
    const { message } = platformOf(ended);
    expect(platformOf(ended)).toMatchObject({ state: 'Failed', reason: expect.stringContaining(reason) });
    for (const word of ['web:1', ...words]) expect(message).toContain(word);
    expect(conditionOf(ended, 'BaseImagesReady')?.status).toBe('False');
    expect(conditionOf(ended, 'Published')?.status).toBe('False');
    expect(ended.stderr).not.toMatch(/This is a bug|step 1\//);
    expect(ended.status).toBe(1);
    expect(bytesOf(shop.path('app.oci.tar'))).toEqual(old);
    expect(await shop.remains()).toEqual([]);
  });

  test('unreadable for this user', async () => {
    const reference = shop.base('closed', { platform: 'linux/arm64' });
    chmodSync(path(reference), 0);
    // Root reads everything: without the capability to, it is a user like others.
    const within =
      process.getuid?.() === 0
        ? [
            'setpriv',
            '--bounding-set=-dac_override,-dac_read_search',
            '--inh-caps=-dac_override,-dac_read_search',
          ]
        : [];
    const ended = await build(reference, { within });
    expect(platformOf(ended)).toMatchObject({ reason: 'BaseImageUnavailable' });
    expect(platformOf(ended).message).toMatch(/closed\.base\.tar.*(EACCES|permission denied)/i);
    expect(ended.status).toBe(1);
  });

  test('and one that was good once is judged again when its file changes', async () => {
    const reference = shop.base('changing', { platform: 'linux/arm64' });
    expect((await build(reference)).status).toBe(0);
    const changed = baseImages({ platform: 'linux/s390x' });
    writeArchive(path(reference), changed);
    expect(platformOf(await build(reference))).toMatchObject({ reason: 'BaseImageWrongArchitecture' });
  });
});

test('a --base that no FROM names is told, and fails nothing', async () => {
  const ended = await shop.build(inline('FROM web:1'), [
    ...['--base', `web:1=${shop.base('arm64', { platform: 'linux/arm64' })}`],
    ...['--base', `wbe:1=oci-archive:${shop.path('nothing')}`],
  ]);
  expect(ended.status).toBe(0);
  expect(ended.stderr).toContain('--base wbe:1: no FROM of the Dockerfile is wbe:1');
});
