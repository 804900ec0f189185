import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { bytesOf, conditionOf, inline, newWorkshop, platformOf } from '../support/workshop.ts';

const shop = newWorkshop();
const every = shop.base('every', { platform: 'linux/arm64' }, { platform: 'linux/s390x' });
const base = ['--base', `base=${every}`];
const spec = (text = 'one') => inline('FROM base', `RUN echo ${text} >/file`, 'CMD ["/bin/cat", "/file"]');

const configAt = async (reference: string): Promise<unknown> =>
  JSON.parse((await execa('skopeo', ['--override-arch=arm64', 'inspect', '--config', reference])).stdout);
const arm64 = { os: 'linux', architecture: 'arm64', config: { Cmd: ['/bin/cat', '/file'] } };

describe('an image is written so that skopeo reads it', () => {
  test.each(['oci-archive', 'docker-archive', 'oci'])('as %s', async (transport) => {
    const to = `${transport}:${shop.path(`as-${transport}`)}`;
    const ended = await shop.build(spec(), [...base, '--to', to]);
    expect(ended.status).toBe(0);
    expect(await configAt(to)).toMatchObject(arm64);
    expect(ended.object.status?.image?.reference).toBe(`${to}@${platformOf(ended).digest ?? ''}`);
    const judged = await shop.edgebuild(['verify', to, '--platform', 'linux/arm64']);
    expect(judged.status).toBe(0);
    expect(await shop.remains()).toEqual([]);
  });

  test('in an archive it bears the name that podman load gives it', async () => {
    await shop.build({ ...spec(), output: { image: 'quay.io/acme/web:1.2' } }, [
      ...base,
      '--to',
      `oci-archive:${shop.path('named')}`,
    ]);
    const { stdout } = await execa('tar', [
      '--extract',
      '--to-stdout',
      `--file=${shop.path('named')}`,
      'index.json',
    ]);
    expect(stdout).toContain('"org.opencontainers.image.ref.name":"quay.io/acme/web:1.2"');
    await shop.build({ ...spec(), output: { image: 'quay.io/acme/web:1.2' } }, [
      ...base,
      '--to',
      `docker-archive:${shop.path('docker')}`,
    ]);
    const docker = await execa('skopeo', [
      'inspect',
      '--raw',
      `docker-archive:${shop.path('docker')}:quay.io/acme/web:1.2`,
    ]);
    expect(docker.exitCode).toBe(0);
  });

  test('twice the same is the same image', async () => {
    const digests = [];
    for (const name of ['first', 'second']) {
      digests.push(
        platformOf(await shop.build(spec('again'), [...base, '--to', `oci-archive:${shop.path(name)}`]))
          .digest,
      );
    }
    expect(digests[0]).toBe(digests[1]);
    expect(bytesOf(shop.path('first'))?.equals(bytesOf(shop.path('second')) ?? Buffer.alloc(0))).toBe(true);
  });

  test('an archive can be read by others, as files are', async () => {
    await shop.build(spec(), [...base, '--to', `oci-archive:${shop.path('modes')}`]);
    expect(statSync(shop.path('modes')).mode & 0o777).toBe(0o644);
  });
});

describe('an OCI layout that is there', () => {
  const layout = shop.path('layout');
  const blobs = (): string[] => readdirSync(`${layout}/blobs/sha256`).toSorted();
  const build = (text: string, name: string, given: object = {}) =>
    shop.build({ ...spec(text), output: { image: name }, ...given }, [...base, '--to', `oci:${layout}`]);

  test('gets the new image beside those of other names, and in the place of its own', async () => {
    const other = platformOf(await build('other', 'localhost/other:1')).digest;
    await build('old', 'localhost/mine:1');
    const mine = platformOf(await build('new', 'localhost/mine:1')).digest;
    const { manifests } = JSON.parse(String(bytesOf(`${layout}/index.json`))) as {
      manifests: { digest: string }[];
    };
    expect(manifests.map(({ digest }) => digest)).toEqual([other, mine]);
    expect(await configAt(`oci:${layout}:localhost/other:1`)).toMatchObject(arm64);
  });

  test('is as it was after a build that fails, or is not verified', async () => {
    const before = [bytesOf(`${layout}/index.json`), blobs()];
    for (const given of [inline('FROM base', 'RUN false'), { verify: { command: ['false'] } }]) {
      expect((await build('unwanted', 'localhost/mine:1', given)).status).toBe(1);
      expect([bytesOf(`${layout}/index.json`), blobs()]).toEqual(before);
    }
    expect(await shop.remains()).toEqual([]);
  });
});

describe('a destination that cannot be written ends with 1, and is as it was', () => {
  test('a device that is full', async () => {
    const small = shop.path('small');
    const mounted = `mkdir -p ${small} && mount -t tmpfs -o size=256k tmpfs ${small} && echo old >${small}/app.tar && "$@"; status=$?; ls -A ${small} >&2; cat ${small}/app.tar >&2; exit $status`;
    const ended = await shop.build(spec(), [...base, '--to', `oci-archive:${small}/app.tar`], {
      within: [
        'unshare',
        ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
        '--mount',
        'sh',
        '-c',
        `mkdir -p ${small}; ${mounted}`,
        'sh',
      ],
    });
    expect(conditionOf(ended, 'Published')).toMatchObject({ status: 'False', reason: 'DiskFull' });
    expect(ended.stderr).toMatch(/\napp\.tar\nold\n$/);
    expect(ended.status).toBe(1);
    expect(await shop.remains()).toEqual([]);
  });
});

describe('a destination that is there stays byte for byte as it was', () => {
  const old = Buffer.from('what was there before');
  const platforms = ['linux/arm64', 'linux/s390x'];
  const notVerified = inline('FROM base', 'CMD ["/nothing"]');

  test.each<[string, string, object]>([
    ['a docker-archive whose image is not verified', 'docker-archive', notVerified],
    [
      'an oci-archive, where all platforms are to be published and one fails',
      'oci-archive',
      { ...inline('FROM base', 'RUN [ "$(uname -m)" != s390x ]'), platforms },
    ],
  ])('%s', async (_, transport, given) => {
    const file = shop.write('kept.tar', old);
    const ended = await shop.build({ ...given }, [...base, '--to', `${transport}:${file}`]);
    expect(ended.status).toBe(1);
    expect(conditionOf(ended, 'Published')).toMatchObject({ status: 'False', reason: 'NotPublished' });
    expect(bytesOf(file)).toEqual(old);
    expect(await shop.remains()).toEqual([]);
  });

  test('and several platforms become one index in an OCI layout too', async () => {
    const to = `oci:${shop.path('several')}`;
    const ended = await shop.build({ ...spec(), platforms }, [...base, '--to', to]);
    expect(ended.status).toBe(0);
    const { stdout } = await execa('skopeo', ['inspect', '--raw', to]);
    const { manifests } = JSON.parse(stdout) as { manifests: { digest: string }[] };
    expect(manifests.map(({ digest }) => digest)).toEqual(
      ended.object.status?.platforms?.map(({ digest }) => digest),
    );
    expect(await configAt(to)).toMatchObject(arm64);
  });
});

describe('a destination that cannot be written is refused with 2 before any work', () => {
  const refused = async (to: string, within: readonly string[] = []): Promise<void> => {
    const ended = await shop.build(spec(), [...base, '--to', to], { within });
    expect([ended.status, ended.stdout]).toEqual([2, '']);
    expect(ended.stderr).toContain(`--to ${to}: `);
    expect(ended.stderr).not.toMatch(/step 1\/|This is a bug/);
    expect(await shop.remains()).toEqual([]);
  };

  test.each(['oci-archive', 'docker-archive', 'oci'])(
    '%s in a directory that is absent',
    async (transport) => {
      await refused(`${transport}:${shop.path('absent/app')}`);
    },
  );

  test('a directory on a file system that is read-only', async () => {
    const place = shop.path('read-only');
    mkdirSync(place);
    const readOnly = `mount -t tmpfs -o ro tmpfs ${place} && exec "$@"`;
    const user = process.getuid?.() === 0 ? [] : ['--map-root-user'];
    await refused(`oci-archive:${place}/app.tar`, [
      'unshare',
      ...user,
      '--mount',
      'sh',
      '-c',
      readOnly,
      'sh',
    ]);
  });
});
