/** imagestreamtags: a view of one tag of an ImageStream. No watch; a list says nothing of what is in an image. */
import type { Api } from './api.ts';
import { badRequest, methodNotAllowed, notFound } from './errors.ts';
import { groups, imageStreams } from './groups.ts';
import { parseTagName } from './image-names.ts';
import { orUndefined, readImage, readImageStream, storedAt } from './paths.ts';
import type { Target } from './requests.ts';
import type { Image, ImageStream, TagEvent } from './shapes.ts';
import { historyOf, pullSpecOf, specTagOf } from './tag-events.ts';

const resource = { group: groups.image.name, plural: 'imagestreamtags' };

export const imageStreamTags = async (
  api: Api,
  { namespace, name, query }: Target,
  method: string,
): Promise<{ readonly body: unknown }> => {
  if (query.get('watch') === 'true' || query.get('watch') === '1') throw methodNotAllowed(resource, 'watch');
  if (name === undefined && method === 'GET') return { body: await list(api, namespace) };
  if (name === undefined || namespace === undefined) throw methodNotAllowed(resource, method.toLowerCase());
  const parsed = parseTagName(name);
  if (parsed === undefined) throw badRequest('imageStreamTags must be retrieved with <name>:<tag>');
  const stream = await readImageStream(api, namespace, parsed.stream);
  if (method === 'GET') return { body: await tagOf(api, stream, parsed.tag) };
  if (method !== 'DELETE') throw methodNotAllowed(resource, method.toLowerCase());
  await remove(api, stream, parsed.tag);
  return { body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' } };
};

const list = async (api: Api, namespace: string | undefined): Promise<object> => {
  const { items, metadata } = await api.ask<{
    readonly items: readonly ImageStream[];
    readonly metadata: object;
  }>('GET', storedAt(imageStreams, namespace));
  const tags = items.flatMap((stream) =>
    (stream.status?.tags ?? []).flatMap(({ tag, items: events }) => {
      const [event] = events ?? [];
      return event === undefined ? [] : [view(stream, tag, event, undefined)];
    }),
  );
  return { kind: 'ImageStreamTagList', apiVersion: 'image.openshift.io/v1', metadata, items: tags };
};

const tagOf = async (api: Api, stream: ImageStream, tag: string): Promise<object> => {
  const event = historyOf(stream, tag)?.items?.at(0);
  if (event === undefined) throw notFound(resource, `${stream.metadata.name}:${tag}`);
  const image = await orUndefined(readImage(api, event.image));
  return {
    kind: 'ImageStreamTag',
    apiVersion: 'image.openshift.io/v1',
    ...view(stream, tag, event, image),
  };
};

const view = (stream: ImageStream, tag: string, event: TagEvent, image: Image | undefined): object => {
  const { name, namespace, uid, resourceVersion } = stream.metadata;
  const specTag = specTagOf(stream, tag);
  const annotations = specTag?.annotations ?? {};
  const conditions = historyOf(stream, tag)?.conditions;
  return {
    metadata: {
      ...{ name: `${name}:${tag}`, namespace, uid, resourceVersion, creationTimestamp: event.created },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    tag: specTag ?? null,
    generation: event.generation,
    lookupPolicy: { local: stream.spec?.lookupPolicy?.local ?? false },
    ...(conditions === undefined ? {} : { conditions }),
    image: imageView(event, image, pullSpecOf(stream, tag) ?? event.dockerImageReference, annotations),
  };
};

/** Without what names its kind, as a field of another object. */
export const imageView = (
  event: TagEvent,
  image: Image | undefined,
  dockerImageReference: string,
  annotations: Readonly<Record<string, string>> = {},
): object => {
  if (image === undefined)
    return {
      metadata: { name: event.image, creationTimestamp: null },
      ...{ dockerImageReference, dockerImageMetadata: null },
    };
  const { apiVersion: _, kind: __, metadata, ...rest } = image;
  const { name, uid, resourceVersion, creationTimestamp } = metadata;
  const all = { ...metadata.annotations, ...annotations };
  return {
    ...rest,
    dockerImageReference,
    metadata: {
      ...{ name, uid, resourceVersion, creationTimestamp },
      ...(Object.keys(all).length === 0 ? {} : { annotations: all }),
    },
  };
};

const remove = async (api: Api, stream: ImageStream, tag: string): Promise<void> => {
  const { name, namespace = '' } = stream.metadata;
  const without = {
    ...stream,
    spec: { ...stream.spec, tags: (stream.spec?.tags ?? []).filter((one) => one.name !== tag) },
    status: { ...stream.status, tags: (stream.status?.tags ?? []).filter((one) => one.tag !== tag) },
  };
  if (historyOf(stream, tag) === undefined && specTagOf(stream, tag) === undefined)
    throw notFound(resource, `${name}:${tag}`);
  await api.ask('PUT', storedAt(imageStreams, namespace, name), without, {
    'user-agent': 'openshift-apiserver',
  });
};
