import type { Platform } from '../api/platforms.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from './digest.ts';
import { ImageError, fileError } from './errors.ts';
import { collect } from './digest.ts';
import { directoryFiles } from './files.ts';
import {
  blobsOf,
  imageOf,
  MAX_DOCUMENT,
  readConfig,
  type Image,
  type ImageEntry,
  type ImageSource,
} from './image.ts';
import { documentKind, parseIndex, parseManifest, type Descriptor } from './ocitypes.ts';
import { selectEntry } from './select.ts';
import { copyToDirectory, rawManifest, type SkopeoOptions } from './skopeo.ts';

const MAX_DEPTH = 4;

/**
 * An image of a registry (`docker://`) or of containers-storage: skopeo reads the manifest, and at `select` copies that
 * one image to a temporary directory below TMPDIR, /var/tmp otherwise. `close` removes it.
 */
export const openRemote = async (reference: string, options: SkopeoOptions): Promise<ImageSource> => {
  const top = await rawManifest(reference, options);
  const single = documentKind(top, reference) === 'manifest';
  const images = single ? [{ digest: digestOf(top) }] : await listed(reference, top, options, MAX_DEPTH);
  const temporary: string[] = [];
  const find = (platform?: Platform): ImageEntry =>
    selectEntry<ImageEntry>(reference, images, single, platform);
  return {
    reference,
    images,
    find,
    select: async (platform) => {
      const { digest } = find(platform);
      const directory = await temporaryDirectory(options.env['TMPDIR'] ?? '/var/tmp');
      temporary.push(directory);
      const manifest = single ? top : await rawManifest(byDigest(reference, digest), options);
      expectDigest(reference, manifest, digest);
      await copyToDirectory(
        single && !isRegistry(reference) ? reference : byDigest(reference, digest),
        directory,
        options,
      );
      return copied(reference, digest, manifest, directory, options.signal);
    },
    close: async () => {
      for (const directory of temporary.splice(0)) await rm(directory, { recursive: true, force: true });
    },
  };
};

const isRegistry = (reference: string): boolean => reference.startsWith('docker://');

/** The reference with its tag or digest replaced. */
const byDigest = (reference: string, digest: string): string => {
  const [name = ''] = reference.split('@');
  const slash = name.lastIndexOf('/');
  const colon = name.indexOf(':', slash + 1);
  return `${colon === -1 ? name : name.slice(0, colon)}@${digest}`;
};

const expectDigest = (reference: string, manifest: Buffer, digest: string): void => {
  const actual = digestOf(manifest);
  if (actual !== digest)
    throw new ImageError(
      'Corrupt',
      `${reference}: asked for manifest ${digest}, got ${actual}: try again, or ask its registry`,
    );
};

const listed = async (
  reference: string,
  index: Buffer,
  options: SkopeoOptions,
  depth: number,
): Promise<readonly ImageEntry[]> => {
  if (depth === 0)
    throw new ImageError('Unsupported', `${reference}: indexes within indexes, more than ${MAX_DEPTH} deep`);
  const images: ImageEntry[] = [];
  for (const { mediaType, platform, digest } of parseIndex(index, reference).manifests) {
    if (!isIndex(mediaType)) {
      images.push({ ...(platform === undefined ? {} : { platform }), digest });
      continue;
    }
    const nested = await rawManifest(byDigest(reference, digest), options);
    expectDigest(reference, nested, digest);
    images.push(...(await listed(reference, nested, options, depth - 1)));
  }
  return images;
};

const isIndex = (mediaType: Descriptor['mediaType']): boolean =>
  /\.(?:image\.index|manifest\.list)\./.test(mediaType);

const temporaryDirectory = async (parent: string): Promise<string> => {
  try {
    return await mkdtemp(join(parent, 'edgebuild-image-'));
  } catch (error) {
    throw fileError(error, parent);
  }
};

/**
 * The image in skopeo's directory. Out of containers-storage comes another manifest, of the unpacked layers; it has to
 * name the same configuration, whose diffIDs the layers are checked against.
 */
const copied = async (
  reference: string,
  digest: string,
  manifest: Buffer,
  directory: string,
  signal: AbortSignal | undefined,
): Promise<Image> => {
  const files = directoryFiles(directory);
  const blobs = { ...blobsOf(files, 'dir'), where: reference };
  const blob = await files.get('manifest.json');
  if (blob === undefined) throw new ImageError('CopyFailed', `${reference}: skopeo copied no manifest`);
  const written = await collect(blob.read(signal), MAX_DOCUMENT, reference);
  if (parseManifest(written, reference).config.digest !== parseManifest(manifest, reference).config.digest)
    throw new ImageError('Corrupt', `${reference}: it changed while it was copied: try again`);
  await readConfig(blobs, written, signal);
  return imageOf(reference, digest, written, blobs, signal);
};
