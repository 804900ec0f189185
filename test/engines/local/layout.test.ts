import { afterAll, describe, expect, test } from '@jest/globals';
import { platformOf, type PlatformName } from '../../../src/api/platforms.ts';
import { composeLayout, type Layout, type PlatformImage } from '../../../src/engines/local/layout.ts';
import { newDirectory, removeDirectories } from '../../support/directories.ts';
import { layoutOf, sha256, tar, writeDirectory } from '../../support/images.ts';

afterAll(removeDirectories);

interface Descriptor {
  readonly digest: string;
  readonly mediaType: string;
  readonly platform?: object;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Index {
  readonly manifests: readonly Descriptor[];
}

const imageOf = (name: PlatformName, text: string): PlatformImage => {
  const platform = platformOf(name);
  const layer = tar([{ name: 'file', body: text }]);
  const stored = layoutOf([{ architecture: platform.architecture, layers: [layer] }]);
  const index = JSON.parse(String(stored.get('index.json'))) as Index;
  const layout = writeDirectory(newDirectory(), stored);
  return { platform, layout, digest: index.manifests[0]?.digest ?? '' };
};

const documentOf = (layout: Layout, path: string): Index => {
  const [, content] = layout.files.find(([name]) => name === path) ?? [];
  if (content === undefined || !('bytes' in content)) throw new Error(`no ${path}`);
  return JSON.parse(content.bytes.toString()) as Index;
};
const nameKey = 'org.opencontainers.image.ref.name';

describe('the layout that is published', () => {
  test('of one platform names its manifest, with the image’s full name', async () => {
    const image = imageOf('linux/arm64', 'a');
    const layout = await composeLayout([image], 'localhost/web:latest');
    expect(layout.digest).toBe(image.digest);
    const { manifests } = documentOf(layout, 'index.json');
    expect(manifests).toHaveLength(1);
    expect(manifests[0]).toMatchObject({
      ...{ digest: image.digest, platform: { os: 'linux', architecture: 'arm64' } },
      annotations: { [nameKey]: 'localhost/web:latest' },
    });
  });

  test('of several names one index of them, in the order given, variants included', async () => {
    const images = [imageOf('linux/arm/v7', 'a'), imageOf('linux/s390x', 'b')];
    const layout = await composeLayout(images, 'x');
    const [top, ...more] = documentOf(layout, 'index.json').manifests;
    expect(more).toEqual([]);
    expect(top).toMatchObject({ digest: layout.digest, mediaType: expect.stringContaining('image.index') });
    const { manifests } = documentOf(layout, `blobs/${layout.digest.replace(':', '/')}`);
    expect(manifests.map(({ digest }) => digest)).toEqual(images.map(({ digest }) => digest));
    expect(manifests.map(({ platform }) => platform)).toEqual([
      { os: 'linux', architecture: 'arm', variant: 'v7' },
      { os: 'linux', architecture: 's390x' },
    ]);
  });

  test('holds each blob once, under its digest, and is complete only with its last file', async () => {
    const images = [imageOf('linux/arm64', 'same'), imageOf('linux/s390x', 'same')];
    const layout = await composeLayout(images, 'x');
    const paths = layout.files.map(([path]) => path);
    expect(new Set(paths).size).toBe(paths.length);
    // A layer that both share, two configurations, two manifests, one index.
    expect(paths.filter((path) => path.startsWith('blobs/'))).toHaveLength(6);
    expect([paths[0], paths.at(-1)]).toEqual(['oci-layout', 'index.json']);
    for (const [path, content] of layout.files) {
      if (path.startsWith('blobs/') && 'bytes' in content)
        expect(path).toBe(`blobs/sha256/${sha256(content.bytes)}`);
    }
  });
});
