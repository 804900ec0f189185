import type { Platform } from '../api/platforms.ts';
import { checked, collect, digestOf } from './digest.ts';
import { ImageError } from './errors.ts';
import type { Files } from './files.ts';
import { MAX_DOCUMENT, type Image, type ImageEntry, type ImageSource } from './image.ts';
import { layerOf, type Layer } from './layer.ts';
import { parseConfig, parseDockerArchive, type DockerArchiveManifest, type ImageConfig } from './ocitypes.ts';
import { selectEntry } from './select.ts';

type ArchiveImage = DockerArchiveManifest[number];

interface Found extends ImageEntry {
  readonly image: ArchiveImage;
  readonly config: ImageConfig;
}

/**
 * What `docker save`, `podman save` and `docker-archive:` write. `tag` is one of the RepoTags, or one without its
 * registry. Nothing in it states digests of layers: their diffIDs are checked, and the configuration against its name.
 * Source: moby image/spec/v1.2.md, "Combined Image JSON + Filesystem Changeset Format".
 */
export const openDockerArchive = async (
  reference: string,
  files: Files,
  tag: string | undefined,
  signal?: AbortSignal,
): Promise<ImageSource> => {
  const manifest = parseDockerArchive(await readSmall(files, 'manifest.json', signal), files.where);
  const images: Found[] = [];
  for (const image of chosen(manifest, tag, files.where)) images.push(await foundOf(files, image, signal));
  const find = (platform?: Platform): Found => selectEntry(reference, images, images.length === 1, platform);
  return {
    reference,
    images: images.map(({ platform, digest }) => ({
      ...(platform === undefined ? {} : { platform }),
      digest,
    })),
    find,
    select: async (platform) => selected(reference, files, find(platform)),
    close: files.close,
  };
};

const chosen = (
  manifest: DockerArchiveManifest,
  tag: string | undefined,
  where: string,
): readonly ArchiveImage[] => {
  if (tag === undefined) return manifest;
  const names = manifest.flatMap(({ RepoTags }) => RepoTags ?? []);
  const image = manifest.find(({ RepoTags }) =>
    RepoTags?.some((name) => name === tag || name.endsWith(`/${tag}`)),
  );
  if (image !== undefined) return [image];
  const there = names.length === 0 ? 'none with a tag' : names.join(', ');
  throw new ImageError('ImageNotFound', `${where}: no image tagged ${tag}; there is ${there}`);
};

const readSmall = async (files: Files, name: string, signal?: AbortSignal): Promise<Buffer> => {
  const blob = await files.get(name);
  if (blob === undefined)
    throw new ImageError(
      'Corrupt',
      `${files.where}: ${name} is not in it: not a docker-archive, or incomplete`,
    );
  const where = `${files.where}, ${name}`;
  return collect(
    checked(blob.read(signal), { digest: undefined, size: blob.size, where }),
    MAX_DOCUMENT,
    where,
  );
};

const foundOf = async (
  files: Files,
  image: ArchiveImage,
  signal: AbortSignal | undefined,
): Promise<Found> => {
  const bytes = await readSmall(files, image.Config, signal);
  const digest = digestOf(bytes);
  const stated = /(?:^|[/:])([0-9a-f]{64})(?:\.json)?$/.exec(image.Config)?.[1];
  if (stated !== undefined && digest !== `sha256:${stated}`)
    throw new ImageError(
      'Corrupt',
      `${files.where}: the configuration ${image.Config} has the digest ${digest}`,
    );
  const config = parseConfig(bytes, `${files.where}, ${image.Config}`);
  const { os, architecture, variant } = config;
  return { platform: { os, architecture, variant }, digest, image, config };
};

const selected = async (
  reference: string,
  files: Files,
  { image, config, digest }: Found,
): Promise<Image> => {
  const names = image.Layers ?? [];
  const diffIds = config.rootfs.diff_ids;
  if (names.length !== diffIds.length)
    throw new ImageError(
      'Corrupt',
      `${files.where}: manifest.json has ${names.length} layers, the configuration ${diffIds.length}: save it again`,
    );
  const layers: Layer[] = [];
  for (const [i, name] of names.entries()) {
    const blob = await files.get(name);
    const diffId = diffIds[i] ?? '';
    if (blob === undefined)
      throw new ImageError(
        'Corrupt',
        `${files.where}: layer ${name} is not in it: it is incomplete, save it again`,
      );
    layers.push(
      layerOf(blob, {
        diffId,
        mediaType: 'application/vnd.docker.image.rootfs.diff.tar',
        size: blob.size,
        where: files.where,
      }),
    );
  }
  return { reference, digest, config, size: layers.reduce((sum, layer) => sum + layer.size, 0), layers };
};
