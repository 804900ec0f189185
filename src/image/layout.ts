import { ImageError } from './errors.ts';
import { collect } from './digest.ts';
import type { Files } from './files.ts';
import {
  blobsOf,
  imageOf,
  MAX_DOCUMENT,
  readConfig,
  readDocument,
  type Blobs,
  type ImageEntry,
  type ImageSource,
} from './image.ts';
import { documentKind, parseIndex, type Descriptor, type OciPlatform } from './ocitypes.ts';
import { selectEntry } from './select.ts';

/** An index in an index in an index: more is nobody's. */
const MAX_DEPTH = 4;
/** Images of one reference that are looked at. */
const MAX_IMAGES = 1000;

interface Found extends ImageEntry {
  /** Absent: the list names it, but a partial copy left it out. */
  readonly manifest?: Buffer;
}

/**
 * An OCI image layout, in a directory or an oci-archive. `tag` is the annotation org.opencontainers.image.ref.name.
 * Source: OCI image-spec 1.1, image-layout.md.
 */
export const openLayout = async (
  reference: string,
  files: Files,
  tag: string | undefined,
  signal?: AbortSignal,
): Promise<ImageSource> => {
  const top = await files.get('index.json');
  if (top === undefined)
    throw new ImageError('ImageNotFound', `${files.where}: no index.json: not an OCI image layout`);
  const bytes = await collect(top.read(signal), MAX_DOCUMENT, `${files.where}, index.json`);
  const descriptors = tagged(parseIndex(bytes, `${files.where}, index.json`).manifests, tag, files.where);
  const blobs = blobsOf(files, 'layout');
  const images: Found[] = [];
  const kinds = [];
  for (const descriptor of descriptors)
    kinds.push(await addImages(images, blobs, descriptor, MAX_DEPTH, signal));
  const single = kinds.length === 1 && kinds[0] === 'manifest';
  return {
    reference,
    images: images.map(({ platform, digest }) => ({
      ...(platform === undefined ? {} : { platform }),
      digest,
    })),
    find: (platform) => selectEntry(reference, images, single, platform),
    select: async (platform) => {
      const { digest, manifest } = selectEntry(reference, images, single, platform);
      if (manifest === undefined)
        throw new ImageError(
          'Corrupt',
          `${files.where}: manifest ${digest} is named but not in it: fetch it again`,
        );
      return imageOf(reference, digest, manifest, blobs, signal);
    },
    close: files.close,
  };
};

const tagged = (
  descriptors: readonly Descriptor[],
  tag: string | undefined,
  where: string,
): readonly Descriptor[] => {
  const names = descriptors.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name']);
  const chosen = descriptors.filter((_, i) => tag === undefined || names[i] === tag);
  if (chosen.length > 0) {
    // Several tags may name one image.
    return [...new Map(chosen.map((descriptor) => [descriptor.digest, descriptor])).values()];
  }
  const there = names.filter((name) => name !== undefined).join(', ');
  throw new ImageError(
    'ImageNotFound',
    tag === undefined
      ? `${where}: its index names no image`
      : `${where}: no image tagged ${tag}; there is ${there === '' ? 'none with a tag' : there}`,
  );
};

const addImages = async (
  images: Found[],
  blobs: Blobs,
  descriptor: Descriptor,
  depth: number,
  signal: AbortSignal | undefined,
): Promise<'index' | 'manifest'> => {
  const bytes = await readDocument(blobs, descriptor, 'manifest', signal);
  const where = `${blobs.where}, manifest ${descriptor.digest}`;
  if (documentKind(bytes, where) === 'manifest') {
    if (images.length === MAX_IMAGES)
      throw new ImageError('TooLarge', `${where}: more than ${MAX_IMAGES} images`);
    const platform = descriptor.platform ?? (await claimOf(blobs, bytes, signal));
    images.push({
      ...(platform === undefined ? {} : { platform }),
      digest: descriptor.digest,
      manifest: bytes,
    });
    return 'manifest';
  }
  if (depth === 0)
    throw new ImageError('Unsupported', `${where}: indexes within indexes, more than ${MAX_DEPTH} deep`);
  for (const child of parseIndex(bytes, where).manifests) {
    // A sparse copy of a list leaves out the images nobody asked for.
    if ((await blobs.get(child.digest)) !== undefined)
      await addImages(images, blobs, child, depth - 1, signal);
    else
      images.push({
        ...(child.platform === undefined ? {} : { platform: child.platform }),
        digest: child.digest,
      });
  }
  return 'index';
};

/** What an image's configuration says; undefined if that cannot be read: who selects the image is told why. */
const claimOf = async (
  blobs: Blobs,
  manifest: Buffer,
  signal: AbortSignal | undefined,
): Promise<OciPlatform | undefined> => {
  try {
    const { os, architecture, variant } = await readConfig(blobs, manifest, signal);
    return { os, architecture, variant };
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
};
