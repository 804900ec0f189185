import type { Platform } from '../api/platforms.ts';
import { declaredName, declares } from './declared.ts';
import { ImageError } from './errors.ts';
import type { ImageEntry } from './image.ts';

/** Build attestations stand in lists as images of the platform unknown/unknown. */
const isAttestation = ({ platform }: ImageEntry): boolean => platform?.os === 'unknown';

const named = (entries: readonly ImageEntry[]): string =>
  entries
    .map(({ platform, digest }) => (platform === undefined ? digest : declaredName(platform)))
    .join(', ') || 'nothing';

/**
 * Which of a source's images is meant. `single`: the reference names one image, not a list.
 * Throws ImageError: NoSuchPlatform, Ambiguous, ImageNotFound.
 */
export const selectEntry = <T extends ImageEntry>(
  reference: string,
  all: readonly T[],
  single: boolean,
  platform: Platform | undefined,
): T => {
  const entries = all.filter((entry) => !isAttestation(entry));
  const [first] = entries;
  if (first === undefined) throw new ImageError('ImageNotFound', `${reference}: there is no image in it`);
  if (single) return first;
  if (platform === undefined) {
    if (entries.length === 1) return first;
    throw new ImageError('Ambiguous', `${reference}: holds ${named(entries)}: name a platform`);
  }
  const fitting = entries.filter(
    (entry) => entry.platform !== undefined && declares(entry.platform, platform),
  );
  // Of several levels of x86 the plainest runs everywhere.
  const plainest = fitting.filter((entry) => (entry.platform?.variant ?? '') === '');
  const chosen = plainest.length > 0 ? plainest : fitting;
  const [found] = chosen;
  if (found === undefined)
    throw new ImageError(
      'NoSuchPlatform',
      `${reference}: no image for ${platform.name}; there is ${named(entries)}`,
    );
  if (new Set(chosen.map(({ digest }) => digest)).size > 1)
    throw new ImageError(
      'Ambiguous',
      `${reference}: several images for ${platform.name} (${chosen.map(({ digest }) => digest).join(', ')}): name one by its tag`,
    );
  return found;
};
