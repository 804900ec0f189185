import type { ImageStreamTag } from '../engines/openshift/types.ts';
import type { Client } from '../kube/client.ts';
import { isNotFound } from '../kube/errors.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { KnownImages, Unread } from './images.ts';
import { imageStreamImages, imageStreamTags } from './kinds.ts';
import { gone } from './build-verdict.ts';

type ReadTag = KubeObject &
  ImageStreamTag & {
    readonly image: { readonly dockerImageManifests?: readonly { readonly digest: string }[] };
  };

/** Reads an image, for good: what is known of an image does not change. */
export const readImage = async (
  client: Client,
  namespace: string,
  { stream, tag, build, digest: wanted }: Unread,
  known: KnownImages,
  signal: AbortSignal,
): Promise<void> => {
  const [kind, name] =
    wanted === undefined ? [imageStreamTags, `${stream}:${tag}`] : [imageStreamImages, `${stream}@${wanted}`];
  try {
    const { image } = await client.get<ReadTag>(kind, { namespace, name }, { signal });
    const digest = image.metadata.name;
    known.learn({ digest, architecture: image.dockerImageMetadata?.Architecture ?? '' });
    const children = image.dockerImageManifests ?? [];
    known.learnIndex(
      digest,
      children.map((child) => child.digest),
    );
    if (build !== undefined) known.learnPushed(`${namespace}/${build}`, digest);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    // A base image that is not there any more is on its way out of the caches, too.
    if (build !== undefined) known.learnPushed(`${namespace}/${build}`, gone);
  }
};
