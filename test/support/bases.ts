/** Base images that really run: Debian's busybox-static of several architectures, packed by hand. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { platformOf, type PlatformName } from '../../src/api/platforms.ts';
import { type Member, sha256, type Stored, tar } from './images.ts';

const repository = join(import.meta.dirname, '../..');
const foreign = join(repository, '.cache/foreign');

/** The platforms whose busybox scripts/foreign-busybox.sh fetches. */
export type BusyboxPlatform = Extract<
  PlatformName,
  'linux/amd64' | 'linux/arm64' | 'linux/arm/v7' | 'linux/ppc64le' | 'linux/s390x'
>;

export const busyboxOf = (platform: BusyboxPlatform): Buffer => {
  const { debian } = platformOf(platform);
  const file = join(foreign, debian, 'busybox');
  // `make test` has fetched all of them; a single test started by hand has not.
  if (!existsSync(file)) execFileSync(join(repository, 'scripts/foreign-busybox.sh'), [foreign]);
  return readFileSync(file);
};

const applets =
  'sh cat ls id uname echo true false kill sleep touch mkdir chmod chown dd rm env test pwd wget cp stat printf'.split(
    ' ',
  );

export interface BaseRecipe {
  /** What its configuration says. */
  readonly platform: PlatformName;
  /** Whose programs it holds; the platform's own otherwise. */
  readonly programs?: BusyboxPlatform;
  /** More files, after busybox. */
  readonly members?: readonly Member[];
  /** Names of busybox that this image lacks. */
  readonly without?: readonly string[];
  readonly config?: Readonly<Record<string, unknown>>;
}

const passwd = 'root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n';

const layerOf = ({ platform, programs, members = [], without = [] }: BaseRecipe): Buffer =>
  tar([
    { name: 'bin/', type: '5' },
    { name: 'bin/busybox', body: busyboxOf(programs ?? (platform as BusyboxPlatform)), mode: 0o755 },
    ...applets
      .filter((name) => !without.includes(name))
      .map((name) => ({ name: `bin/${name}`, type: '1', link: 'bin/busybox', mode: 0o755 })),
    { name: 'etc/', type: '5' },
    { name: 'etc/passwd', body: passwd },
    { name: 'etc/group', body: 'root:x:0:\napp:x:1000:\n' },
    { name: 'home/', type: '5' },
    { name: 'tmp/', type: '5', mode: 0o1777 },
    ...members,
  ]);

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const epoch = '1970-01-01T00:00:00Z';

/**
 * The files of an OCI layout with these images: one is named by `index.json`, several by an index that it names. Each
 * has the history that builders write: buildah uses no cached layer over an image without one.
 */
export const baseImages = (...recipes: readonly BaseRecipe[]): Stored => {
  const stored: Stored = new Map([['oci-layout', json({ imageLayoutVersion: '1.0.0' })]]);
  const keep = (bytes: Buffer, type: string): object => {
    stored.set(`blobs/sha256/${sha256(bytes)}`, bytes);
    const mediaType = `application/vnd.oci.image.${type}`;
    return { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length };
  };
  const manifests = recipes.map((recipe) => {
    const layer = layerOf(recipe);
    const { os, architecture, variant } = platformOf(recipe.platform);
    const config = {
      ...{ created: epoch, os, architecture, variant, config: { Cmd: ['/bin/sh'], ...recipe.config } },
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
      history: [{ created: epoch, created_by: 'busybox-static of Debian' }],
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: keep(json(config), 'config.v1+json'),
      layers: [keep(gzipSync(layer, { level: 1 }), 'layer.v1.tar+gzip')],
    };
    return { ...keep(json(manifest), 'manifest.v1+json'), platform: { os, architecture, variant } };
  });
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests };
  const top = recipes.length === 1 ? index : { ...index, manifests: [keep(json(index), 'index.v1+json')] };
  stored.set('index.json', json(top));
  return stored;
};

/** As writers of archives do it: with their directories, which skopeo would have to make for an ordinary user. */
export const archiveOf = (stored: Stored): Buffer =>
  tar([
    ...['blobs/', 'blobs/sha256/'].map((name) => ({ name, type: '5' })),
    ...[...stored].map(([name, body]) => ({ name, body })),
  ]);
