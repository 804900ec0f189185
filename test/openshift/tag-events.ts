/** The history of an ImageStream's tags: pure changes of its status. */
import { parseImageName, parseTagName } from './image-names.ts';
import type {
  ImageStream,
  ObjectReference,
  TagCondition,
  TagEvent,
  TagHistory,
  TagReference,
} from './shapes.ts';

type Tags = readonly TagHistory[];

const byTag = (one: { readonly tag: string }, other: { readonly tag: string }): number =>
  one.tag < other.tag ? -1 : one.tag > other.tag ? 1 : 0;

const put = (tags: Tags, history: TagHistory): Tags =>
  [...tags.filter(({ tag }) => tag !== history.tag), history].sort(byTag);

export const historyOf = ({ status }: ImageStream, tag: string): TagHistory | undefined =>
  (status?.tags ?? []).find((one) => one.tag === tag);

export const latestEvent = (stream: ImageStream, tag: string): TagEvent | undefined =>
  historyOf(stream, tag)?.items?.at(0);

export const specTagOf = ({ spec }: ImageStream, tag: string): TagReference | undefined =>
  (spec?.tags ?? []).find(({ name }) => name === tag);

const withTags = (stream: ImageStream, tags: Tags): ImageStream => ({
  ...stream,
  status: { ...stream.status, tags },
});

/** The newest first; what only comes again under another generation changes the one that is there. */
export const withEvent = (stream: ImageStream, tag: string, event: TagEvent): ImageStream => {
  const { items } = historyOf(stream, tag) ?? {};
  const [latest, ...older] = items ?? [];
  const isSame = latest?.image === event.image && latest.dockerImageReference === event.dockerImageReference;
  const next = isSame ? [{ ...latest, generation: event.generation }, ...older] : [event, ...(items ?? [])];
  // Its condition goes: it was about what came before.
  return withTags(stream, put(stream.status?.tags ?? [], { tag, items: next }));
};

/** What was imported before stays. */
export const withFailure = (stream: ImageStream, tag: string, condition: TagCondition): ImageStream =>
  withTags(
    stream,
    put(stream.status?.tags ?? [], {
      tag,
      items: historyOf(stream, tag)?.items ?? null,
      conditions: [condition],
    }),
  );

/** `tag` or `stream:tag`, `digest` or `stream@digest`: of which stream, and what of it. */
export interface Pointer {
  /** Undefined for the stream that points. */
  readonly stream: string | undefined;
  readonly tag?: string;
  readonly digest?: string;
}

export const pointerOf = ({ kind, name = '' }: ObjectReference): Pointer | undefined => {
  if (kind === 'ImageStreamTag') {
    const parsed = parseTagName(name);
    if (parsed !== undefined) return parsed;
    return name === '' || name.includes(':') ? undefined : { stream: undefined, tag: name };
  }
  if (kind !== 'ImageStreamImage') return undefined;
  const parsed = parseImageName(name);
  if (parsed !== undefined) return parsed;
  return name === '' || name.includes('@') ? undefined : { stream: undefined, digest: name };
};

/** The event that a pointer means; undefined while there is none. */
export const eventAt = (stream: ImageStream, { tag, digest }: Pointer): TagEvent | undefined =>
  tag === undefined
    ? (stream.status?.tags ?? [])
        .flatMap(({ items }) => items ?? [])
        .find(({ image }) => image === digest || (digest !== undefined && image.startsWith(digest)))
    : latestEvent(stream, tag);

/** Where a tag's image is pulled from: through the internal registry, if the tag asks for that. */
export const pullSpecOf = (stream: ImageStream, tag: string): string | undefined => {
  const event = latestEvent(stream, tag);
  if (event === undefined) return undefined;
  const repository = stream.status?.dockerImageRepository;
  return specTagOf(stream, tag)?.referencePolicy?.type === 'Local' && repository !== undefined
    ? `${repository}@${event.image}`
    : event.dockerImageReference;
};

/** The newest generation of which it is known how its import went. */
const observedGeneration = (stream: ImageStream, tag: string): number => {
  const { items, conditions = [] } = historyOf(stream, tag) ?? {};
  return Math.max(items?.at(0)?.generation ?? 0, ...conditions.map(({ generation }) => generation), 0);
};

const isImportable = ({ from, reference }: TagReference): boolean =>
  from?.kind === 'DockerImage' && (from.name ?? '') !== '' && reference !== true;

export const needsImport = (stream: ImageStream, tag: TagReference): boolean =>
  isImportable(tag) && (tag.generation ?? 0) > observedGeneration(stream, tag.name);
