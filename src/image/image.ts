import type { Platform } from '../api/platforms.ts';
import { checked, collect, isDigest } from './digest.ts';
import { ImageError } from './errors.ts';
import type { Files, Blob } from './files.ts';
import { layerOf, type Layer } from './layer.ts';
import {
  parseConfig,
  parseManifest,
  type Descriptor,
  type ImageConfig,
  type OciPlatform,
} from './ocitypes.ts';

/** One image, of one platform. */
export interface Image {
  /** As the user named it. */
  readonly reference: string;
  /** Of the manifest; of an image in a docker-archive, which has none, of the configuration (its image ID). */
  readonly digest: string;
  readonly config: ImageConfig;
  /** Stored bytes of all layers. */
  readonly size: number;
  /** Lowest first, as OCI orders them. */
  readonly layers: readonly Layer[];
}

/** What a reference names: one image, or the images of a list. */
export interface ImageSource {
  readonly reference: string;
  readonly images: readonly ImageEntry[];
  /** Which image `select` would read, without reading it. Throws ImageError: NoSuchPlatform, Ambiguous. */
  readonly find: (platform?: Platform) => ImageEntry;
  /**
   * The image for the platform. A reference that names a single image gives it whatever it claims to be, for
   * verification to judge; a list must hold the platform. Throws ImageError: NoSuchPlatform, Ambiguous, and all that
   * reading a manifest and configuration can meet.
   */
  readonly select: (platform?: Platform) => Promise<Image>;
  /** Closes files and removes temporary ones. */
  readonly close: () => Promise<void>;
}

/** One image of a source. */
export interface ImageEntry {
  /** What the list says of it, or its configuration; absent where neither is at hand. */
  readonly platform?: OciPlatform;
  readonly digest: string;
}

/** Limits of the tools that write images: c/image reads 4 MiB of manifest and of configuration. */
export const MAX_DOCUMENT = 4 * 1024 * 1024;

/** Where the files named by digest lie, in one of the two ways there are. */
export interface Blobs {
  readonly where: string;
  readonly get: (digest: string) => Promise<Blob | undefined>;
}

/** Of an OCI layout: `blobs/sha256/HEX`. Of skopeo's `dir:`: `HEX`. */
export const blobsOf = (files: Files, kind: 'layout' | 'dir'): Blobs => ({
  where: files.where,
  get: (digest) => {
    if (!isDigest(digest))
      throw new ImageError(
        'Unsupported',
        `${files.where}: ${digest.slice(0, 80)} is not a sha256 or sha512 digest`,
      );
    const [algorithm = '', hex = ''] = digest.split(':');
    return files.get(kind === 'dir' ? hex : `blobs/${algorithm}/${hex}`);
  },
});

const blobOf = async (blobs: Blobs, digest: string, what: string): Promise<Blob> => {
  const blob = await blobs.get(digest);
  if (blob !== undefined) return blob;
  throw new ImageError(
    'Corrupt',
    `${blobs.where}: ${what} ${digest} is not in it: it is incomplete, fetch it again`,
  );
};

/** A small document, checked. */
export const readDocument = async (
  blobs: Blobs,
  { digest, size }: Descriptor,
  what: string,
  signal?: AbortSignal,
): Promise<Buffer> => {
  const blob = await blobOf(blobs, digest, what);
  const where = `${blobs.where}, ${what} ${digest}`;
  return collect(checked(blob.read(signal), { digest, size, where }), MAX_DOCUMENT, where);
};

/** The configuration that a manifest names. */
export const readConfig = async (
  blobs: Blobs,
  manifest: Buffer,
  signal?: AbortSignal,
): Promise<ImageConfig> => {
  const { config } = parseManifest(manifest, blobs.where);
  return parseConfig(await readDocument(blobs, config, 'configuration', signal), blobs.where);
};

/** The image of a manifest's bytes, which are `digest`'s. */
export const imageOf = async (
  reference: string,
  digest: string,
  manifestBytes: Buffer,
  blobs: Blobs,
  signal?: AbortSignal,
): Promise<Image> => {
  const manifest = parseManifest(manifestBytes, blobs.where);
  const config = await readConfig(blobs, manifestBytes, signal);
  const descriptors = manifest.layers ?? [];
  const diffIds = config.rootfs.diff_ids;
  if (descriptors.length !== diffIds.length)
    throw new ImageError(
      'Corrupt',
      `${blobs.where}: the manifest has ${descriptors.length} layers, the configuration ${diffIds.length}: build it again`,
    );
  const layers: Layer[] = [];
  for (const [i, { digest: layerDigest, size, mediaType }] of descriptors.entries()) {
    if (mediaType.endsWith('+encrypted'))
      throw new ImageError(
        'Unsupported',
        `${blobs.where}: layer ${layerDigest} is encrypted: decrypt the image first`,
      );
    const blob = await blobOf(blobs, layerDigest, 'layer');
    layers.push(
      layerOf(blob, { digest: layerDigest, diffId: diffIds[i] ?? '', mediaType, size, where: blobs.where }),
    );
  }
  return { reference, digest, config, size: layers.reduce((sum, layer) => sum + layer.size, 0), layers };
};
