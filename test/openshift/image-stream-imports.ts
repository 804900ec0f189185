/** POST imagestreamimports: images imported now, and what came of each in the answer. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { now } from './admission.ts';
import { type Api, inTheNameOf } from './api.ts';
import { badRequest, invalid, methodNotAllowed, requiredValue } from './errors.ts';
import { groups, imageStreams } from './groups.ts';
import { importImage, type Imported } from './image-import.ts';
import { parseReference } from './image-names.ts';
import { changeStream, recordImages } from './image-records.ts';
import { type TagImport, withImports } from './import-results.ts';
import { orUndefined, readImage, readImageStream, storedAt } from './paths.ts';
import { credentialsFor } from './pull-secrets.ts';
import type { RegistryClient } from './registry-client.ts';
import { readBody, requesterOf, type Target } from './requests.ts';
import type { Image, ImageStream, ImportPolicy, ObjectReference, TagReference } from './shapes.ts';
import { specTagOf } from './tag-events.ts';
import { shown } from './translation.ts';

interface ImageSpec {
  readonly from?: ObjectReference;
  readonly to?: { readonly name?: string };
  readonly importPolicy?: ImportPolicy;
  readonly referencePolicy?: TagReference['referencePolicy'];
}

interface Submitted {
  readonly metadata?: {
    readonly name?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly import?: boolean; readonly images?: readonly ImageSpec[] };
}

export const importImages = async (
  api: Api,
  client: RegistryClient,
  { namespace = '' }: Target,
  request: IncomingMessage,
): Promise<{ readonly code: number; readonly body: unknown }> => {
  if (request.method !== 'POST')
    throw methodNotAllowed({ group: groups.image.name, plural: 'imagestreamimports' }, 'get');
  const submitted = parse(await readBody(request));
  const { metadata = {}, spec = {} } = submitted;
  const name = metadata.name ?? '';
  if (name === '')
    throw invalid(groups.image.name, 'ImageStreamImport', '', [requiredValue('metadata.name', '')]);
  const images = (spec.images ?? []).map(defaulted);
  const stream = await orUndefined(readImageStream(api, namespace, name));
  const results: { readonly spec: ImageSpec; readonly imported: Imported }[] = [];
  for (const one of images) {
    const from = one.from?.name ?? '';
    const ofTag = stream === undefined ? undefined : specTagOf(stream, one.to?.name ?? '')?.annotations;
    const annotations = { ...metadata.annotations, ...ofTag };
    const credentials = await credentialsFor(api, namespace, parseReference(from)?.host ?? '');
    const imported = await importImage(
      client,
      { from, importPolicy: one.importPolicy, annotations },
      credentials,
    );
    results.push({ spec: one, imported });
  }
  const imports = results.flatMap(tagImport);
  const after = spec.import === true ? await take(api, request, namespace, name, imports) : undefined;
  const body = {
    ...{ kind: 'ImageStreamImport', apiVersion: 'image.openshift.io/v1' },
    metadata: { ...metadata, namespace, uid: randomUUID(), creationTimestamp: now() },
    spec: { import: spec.import ?? false, images },
    status: {
      ...(after === undefined ? {} : { import: importedStream(after) }),
      images: await Promise.all(results.map(({ spec: one, imported }) => statusOf(api, one, imported))),
    },
  };
  return { code: 201, body };
};

const parse = (body: Buffer): Submitted => {
  try {
    return JSON.parse(body.toString()) as Submitted;
  } catch {
    throw badRequest('the body of the request was in an unknown format');
  }
};

const defaulted = (spec: ImageSpec): ImageSpec => ({
  ...spec,
  importPolicy: { ...spec.importPolicy, importMode: spec.importPolicy?.importMode ?? 'Legacy' },
  referencePolicy: { type: spec.referencePolicy?.type ?? 'Source' },
});

const tagImport = ({ spec, imported }: { spec: ImageSpec; imported: Imported }): readonly TagImport[] => {
  const from = spec.from?.name ?? '';
  const tag = spec.to?.name ?? parseReference(from)?.tag;
  const { importPolicy, referencePolicy } = spec;
  return tag === undefined ? [] : [{ tag, from, importPolicy, referencePolicy, imported }];
};

/** Stores what was imported; makes the ImageStream where there is none. */
const take = async (
  api: Api,
  request: IncomingMessage,
  namespace: string,
  name: string,
  imports: readonly TagImport[],
): Promise<ImageStream> => {
  const all = imports.flatMap(({ imported }) =>
    'failure' in imported ? [] : [...imported.manifests, imported.image],
  );
  await recordImages(api, all);
  const stream = {
    apiVersion: `${imageStreams.group}/v1`,
    kind: 'ImageStream',
    metadata: { namespace, name },
  };
  if ((await orUndefined(readImageStream(api, namespace, name))) === undefined)
    await api.ask('POST', storedAt(imageStreams, namespace), stream, inTheNameOf(requesterOf(request)));
  return changeStream(api, namespace, name, (before) => withImports(before, imports, now()));
};

const importedStream = (stream: ImageStream): unknown => {
  const {
    kind: _,
    apiVersion: __,
    ...rest
  } = JSON.parse(shown(JSON.stringify(stream), 'imagestreams')) as ImageStream;
  return rest;
};

const statusOf = async (api: Api, { from }: ImageSpec, imported: Imported): Promise<object> => {
  const tag = parseReference(from?.name ?? '')?.tag ?? '';
  if ('failure' in imported) {
    const { status, message, reason, code } = imported.failure;
    return { status: { metadata: {}, status, message, reason, code }, tag };
  }
  const { kind: _, apiVersion: __, ...image } = await stored(api, imported.image);
  return { status: { metadata: {}, status: 'Success' }, image, tag };
};

const stored = async (api: Api, image: Image): Promise<Image> =>
  (await orUndefined(readImage(api, image.metadata.name))) ?? image;
