/** The Image object of what a registry holds. */
import { createHash } from 'node:crypto';
import type { Image } from './shapes.ts';

export interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
  readonly platform?: { readonly os?: string; readonly architecture?: string; readonly variant?: string };
}

export interface Manifest {
  readonly mediaType?: string;
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  /** Of a list. */
  readonly manifests?: readonly Descriptor[];
}

interface ImageConfig {
  readonly created?: string;
  readonly architecture?: string;
  readonly author?: string;
  readonly container?: string;
  readonly config?: object;
  readonly container_config?: object;
}

export const digestOf = (bytes: Buffer): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

const head = (digest: string, reference: string, annotations: Readonly<Record<string, string>>) => ({
  apiVersion: 'image.openshift.io/v1',
  kind: 'Image',
  metadata: { name: digest, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
  dockerImageReference: reference,
  dockerImageMetadataVersion: '1.0',
});

/** @param reference by digest. @param config the bytes of its configuration. */
export const imageOfManifest = (
  digest: string,
  reference: string,
  { config: descriptor, layers = [] }: Manifest,
  mediaType: string,
  config: Buffer,
  annotations: Readonly<Record<string, string>> = {},
): Image => {
  const said = JSON.parse(config.toString()) as ImageConfig;
  const size = layers.reduce((sum, layer) => sum + layer.size, config.length);
  return {
    ...head(digest, reference, { 'image.openshift.io/dockerLayersOrder': 'ascending', ...annotations }),
    dockerImageMetadata: {
      ...{ kind: 'DockerImage', apiVersion: 'image.openshift.io/1.0', Id: descriptor?.digest ?? digest },
      Created: said.created ?? null,
      ...(said.container === undefined ? {} : { Container: said.container }),
      ContainerConfig: said.container_config === undefined ? {} : withoutEmpty(said.container_config),
      ...(said.author === undefined ? {} : { Author: said.author }),
      Config: withoutEmpty(said.config ?? {}),
      Architecture: said.architecture,
      Size: size,
    },
    dockerImageManifestMediaType: mediaType,
    dockerImageLayers: layers.map((layer) => ({
      ...{ name: layer.digest, size: layer.size, mediaType: layer.mediaType },
    })),
  };
};

/** Go leaves out what is zero. */
const withoutEmpty = (config: object): object =>
  Object.fromEntries(
    Object.entries(config).filter(([, value]) => value !== '' && value !== false && value !== null),
  );

/** Of a list there is no architecture: its manifests have one each. */
export const imageOfList = (
  digest: string,
  reference: string,
  manifests: readonly Descriptor[],
  mediaType: string,
  created: string,
  annotations: Readonly<Record<string, string>> = {},
): Image => ({
  ...head(digest, reference, annotations),
  dockerImageMetadata: {
    ...{ kind: 'DockerImage', apiVersion: 'image.openshift.io/1.0', Id: digest },
    ...{ Created: created, ContainerConfig: {} },
  },
  dockerImageManifestMediaType: mediaType,
  dockerImageManifests: manifests.map(({ digest: child, size, mediaType: type, platform = {} }) => ({
    ...{ digest: child, mediaType: type, manifestSize: size },
    ...{ architecture: platform.architecture ?? '', os: platform.os ?? '' },
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
  })),
});
