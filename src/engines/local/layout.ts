import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Platform } from '../../api/platforms.ts';

/** A proven image of one platform, alone in an OCI layout. */
export interface PlatformImage {
  readonly platform: Platform;
  /** Outside path. */
  readonly layout: string;
  /** Of its manifest. */
  readonly digest: string;
}

/** Content of a layout: small documents by value, the rest where it lies. */
export type Content = { readonly bytes: Buffer } | { readonly path: string; readonly size: number };

/** An OCI layout as it will be written somewhere: paths relative to its root. */
export interface Layout {
  /** In the order of writing: what names others comes last, so that a layout without `index.json` is not one yet. */
  readonly files: readonly (readonly [path: string, content: Content])[];
  /** Of the image that is published: the manifest's, or with several platforms the index's. */
  readonly digest: string;
}

const indexType = 'application/vnd.oci.image.index.v1+json';

/**
 * One platform: its manifest is what `index.json` names. Several: an image index of them is. The full name stands in
 * org.opencontainers.image.ref.name, from which `podman load` takes it (OCI image-spec, image-layout.md).
 */
export const composeLayout = async (images: readonly PlatformImage[], name: string): Promise<Layout> => {
  const blobs = new Map<string, Content>();
  const manifests = [];
  for (const { platform, layout, digest } of images) {
    const path = join(layout, blobPath(digest));
    const bytes = await readFile(path);
    const manifest = JSON.parse(bytes.toString('utf8')) as Manifest;
    for (const blob of [manifest.config, ...manifest.layers]) {
      const blobFile = join(layout, blobPath(blob.digest));
      blobs.set(blob.digest, { path: blobFile, size: (await stat(blobFile)).size });
    }
    blobs.set(digest, { bytes });
    manifests.push({
      mediaType: manifest.mediaType,
      digest,
      size: bytes.length,
      platform: {
        architecture: platform.architecture,
        os: platform.os,
        ...(platform.variant === undefined ? {} : { variant: platform.variant }),
      },
    });
  }
  const [only] = manifests;
  const top = manifests.length === 1 && only !== undefined ? only : addIndex(blobs, manifests);
  const annotations = { 'org.opencontainers.image.ref.name': name };
  const index = { schemaVersion: 2, mediaType: indexType, manifests: [{ ...top, annotations }] };
  return {
    digest: top.digest,
    files: [
      ['oci-layout', { bytes: Buffer.from('{"imageLayoutVersion":"1.0.0"}') }],
      ...[...blobs].map(([digest, content]) => [blobPath(digest), content] as const),
      ['index.json', { bytes: Buffer.from(JSON.stringify(index)) }],
    ],
  };
};

interface Manifest {
  readonly mediaType: string;
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}

const blobPath = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

const addIndex = (
  blobs: Map<string, Content>,
  manifests: readonly unknown[],
): { mediaType: string; digest: string; size: number } => {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests }));
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  blobs.set(digest, { bytes });
  return { mediaType: indexType, digest, size: bytes.length };
};
