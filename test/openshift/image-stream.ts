/** What OpenShift does to an ImageStream that is written: defaults, generations of tags, tags that follow others. */
import { isDeepStrictEqual } from 'node:util';
import { type Cause, internalError, invalid, invalidValue, notFoundValue, requiredValue } from './errors.ts';
import { groups } from './groups.ts';
import { isReference, isStreamName } from './image-names.ts';
import type { ImageStream, ObjectReference, TagEvent, TagReference } from './shapes.ts';
import { eventAt, latestEvent, pointerOf, specTagOf, withEvent } from './tag-events.ts';

export interface StreamWrite {
  /** undefined where it is created. */
  readonly old: ImageStream | undefined;
  /** Who may change the status: the stand-in's own controllers, and /status. */
  readonly mayChangeStatus: boolean;
  /** Host and port under which the internal registry is known. */
  readonly registry: string;
  /** Another stream; undefined where there is none. */
  readonly find: (namespace: string, name: string) => Promise<ImageStream | undefined>;
  /** RFC 3339. */
  readonly now: string;
}

/** @throws Refusal 422. */
export const prepareImageStream = async (
  submitted: ImageStream,
  write: StreamWrite,
): Promise<ImageStream> => {
  const { old } = write;
  const { namespace = '', name } = submitted.metadata;
  const { tags: submittedTags, ...rest } = submitted.spec ?? {};
  const status = write.mayChangeStatus ? submitted.status : old?.status;
  const spec: NonNullable<ImageStream['spec']> = {
    ...rest,
    lookupPolicy: { local: rest.lookupPolicy?.local ?? false },
    ...tagsField((submittedTags ?? []).map(defaultedTag).map((tag) => keptGeneration(tag, old))),
  };
  const isNew = !isDeepStrictEqual(spec, old?.spec);
  const generation = (old?.standin?.generation ?? 0) + (isNew ? 1 : 0);
  const dockerImageRepository = `${write.registry}/${namespace}/${name}`;
  const prepared: ImageStream = {
    ...submitted,
    spec: { ...spec, ...tagsField((spec.tags ?? []).map((tag) => withGeneration(tag, generation, old))) },
    status: { ...status, dockerImageRepository },
    standin: { generation },
  };
  const { stream, causes } = await pointed(prepared, write);
  const all = [...causes, ...nameCauses(namespace, name), ...(prepared.spec?.tags ?? []).flatMap(tagCauses)];
  if (all.length > 0) throw invalid(groups.image.name, 'ImageStream', name, all);
  return followed(stream, write);
};

const tagsField = (tags: readonly TagReference[]): { readonly tags?: readonly TagReference[] } =>
  tags.length === 0 ? {} : { tags: [...tags].sort((one, other) => (one.name < other.name ? -1 : 1)) };

const defaultedTag = (tag: TagReference): TagReference => ({
  ...tag,
  annotations: tag.annotations ?? null,
  generation: tag.generation ?? null,
  importPolicy: { ...tag.importPolicy, importMode: orElse(tag.importPolicy?.importMode, 'Legacy') },
  referencePolicy: { type: orElse(tag.referencePolicy?.type, 'Source') },
});

const orElse = (text: string | undefined, otherwise: string): string =>
  text === undefined || text === '' ? otherwise : text;

/** Nobody but the server sets a tag's generation, except to 0: import it again. */
const keptGeneration = (tag: TagReference, old: ImageStream | undefined): TagReference => {
  if (tag.generation === 0) return tag;
  const before = old === undefined ? undefined : specTagOf(old, tag.name);
  return { ...tag, generation: before?.generation ?? null };
};

/** The stream's, for each tag that is new or has changed. */
const withGeneration = (
  tag: TagReference,
  generation: number,
  old: ImageStream | undefined,
): TagReference => {
  const before = old === undefined ? undefined : specTagOf(old, tag.name);
  const isKnown = before !== undefined && !hasChanged(before, tag) && (tag.generation ?? 0) !== 0;
  return isKnown ? tag : { ...tag, generation };
};

/** Where a tag points counts, and how it is imported: its annotations and the rest of its import policy do not. */
const hasChanged = (before: TagReference, next: TagReference): boolean => {
  if (next.from === undefined) return false;
  const key = ({ namespace = '', name = '' }: ObjectReference = {}): string => `${namespace} ${name}`;
  return (
    key(next.from) !== key(before.from) ||
    (next.reference ?? false) !== (before.reference ?? false) ||
    next.importPolicy?.importMode !== before.importPolicy?.importMode ||
    (next.generation === 0 && before.generation !== 0)
  );
};

interface Pointed {
  readonly stream: ImageStream;
  readonly causes: readonly Cause[];
}

/** Tags that were pointed at another tag, or at an image, show it at once. */
const pointed = async (prepared: ImageStream, write: StreamWrite): Promise<Pointed> => {
  const { metadata } = prepared;
  const wrong: Cause[] = [];
  let stream = prepared;
  for (const tag of prepared.spec?.tags ?? []) {
    const before = write.old === undefined ? undefined : specTagOf(write.old, tag.name);
    // Not for a generation of 0: it has become the stream's by now.
    if (tag.from === undefined || (before !== undefined && !hasChanged(before, tag))) continue;
    const field = `spec.tags[${tag.name}].from`;
    const name = tag.from.name ?? '';
    if (tag.from.kind === 'DockerImage') {
      if (tag.reference === true) stream = withEvent(stream, tag.name, referenceEvent(tag, write.now));
      continue;
    }
    if (tag.from.kind !== 'ImageStreamTag' && tag.from.kind !== 'ImageStreamImage') continue;
    const pointer = pointerOf(tag.from);
    if (pointer === undefined) {
      const form = 'must be of the form <tag>, <repo>:<tag>, <id>, or <repo>@<id>';
      wrong.push(invalidValue(`${field}.name`, name, form));
      continue;
    }
    const namespace = tag.from.namespace ?? metadata.namespace ?? '';
    const isOwn =
      namespace === metadata.namespace && (pointer.stream === undefined || pointer.stream === metadata.name);
    const source = isOwn ? stream : await write.find(namespace, pointer.stream ?? metadata.name);
    if (source === undefined) {
      wrong.push(notFoundValue(`${field}.name`, name));
      continue;
    }
    const event = eventAt(source, pointer);
    if (event === undefined) {
      // A tag may come later; an image that a stream has not does not.
      if (pointer.digest !== undefined) wrong.push(noSuchImage(`${field}.name`, name, pointer.digest));
      continue;
    }
    stream = withEvent(stream, tag.name, {
      ...{ created: write.now, image: event.image, generation: tag.generation ?? 0 },
      dockerImageReference: isOwn ? event.dockerImageReference : asOwn(event, source, prepared),
    });
  }
  if (wrong.length === 0) return { stream, causes: [] };
  const { message } = invalid('', 'imagestreams', metadata.name, wrong);
  return { stream, causes: [internalError('[]', message)] };
};

const noSuchImage = (field: string, name: string, digest: string): Cause =>
  invalidValue(
    field,
    name,
    `error generating tag event: imagestreamimage.image.openshift.io ${JSON.stringify(digest)} not found`,
  );

/** An image of another stream of the internal registry is from now on pulled from this one. */
const asOwn = ({ dockerImageReference, image }: TagEvent, source: ImageStream, own: ImageStream): string => {
  const repository = source.status?.dockerImageRepository ?? '';
  return dockerImageReference === `${repository}@${image}`
    ? `${own.status?.dockerImageRepository ?? repository}@${image}`
    : dockerImageReference;
};

const referenceEvent = (tag: TagReference, created: string) => ({
  ...{ created, dockerImageReference: tag.from?.name ?? '', image: '' },
  generation: tag.generation ?? 0,
});

/** Tags that follow a tag of the same stream move with it. */
const followed = (stream: ImageStream, { old, now }: StreamWrite): ImageStream => {
  let result = stream;
  for (const tag of stream.spec?.tags ?? []) {
    if (tag.from?.kind !== 'ImageStreamTag') continue;
    const pointer = pointerOf(tag.from);
    const isOwn = pointer?.stream === undefined || pointer.stream === stream.metadata.name;
    if (pointer?.tag === undefined || !isOwn || pointer.tag === tag.name) continue;
    const [next, before] = [result, old].map((one) =>
      one === undefined ? undefined : latestEvent(one, pointer.tag ?? ''),
    );
    if (next === undefined || next.image === before?.image) continue;
    result = withEvent(result, tag.name, { ...next, created: now, generation: tag.generation ?? 0 });
  }
  return result;
};

const longestRepository = 255;

const nameCauses = (namespace: string, name: string): readonly Cause[] => [
  ...(isStreamName(name)
    ? []
    : [invalidValue('metadata.name', name, 'must match "[a-z0-9]+(?:[._-][a-z0-9]+)*"')]),
  ...(`${namespace}/${name}`.length > longestRepository
    ? [
        invalidValue(
          'metadata.name',
          name,
          `'namespace/name' cannot be longer than ${longestRepository} characters`,
        ),
      ]
    : []),
];

const fromKinds = ['DockerImage', 'ImageStreamImage', 'ImageStreamTag'];
const importModes = ['', 'Legacy', 'PreserveOriginal'];

const tagCauses = ({ name, from, importPolicy, referencePolicy }: TagReference): readonly Cause[] => {
  const field = `spec.tags[${name}]`;
  const causes: Cause[] = [];
  if (from !== undefined) {
    const { kind = '', name: target = '' } = from;
    if (target === '') causes.push(requiredValue(`${field}.from.name`, ''));
    if (!fromKinds.includes(kind)) {
      const rule = "valid values are 'DockerImage', 'ImageStreamImage', 'ImageStreamTag'";
      causes.push(requiredValue(`${field}.from.kind`, rule));
    }
    if (kind === 'DockerImage' && target !== '' && !isReference(target))
      causes.push(invalidValue(`${field}.from.name`, target, 'invalid reference format'));
    if (kind !== 'DockerImage' && importPolicy?.scheduled === true)
      causes.push(
        invalidValue(
          `${field}.importPolicy.scheduled`,
          true,
          'only tags pointing to Docker repositories may be scheduled for background import',
        ),
      );
  }
  if (!importModes.includes(importPolicy?.importMode ?? ''))
    causes.push(
      invalidValue(
        `${field}.importPolicy.importMode`,
        importPolicy?.importMode,
        "invalid import mode, valid modes are '', 'Legacy', 'PreserveOriginal'",
      ),
    );
  if (!['Source', 'Local'].includes(referencePolicy?.type ?? ''))
    causes.push(
      invalidValue(
        `${field}.referencePolicy.type`,
        referencePolicy?.type,
        'valid values are "Source", "Local"',
      ),
    );
  return causes;
};
