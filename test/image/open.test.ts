import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { platformOf, type PlatformName } from '../../src/api/platforms.ts';
import { ImageError } from '../../src/image/errors.ts';
import { openImages } from '../../src/image/open.ts';
import { verifyImage, type VerificationReport } from '../../src/image/verify.ts';
import { newDirectory, removeDirectories } from '../support/directories.ts';
import {
  dockerArchiveOf,
  elfFile,
  layoutOf,
  sha256,
  tar,
  writeArchive,
  writeDirectory,
  type ImageRecipe,
  type Stored,
} from '../support/images.ts';

afterAll(removeDirectories);

const arm64 = platformOf('linux/arm64');
const recipeFor = (name: PlatformName, more: Partial<ImageRecipe> = {}): ImageRecipe => {
  const { architecture, variant, elf } = platformOf(name);
  return {
    architecture,
    ...(variant === undefined ? {} : { variant }),
    config: { Entrypoint: null, Cmd: ['/bin/app'], Env: ['PATH=/bin'] },
    layers: [
      tar([{ name: 'bin/app', body: elfFile(elf), mode: 0o755 }]),
      tar([{ name: 'etc/motd', body: name }]),
    ],
    ...more,
  };
};

const verify = async (reference: string, name: PlatformName = 'linux/arm64'): Promise<VerificationReport> => {
  const source = await openImages(reference);
  try {
    return await verifyImage(await source.select(platformOf(name)), platformOf(name));
  } finally {
    await source.close();
  }
};

const archive = (stored: Stored): string => writeArchive(join(newDirectory(), 'image.tar'), stored);
const layout = (stored: Stored): string => writeDirectory(newDirectory(), stored);

describe('opening an image', () => {
  test.each<[string, () => string]>([
    ['an OCI layout', () => `oci:${layout(layoutOf([recipeFor('linux/arm64')]))}`],
    [
      'an OCI layout by its tag',
      () =>
        `oci:${layout(layoutOf([recipeFor('linux/amd64', { tag: 'a' }), recipeFor('linux/arm64', { tag: 'b' })]))}:b`,
    ],
    ['an OCI layout by its bare path', () => layout(layoutOf([recipeFor('linux/arm64')]))],
    [
      'an OCI layout of Docker’s media types',
      () => layout(layoutOf([recipeFor('linux/arm64', { docker: true })])),
    ],
    ['an oci-archive', () => `oci-archive:${archive(layoutOf([recipeFor('linux/arm64')]))}`],
    ['an oci-archive by its bare path', () => archive(layoutOf([recipeFor('linux/arm64')]))],
    [
      'an oci-archive of zstd layers',
      () => archive(layoutOf([recipeFor('linux/arm64', { compression: 'zstd' })])),
    ],
    [
      'an oci-archive of plain layers',
      () => archive(layoutOf([recipeFor('linux/arm64', { compression: 'none' })])),
    ],
    [
      'an index within the index',
      () =>
        archive(
          layoutOf(
            [
              recipeFor('linux/amd64', { listed: { os: 'linux', architecture: 'amd64' } }),
              recipeFor('linux/arm64', { listed: { os: 'linux', architecture: 'arm64', variant: 'v8' } }),
            ],
            { nested: true },
          ),
        ),
    ],
    [
      'a list that says no platforms',
      () => archive(layoutOf([recipeFor('linux/s390x'), recipeFor('linux/arm64')])),
    ],
    ['a docker-archive', () => `docker-archive:${archive(dockerArchiveOf(recipeFor('linux/arm64')))}`],
    [
      'a docker-archive by its tag',
      () => `docker-archive:${archive(dockerArchiveOf(recipeFor('linux/arm64')))}:test:latest`,
    ],
    ['a docker-archive by its bare path', () => archive(dockerArchiveOf(recipeFor('linux/arm64')))],
  ])('reads %s', async (_, make) => {
    const report = await verify(make());
    expect(report).toMatchObject({
      passed: true,
      architecture: 'arm64',
      elfFiles: 1,
      program: { path: '/bin/app' },
    });
  });

  test.each(['oci', 'oci-archive', 'docker-archive'])(
    'agrees with skopeo on a %s that skopeo wrote',
    async (transport) => {
      const path = join(newDirectory(), 'image');
      const tag = transport === 'docker-archive' ? ':localhost/a/b:c' : ':a';
      execFileSync('skopeo', [
        'copy',
        '--quiet',
        `oci:${layout(layoutOf([recipeFor('linux/arm64')]))}`,
        `${transport}:${path}${tag}`,
      ]);
      const source = await openImages(`${transport}:${path}${transport === 'docker-archive' ? '' : tag}`);
      const image = await source.select(arm64);
      const inspect = (...options: string[]): unknown =>
        JSON.parse(
          execFileSync('skopeo', [
            'inspect',
            ...options,
            `${transport}:${path}${transport === 'docker-archive' ? '' : tag}`,
          ]).toString(),
        );
      expect(inspect('--config')).toMatchObject({ ...image.config, config: { Cmd: ['/bin/app'] } });
      if (transport !== 'docker-archive')
        expect(inspect()).toMatchObject({
          Digest: image.digest,
          Layers: image.layers.map(({ digest }) => digest),
        });
      expect((await verifyImage(image, arm64)).passed).toBe(true);
      await source.close();
    },
  );

  test('a single image is selected whatever it claims', async () => {
    const report = await verify(archive(layoutOf([recipeFor('linux/s390x')])));
    expect(report).toMatchObject({
      passed: false,
      architecture: 's390x',
      declared: { architecture: 's390x' },
    });
  });

  test('a list without the platform names the platform and what there is', async () => {
    const recipes = [
      recipeFor('linux/amd64'),
      recipeFor('linux/arm/v7'),
      recipeFor('linux/amd64', { os: 'unknown' }),
    ];
    await expect(verify(archive(layoutOf(recipes)))).rejects.toMatchObject({
      code: 'NoSuchPlatform',
      message: expect.stringMatching(
        /no image for linux\/arm64; there is linux\/amd64, linux\/arm\/v7$/,
      ) as unknown,
    });
  });

  test('several images and no platform ask for one', async () => {
    const source = await openImages(archive(layoutOf([recipeFor('linux/amd64'), recipeFor('linux/arm64')])));
    await expect(source.select()).rejects.toMatchObject({ code: 'Ambiguous' });
    expect(source.images.map(({ platform }) => platform?.architecture)).toEqual(['amd64', 'arm64']);
    await source.close();
  });

  const one = layoutOf([recipeFor('linux/arm64')]);
  const [layerName = '', layerBytes = Buffer.alloc(0)] =
    [...one].find(([, bytes]) => bytes[0] === 0x1f) ?? [];
  const changed = (name: string, bytes: Buffer | undefined): Stored => {
    const stored = new Map(one);
    if (bytes === undefined) stored.delete(name);
    else stored.set(name, bytes);
    return stored;
  };
  const flipped = Buffer.from(layerBytes);
  flipped[flipped.length - 6] = (flipped.at(-6) ?? 0) ^ 1;
  const [manifestName = '', manifestBytes = Buffer.alloc(0)] = [...one].at(-2) ?? [];
  const otherManifest = Buffer.from(
    manifestBytes.toString().replace('"schemaVersion":2', '"schemaVersion":1'),
  );

  test.each<[string, () => string, string]>([
    ['nothing at the path', () => '/nonexistent/image', 'ImageNotFound'],
    ['nothing at an archive’s path', () => 'oci-archive:/nonexistent/image', 'ImageNotFound'],
    ['a path with a NUL', () => 'oci:/tmp/a\0b', 'ImageNotFound'],
    ['a device', () => '/dev/zero', 'Unreadable'],
    ['a directory that is no layout', () => newDirectory(), 'ImageNotFound'],
    ['a tag that is not there', () => `oci:${layout(one)}:nope`, 'ImageNotFound'],
    [
      'a docker-archive’s tag that is not there',
      () => `docker-archive:${archive(dockerArchiveOf(recipeFor('linux/arm64')))}:nope`,
      'ImageNotFound',
    ],
    ['a transport that is not read', () => 'docker-daemon:x', 'Unsupported'],
    ['a tar that is no image', () => archive(new Map([['a', Buffer.from('x')]])), 'Unsupported'],
    [
      'a compressed archive',
      () => {
        const path = join(newDirectory(), 'x.tar.gz');
        writeFileSync(path, gzipSync(readFileSync(archive(one))));
        return path;
      },
      'Unsupported',
    ],
    [
      'a truncated archive',
      () => {
        const path = archive(one);
        writeFileSync(path, readFileSync(path).subarray(0, 1500));
        return path;
      },
      'Truncated',
    ],
    [
      'an empty file',
      () => {
        const path = join(newDirectory(), 'x');
        writeFileSync(path, '');
        return path;
      },
      'Unsupported',
    ],
    [
      'text',
      () => {
        const path = join(newDirectory(), 'x');
        writeFileSync(path, 'hello '.repeat(200));
        return path;
      },
      'Corrupt',
    ],
    ['a corrupt layer', () => layout(changed(layerName, flipped)), 'Corrupt'],
    ['a corrupt layer of an archive', () => archive(changed(layerName, flipped)), 'Corrupt'],
    [
      'a layer of other content',
      () => layout(changed(layerName, gzipSync(tar([{ name: 'other' }])))),
      'Truncated',
    ],
    ['a truncated layer', () => layout(changed(layerName, layerBytes.subarray(0, -20))), 'Truncated'],
    ['a layer that is not there', () => layout(changed(layerName, undefined)), 'Corrupt'],
    ['an index that is not JSON', () => layout(changed('index.json', Buffer.from('{'))), 'Corrupt'],
    ['an index of gigabytes', () => layout(changed('index.json', Buffer.alloc(5_000_000, ' '))), 'TooLarge'],
    [
      'an index without images',
      () => layout(changed('index.json', Buffer.from('{"schemaVersion":2,"manifests":[]}'))),
      'ImageNotFound',
    ],
    [
      'a digest that leads out',
      () =>
        layout(
          changed(
            'index.json',
            Buffer.from(
              JSON.stringify({
                schemaVersion: 2,
                manifests: [{ digest: 'sha256:../../../../etc/passwd', size: 1 }],
              }),
            ),
          ),
        ),
      'Unsupported',
    ],
    ['a manifest that is not its digest', () => layout(changed(manifestName, otherManifest)), 'Corrupt'],
  ])('of %s ends in an error', async (_, make, code) => {
    const answer = await verify(make()).then(
      () => 'none',
      (error: unknown) => (error instanceof ImageError ? error.code : error),
    );
    expect(answer).toBe(code);
  });

  test('a layer whose unpacked content is not its diffID is corrupt', async () => {
    const stored = dockerArchiveOf(recipeFor('linux/arm64'));
    const [name = ''] = [...stored.keys()].filter((key) => key.endsWith('.tar'));
    stored.set(name, tar([{ name: 'other' }]));
    await expect(verify(archive(stored))).rejects.toMatchObject({
      code: 'Corrupt',
      message: expect.stringContaining('content is') as unknown,
    });
  });

  test('a docker-archive whose layers are links to one another, as skopeo writes, is read', async () => {
    const stored = dockerArchiveOf(recipeFor('linux/arm64'));
    const directory = writeDirectory(newDirectory(), stored);
    const manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as {
      Layers: string[];
    }[];
    const [image] = manifest;
    mkdirSync(join(directory, 'legacy'));
    symlinkSync(`../${image?.Layers[0] ?? ''}`, join(directory, 'legacy/layer.tar'));
    writeFileSync(
      join(directory, 'manifest.json'),
      JSON.stringify([{ ...image, Layers: ['legacy/layer.tar', image?.Layers[1]] }]),
    );
    const path = join(newDirectory(), 'a.tar');
    execFileSync('tar', ['-c', '-f', path, '-C', directory, '.']);
    expect((await verify(`docker-archive:${path}`)).passed).toBe(true);
  });

  test('a named pipe in place of a blob does not hang', async () => {
    const directory = layout(one);
    rmSync(join(directory, layerName));
    execFileSync('mkfifo', [join(directory, layerName)]);
    await expect(verify(directory)).rejects.toMatchObject({ code: 'Unreadable' });
  });

  test('any change of a valid archive, any cut, any bytes end in a report or in an ImageError', async () => {
    const directory = newDirectory();
    const valid = {
      oci: readFileSync(archive(one)),
      docker: readFileSync(archive(dockerArchiveOf(recipeFor('linux/arm64')))),
    };
    const path = join(directory, 'mutated');
    const attempt = async (bytes: Buffer): Promise<void> => {
      writeFileSync(path, bytes);
      for (const transport of ['', 'oci-archive:', 'docker-archive:'])
        await verify(`${transport}${path}`).catch((error: unknown) => {
          if (!(error instanceof ImageError)) throw error;
        });
    };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(valid.oci, valid.docker),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        fc.option(fc.nat()),
        async (original, changes, cut) => {
          const bytes = Buffer.from(original);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          await attempt(cut === null ? bytes : bytes.subarray(0, cut % bytes.length));
        },
      ),
      { numRuns: 150 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), (bytes) => attempt(Buffer.from(bytes))),
      { numRuns: 50 },
    );
  });

  test('any JSON in place of a document ends in a report or in an ImageError', async () => {
    const directory = layout(one);
    const keep = join(newDirectory(), 'keep');
    copyFileSync(join(directory, 'index.json'), keep);
    await fc.assert(
      fc.asyncProperty(
        fc.jsonValue(),
        fc.constantFrom('index', 'manifest', 'config'),
        async (value, kind) => {
          const bytes = Buffer.from(JSON.stringify(value));
          const put = (content: Buffer): { digest: string; size: number } => {
            writeFileSync(join(directory, 'blobs/sha256', sha256(content)), content);
            return { digest: `sha256:${sha256(content)}`, size: content.length };
          };
          const manifest =
            kind === 'config'
              ? Buffer.from(JSON.stringify({ schemaVersion: 2, config: put(bytes), layers: null }))
              : bytes;
          const index =
            kind === 'index'
              ? bytes
              : Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [put(manifest)] }));
          writeFileSync(join(directory, 'index.json'), index);
          await verify(directory).catch((error: unknown) => {
            if (!(error instanceof ImageError)) throw error;
          });
        },
      ),
      { numRuns: 200 },
    );
    copyFileSync(keep, join(directory, 'index.json'));
    expect((await verify(directory)).passed).toBe(true);
  });
});
