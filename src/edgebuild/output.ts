import { edgeBuildKind, apiVersion } from '../api/edgebuild.ts';
import type { Reason } from '../api/conditions.ts';
import { platformNames, type PlatformName } from '../api/platforms.ts';
import { imageNames, outputStream } from '../engines/openshift/desired/output-stream.ts';
import { childTag, type Destination, indexTag } from '../engines/openshift/names.ts';
import { hasLabel, holds, tagNow } from '../engines/openshift/streams.ts';
import type { ImageStream, OpenShiftObject } from '../engines/openshift/types.ts';
import type { Facts, PlatformFacts } from './facts.ts';
import type { Observed } from './observe.ts';
import type { Unread } from './images.ts';
import { publishable } from './publication.ts';

/** An index to be put to the registry before the tag can move to it. */
export interface IndexWanted {
  readonly repository: string;
  readonly tag: string;
  readonly images: readonly { readonly platform: PlatformName; readonly digest: string }[];
}

/** What is to be published, as far as it can be now. */
export interface Publication {
  /** What the tag is to mean now; undefined: what it means already. */
  readonly digest: string | undefined;
  /** Of an index: the images in it. */
  readonly children?: IndexWanted['images'];
  readonly index: IndexWanted | undefined;
  readonly unread: readonly Unread[];
  readonly isWanted: boolean;
}

const nothing: Publication = { digest: undefined, index: undefined, unread: [], isWanted: false };
/** It is decided to publish; what is not said here is not known yet. */
const publishing: Publication = { ...nothing, isWanted: true };

/** All or nothing: until every platform that must be there is verified, the tag stays where it is. */
export const publicationOf = (observed: Observed, facts: readonly PlatformFacts[]): Publication => {
  const { publish } = observed.spec;
  // Where some are enough, those that no node can build are not waited for.
  const isOver = facts.every(
    ({ state, reason }) =>
      state !== 'Building' && (state !== 'Waiting' || (publish === 'Succeeded' && ofNodes.includes(reason))),
  );
  if (!isOver) return nothing;
  const names = publishable(publish, facts);
  const images = facts.flatMap(({ platform, digest }) =>
    names.includes(platform) && digest !== undefined ? [{ platform, digest }] : [],
  );
  const [first, second] = images;
  if (first === undefined) return nothing;
  if (images.length < facts.length) {
    const earlier = publishedWith(observed, images);
    if (earlier !== undefined) return earlier;
  }
  if (second === undefined) return { ...publishing, digest: first.digest };
  return ofSeveral(observed, images);
};

const ofNodes: readonly Reason[] = ['NativeUnavailable', 'EmulationUnavailable'];

/** What is published has all of these already, and more: a platform that fails then takes nothing away. */
const publishedWith = (observed: Observed, images: IndexWanted['images']): Publication | undefined => {
  const { destination, outputStream: output, status } = observed;
  const before = status?.image?.digest;
  if (before === undefined || !holds(output, before)) return undefined;
  const children = observed.index(before);
  if (children === undefined)
    return { ...publishing, unread: [{ stream: destination.stream, tag: destination.tag, digest: before }] };
  return images.every(({ digest }) => children.includes(digest))
    ? { ...publishing, digest: before }
    : undefined;
};

const ofSeveral = (observed: Observed, images: IndexWanted['images']): Publication => {
  const { destination, outputStream: output } = observed;
  const tag = indexTag(destination);
  const held = tagNow(output, tag);
  const children = held === undefined ? undefined : observed.index(held);
  if (held !== undefined && children === undefined)
    return { ...publishing, unread: [{ stream: destination.stream, tag }] };
  const isThere =
    children?.length === images.length && images.every(({ digest }) => children.includes(digest));
  if (isThere) return { ...publishing, digest: held, children: images };
  const repository = output?.status?.dockerImageRepository ?? '';
  return { ...publishing, index: { repository, tag, images } };
};

/** Undefined: nothing of it would change. */
export const wantedOutput = (observed: Observed, publication: Publication): OpenShiftObject | undefined => {
  const { destination, outputStream: live, spec, name, uid } = observed;
  const isPart = spec.output.deletionPolicy === 'Delete';
  const owner = isPart ? { apiVersion, kind: edgeBuildKind, name, uid } : undefined;
  const digest = publication.digest ?? publishedBefore(observed);
  const target = digest !== undefined && holds(live, digest) ? digest : undefined;
  const pointed = pointedAt(live, destination, target);
  const isMoved = pointed !== undefined && isPushedOver(live, destination.tag, target);
  const wording = (pointed === 'alone') === isMoved ? 'within the stream' : 'alone';
  const children = childrenOf(observed, publication);
  const wanted = outputStream(destination, target, owner, wording, children);
  const isOwned = live?.metadata.ownerReferences?.some((one) => one.uid === uid) ?? false;
  const isThere = target === undefined || (pointed !== undefined && !isMoved);
  const held = childrenNow(observed);
  // Those of an earlier index go with it, unless somebody else holds them, too.
  const areChildren = Object.entries(children).every(([tag, image]) => held[tag] === image);
  const isAtRest = live !== undefined && hasLabel(live) && isOwned === isPart && isThere && areChildren;
  return isAtRest ? undefined : wanted;
};

/** The images of the published index by tag: of the next one, or of that which stays. */
const childrenOf = (
  observed: Observed,
  { digest, children = [] }: Publication,
): Readonly<Record<string, string>> =>
  digest === undefined || (digest === publishedBefore(observed) && children.length === 0)
    ? childrenNow(observed)
    : Object.fromEntries(
        children.map((child) => [childTag(observed.destination, child.platform), child.digest]),
      );

const childrenNow = ({ outputStream: live, destination }: Observed): Readonly<Record<string, string>> =>
  Object.fromEntries(
    platformNames.flatMap((platform) => {
      const tag = childTag(destination, platform);
      const from = live?.spec?.tags
        ?.find(({ name }) => name === tag)
        ?.from?.name.split('@')
        .at(-1);
      return from === undefined ? [] : [[tag, from]];
    }),
  );

/** What the tag means while nothing new is to be published: of another tag than before, nothing yet. */
const publishedBefore = ({ outputStream: live, destination, status }: Observed): string | undefined => {
  const { digest, tag } = status?.image ?? {};
  const isHere =
    tag === undefined ? pointedAt(live, destination, digest) !== undefined : tag === nameOf(destination);
  return isHere ? digest : undefined;
};

const nameOf = ({ stream, tag }: Destination): string => `${stream}:${tag}`;

/** How the tag's `from` names an image; undefined: it names another one, or none. */
const pointedAt = (
  stream: ImageStream | undefined,
  { stream: name, tag }: Destination,
  digest: string | undefined,
): keyof typeof imageNames | undefined => {
  const from = stream?.spec?.tags?.find((one) => one.name === tag)?.from?.name;
  const wordings = ['within the stream', 'alone'] as const;
  return digest === undefined ? undefined : wordings.find((one) => imageNames[one](name, digest) === from);
};

/** Somebody pushed to the tag after we had pointed it at something. */
const isPushedOver = (stream: ImageStream | undefined, tag: string, digest: string | undefined): boolean => {
  const spec = stream?.spec?.tags?.find((one) => one.name === tag);
  const item = stream?.status?.tags?.find((one) => one.tag === tag)?.items?.at(0);
  return item !== undefined && item.image !== digest && item.generation >= (spec?.generation ?? 0);
};

/** What users pull, once the tag has moved. */
export const publishedImage = (
  { outputStream: stream, destination, status }: Observed,
  digest: string | undefined,
  now: string,
): Facts['published'] => {
  if (digest === undefined || tagNow(stream, destination.tag) !== digest) return undefined;
  const reference = `${stream?.status?.dockerImageRepository ?? destination.stream}@${digest}`;
  const before = status?.image;
  return {
    reference,
    digest,
    tag: nameOf(destination),
    publishedAt: before?.digest === digest ? before.publishedAt : now,
  };
};
