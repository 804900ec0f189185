import { platformOf } from '../../api/platforms.ts';
import type { Base } from './bases.ts';
import type { ImageFacts, ImageStream } from './types.ts';

/** How the import of a base image stands. */
export type Imported =
  | { readonly state: 'Pending' }
  /** What came was not looked at yet. */
  | { readonly state: 'Unread'; readonly digest: string }
  | { readonly state: 'Ready'; readonly digest: string }
  | { readonly state: 'Failed'; readonly reason: ImportFailure; readonly message: string };

export type ImportFailure = 'BaseImageUnavailable' | 'RegistryUnreachable' | 'BaseImageWrongArchitecture';

/**
 * What became of a base image. What came back is checked: of an image that has no such architecture, OpenShift imports
 * the one for amd64 instead, and says nothing.
 *
 * @param stream as it is: its spec must be the desired one already.
 * @param known what is known of images, by digest: which never changes.
 */
export const importedOf = (
  stream: ImageStream | undefined,
  base: Base,
  known: (digest: string) => ImageFacts | undefined,
): Imported => {
  const wanted = stream?.spec?.tags?.find(({ name }) => name === base.tag);
  const tag = stream?.status?.tags?.find(({ tag: name }) => name === base.tag);
  const generation = wanted?.generation ?? 0;
  const failure = tag?.conditions?.find(({ type, status }) => type === 'ImportSuccess' && status === 'False');
  // What was imported before stays when an import fails: of an image that was there, the failure is not the end.
  const item = tag?.items?.at(0);
  if (item === undefined && failure !== undefined && failure.generation >= generation)
    return failed(base, failure);
  if (item === undefined) return { state: 'Pending' };
  const facts = known(item.image);
  if (facts === undefined) return { state: 'Unread', digest: item.image };
  if (isOf(base, facts)) return { state: 'Ready', digest: item.image };
  return {
    state: 'Failed',
    reason: 'BaseImageWrongArchitecture',
    message: `${base.image} has no ${base.platform}: what came is ${facts.architecture === '' ? 'an index' : facts.architecture}; name another image for it in spec.baseImages`,
  };
};

/**
 * By its configuration. Some images for one architecture say that they are of another one, and only the build shows it;
 * those must be named by their own digest, so that nobody else's choice is judged here. Of an index that is named by its digest,
 * OpenShift takes the image for amd64, whatever was asked for.
 */
const isOf = (base: Base, facts: ImageFacts): boolean =>
  facts.architecture === platformOf(base.platform).architecture || base.image.endsWith(`@${facts.digest}`);

const failed = (
  { image }: Base,
  { reason = '', message = '' }: { readonly reason?: string; readonly message?: string },
): Imported => {
  const isUnreachable = reason === 'InternalError' && /dial tcp|timeout|no such host|refused/i.test(message);
  return isUnreachable
    ? {
        state: 'Failed',
        reason: 'RegistryUnreachable',
        message: `the registry of ${image} does not answer; it is asked again every few minutes`,
      }
    : {
        state: 'Failed',
        reason: 'BaseImageUnavailable',
        message: `${image} cannot be imported (${reason === '' ? 'ImportFailed' : reason}): check its name, and the pull secret that spec.baseImages names for it`,
      };
};
