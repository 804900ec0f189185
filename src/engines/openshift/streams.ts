import { managedBy } from './names.ts';
import type { ImageStream } from './types.ts';

/** The digest that a tag of an ImageStream means now. */
export const tagNow = (stream: ImageStream | undefined, tag: string): string | undefined =>
  stream?.status?.tags?.find((one) => one.tag === tag)?.items?.at(0)?.image;

/** Whether an ImageStream has an image, under whatever tag. */
export const holds = (stream: ImageStream | undefined, digest: string): boolean =>
  stream?.status?.tags?.some(({ items }) => items?.some(({ image }) => image === digest)) ?? false;

/** That EdgeBuild has made it, or was given it. */
export const hasLabel = ({ metadata }: ImageStream): boolean =>
  Object.entries(managedBy).every(([key, value]) => metadata.labels?.[key] === value);
