import { createHash } from 'node:crypto';
import type { PlatformName } from '../../api/platforms.ts';

/**
 * Names of what is made for an EdgeBuild: the same for the same EdgeBuild, for ever, and at most 63 characters, so that
 * each is a label's value, too. A name that would be longer is cut, and ends with a hash of the whole of it.
 */
const longest = 63;

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** `name` and `suffix`, within the limit. */
export const nameWith = (name: string, suffix: string): string => {
  const whole = `${name}${suffix}`;
  if (whole.length <= longest) return whole;
  const room = longest - suffix.length - 9;
  return `${name.slice(0, room).replace(/[-.]+$/, '')}-${hashOf(name)}${suffix}`;
};

/** A DNS label: Services take no dot. */
export const dnsLabel = (name: string): string => {
  const plain = name.replaceAll('.', '-');
  const isSame = plain === name && name.length <= longest && /^[a-z]/.test(name);
  if (isSame) return name;
  return (
    `${/^[a-z]/.test(plain) ? '' : 'e-'}${plain}`.slice(0, longest - 9).replace(/-+$/, '') +
    `-${hashOf(name)}`
  );
};

/** `linux/arm/v7` is `arm-v7`. */
export const shortName = (platform: PlatformName): string => platform.split('/').slice(1).join('-');

export const buildConfigName = (name: string, platform: PlatformName): string =>
  nameWith(name, `-${shortName(platform)}`);

/** An ImageStream's name has single separators: `a--b` is none. */
const streamName = (name: string, suffix: string): string => {
  const plain = name.replaceAll(/([-.])[-.]+/g, '$1');
  return plain === name ? nameWith(name, suffix) : nameWith(`${plain}-${hashOf(name)}`, suffix);
};

export const baseStreamName = (name: string): string => streamName(name, '-bases');

/** Of one EdgeBuild on a stream that it shares with others. At most 128 characters. */
export const fieldManagerOf = (name: string): string =>
  `edgebuild-${name.length > 118 ? nameWith(name, '') : name}`;

/** What users pull. */
export interface Destination {
  readonly stream: string;
  readonly tag: string;
}

export const destinationOf = (name: string, imageStreamTag: string | undefined): Destination => {
  const [stream = '', tag = 'latest'] = (imageStreamTag ?? `${streamName(name, '')}:latest`).split(':', 2);
  return { stream, tag };
};

/** Where a build of one platform pushes to. Nobody is meant to pull it. */
export const stagingTag = ({ tag }: Destination, platform: PlatformName): string =>
  `${tag}-${shortName(platform)}`;

/** Where an index of several platforms is put before the tag moves. */
export const indexTag = ({ tag }: Destination): string => `${tag}-index`;

/** Holds on to an image of an index that was published: who prunes does not see that it is used. */
export const childTag = (destination: Destination, platform: PlatformName): string =>
  `${indexTag(destination)}-${shortName(platform)}`;

/** The tag of a base image, readable as far as it goes. At most 128 characters. */
export const baseTag = (image: string, platform: PlatformName): string => {
  const readable = image.replace(/^docker\.io\/(library\/)?/, '').replaceAll(/[^A-Za-z0-9_.-]+/g, '-');
  const suffix = `-${shortName(platform)}-${hashOf(image)}`;
  return `${readable.slice(0, 100).replace(/^[-.]+/, '')}${suffix}`;
};

export const labelKeys = {
  /** On all that is made for an EdgeBuild: its name, cut as a label's value must be. */
  edgeBuild: 'edgebuild.io/edgebuild',
  /** `arm64`, `arm-v7`. */
  platform: 'edgebuild.io/platform',
  /** A hash of what a build is made of. OpenShift copies labels of a BuildConfig to each Build, whoever starts it. */
  inputs: 'edgebuild.io/inputs',
} as const;
/** A hash of how long a build may take and what it may use: a failed one is another build with other limits. */
export const limitsLabel = 'edgebuild.io/limits';
/** Of a Build that was cancelled because something else was wanted by then. */
export const supersededAnnotation = 'edgebuild.io/superseded';
/** Of a Build that was made again after a failure: which attempt it is. */
export const attemptAnnotation = 'edgebuild.io/attempt';

export const managedBy = { 'app.kubernetes.io/managed-by': 'edgebuild' } as const;

/** Labels of all that is made for one EdgeBuild. `part-of` groups it in OpenShift's topology view. */
export const labelsOf = (name: string): Readonly<Record<string, string>> => ({
  ...managedBy,
  'app.kubernetes.io/part-of': nameWith(name, ''),
  [labelKeys.edgeBuild]: nameWith(name, ''),
});
