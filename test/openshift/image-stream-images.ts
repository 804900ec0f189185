/** imagestreamimages: one image of an ImageStream, by digest. */
import type { Api } from './api.ts';
import { badRequest, methodNotAllowed, notFound } from './errors.ts';
import { groups } from './groups.ts';
import { parseImageName } from './image-names.ts';
import { imageView } from './image-stream-tags.ts';
import { readImage, readImageStream } from './paths.ts';
import type { Target } from './requests.ts';
import { eventAt } from './tag-events.ts';

const resource = { group: groups.image.name, plural: 'imagestreamimages' };

export const imageStreamImage = async (
  api: Api,
  { namespace = '', name }: Target,
  method: string,
): Promise<{ readonly body: unknown }> => {
  if (method !== 'GET' || name === undefined) throw methodNotAllowed(resource, method.toLowerCase());
  const parsed = parseImageName(name);
  if (parsed === undefined) throw badRequest('ImageStreamImages must be retrieved with <name>@<id>');
  const stream = await readImageStream(api, namespace, parsed.stream);
  const event = eventAt(stream, { stream: parsed.stream, digest: parsed.digest });
  if (event === undefined) throw notFound(resource, name);
  const image = await readImage(api, event.image);
  return {
    body: {
      ...{ kind: 'ImageStreamImage', apiVersion: 'image.openshift.io/v1' },
      metadata: { name, namespace, creationTimestamp: image.metadata.creationTimestamp },
      image: imageView(event, image, event.dockerImageReference),
    },
  };
};
