import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { platformOf } from '../../src/api/platforms.ts';
import { openImages } from '../../src/image/open.ts';
import { failure } from '../../src/image/skopeo.ts';
import { verifyImage } from '../../src/image/verify.ts';
import { freePorts } from '../cluster/ports.ts';
import { newDirectory, removeDirectories } from '../support/directories.ts';
import { elfFile, layoutOf, tar, writeDirectory, type ImageRecipe } from '../support/images.ts';

const arm64 = platformOf('linux/arm64');
const recipe = (name: 'linux/arm64' | 'linux/s390x', more: Partial<ImageRecipe> = {}): ImageRecipe => ({
  architecture: platformOf(name).architecture,
  config: { Cmd: ['/app'] },
  layers: [tar([{ name: 'app', body: elfFile(platformOf(name).elf), mode: 0o755 }])],
  ...more,
});

describe('what skopeo says is classed', () => {
  test.each([
    [
      'connection refused',
      'time="x" level=fatal msg="pinging container registry 127.0.0.1:1: Get \\"https://127.0.0.1:1/v2/\\": dial tcp 127.0.0.1:1: connect: connection refused"',
      'NetworkFailed',
    ],
    ['no such host', 'level=fatal msg="lookup nosuch.invalid on 10.0.0.1:53: no such host"', 'NetworkFailed'],
    ['unauthorized', 'level=fatal msg="unauthorized: authentication required"', 'AuthenticationFailed'],
    [
      'denied',
      'level=fatal msg="denied: requested access to the resource is denied"',
      'AuthenticationFailed',
    ],
    [
      'manifest unknown',
      'level=fatal msg="reading manifest x in y: manifest unknown: manifest unknown"',
      'ImageNotFound',
    ],
    [
      'no image of the name',
      'level=fatal msg="reference \\"x\\" does not resolve to an image ID: identifier is not an image"',
      'ImageNotFound',
    ],
    ['what nobody knows', 'level=fatal msg="the moon is full"', 'CopyFailed'],
    ['nothing', '', 'CopyFailed'],
  ])('%s', (_, stderr, code) => {
    expect(failure(stderr, 'docker://x/y')).toMatchObject({
      code,
      message: expect.stringMatching(/^docker:\/\/x\/y: /) as unknown,
    });
  });

  test('credentials in an address are blanked', () => {
    expect(
      failure('level=fatal msg="Get https://me:secret@host/v2: EOF"', 'docker://x').message,
    ).not.toContain('secret');
  });
});

describe('an image of a registry', () => {
  let registry: ChildProcess;
  let address = '';
  let env: Record<string, string> = {};
  const directory = newDirectory();
  const temporary = newDirectory();
  const layout = writeDirectory(
    newDirectory(),
    layoutOf(
      [
        recipe('linux/arm64', { docker: true, listed: { os: 'linux', architecture: 'arm64' } }),
        recipe('linux/s390x', { listed: { os: 'linux', architecture: 's390x' } }),
      ],
      { nested: true },
    ),
  );

  beforeAll(async () => {
    const [port = 0] = await freePorts(1);
    address = `127.0.0.1:${port}`;
    writeFileSync(
      join(directory, 'registry.yml'),
      `version: 0.1\nlog: {level: error}\nstorage: {inmemory: {}}\nhttp: {addr: '${address}'}\n`,
    );
    mkdirSync(join(directory, '.config/containers'), { recursive: true });
    writeFileSync(
      join(directory, '.config/containers/registries.conf'),
      `[[registry]]\nlocation = "${address}"\ninsecure = true\n`,
    );
    env = {
      PATH: '/usr/bin:/bin',
      HOME: directory,
      TMPDIR: temporary,
    };
    registry = spawn('docker-registry', ['serve', join(directory, 'registry.yml')], {
      stdio: 'ignore',
      env: {},
    });
    for (let i = 0; i < 100; i += 1) {
      if (
        await fetch(`http://${address}/v2/`).then(
          ({ ok }) => ok,
          () => false,
        )
      )
        break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    execFileSync(
      'skopeo',
      ['copy', '--all', '--quiet', '--preserve-digests', `oci:${layout}`, `docker://${address}/list:v1`],
      { env, stdio: 'pipe' },
    );
  }, 60_000);

  afterAll(async () => {
    const gone = once(registry, 'exit');
    registry.kill();
    await gone;
    removeDirectories();
  });

  test('of a list, the one for the platform is copied, its digest the registry’s, and nothing stays', async () => {
    const reference = `docker://${address}/list:v1`;
    const source = await openImages(reference, { env });
    expect(source.images.map(({ platform }) => platform?.architecture)).toEqual(['arm64', 's390x']);
    const image = await source.select(arm64);
    expect(image.digest).toBe(source.images[0]?.digest);
    expect((await verifyImage(image, arm64)).passed).toBe(true);
    expect(readdirSync(temporary)).toHaveLength(1);
    await source.close();
    expect(readdirSync(temporary)).toEqual([]);
    await expect(
      (await openImages(reference, { env })).select(platformOf('linux/386')),
    ).rejects.toMatchObject({ code: 'NoSuchPlatform' });
  }, 60_000);

  test('a name that is not there is not found', async () => {
    await expect(openImages(`docker://${address}/nope:v1`, { env })).rejects.toMatchObject({
      code: 'ImageNotFound',
    });
  }, 60_000);

  test('a registry that does not answer is a failure of the network', async () => {
    const [port = 0] = await freePorts(1);
    await expect(openImages(`docker://127.0.0.1:${port}/a:b`, { env })).rejects.toMatchObject({
      code: 'NetworkFailed',
    });
  }, 60_000);

  test('without skopeo it is said what is missing', async () => {
    await expect(openImages('docker://127.0.0.1/a', { env: { PATH: '/nonexistent' } })).rejects.toMatchObject(
      { code: 'ProgramMissing' },
    );
  });

  test('an image of containers-storage is read with the digest the storage has', async () => {
    const storage = newDirectory();
    writeFileSync(
      join(storage, 'storage.conf'),
      `[storage]\ndriver = "vfs"\ngraphroot = "${storage}/graph"\nrunroot = "${storage}/run"\n`,
    );
    const mine = { ...env, CONTAINERS_STORAGE_CONF: join(storage, 'storage.conf') };
    execFileSync(
      'skopeo',
      [
        'copy',
        '--quiet',
        '--override-arch',
        'arm64',
        `docker://${address}/list:v1`,
        'containers-storage:localhost/a/b:c',
      ],
      { env: mine, stdio: 'pipe' },
    );
    expect(existsSync(join(storage, 'graph'))).toBe(true);
    const source = await openImages('containers-storage:localhost/a/b:c', { env: mine });
    const image = await source.select(arm64);
    const { Digest } = JSON.parse(
      execFileSync('skopeo', ['inspect', 'containers-storage:localhost/a/b:c'], { env: mine }).toString(),
    ) as { Digest: string };
    expect(image.digest).toBe(Digest);
    expect((await verifyImage(image, arm64)).passed).toBe(true);
    await source.close();
    expect(readdirSync(temporary).filter((name) => name.startsWith('edgebuild-image-'))).toEqual([]);
  }, 60_000);
});
