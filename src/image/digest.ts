import { createHash } from 'node:crypto';
import { ImageError } from './errors.ts';

/** A digest whose algorithm we check and whose text is safe in a path: `sha256:` or `sha512:` and its hex. */
const form = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export const isDigest = (text: string): boolean => form.test(text);

export const digestOf = (bytes: Buffer): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** What a stream of bytes has to turn out to be. */
export interface Expected {
  readonly digest: string | undefined;
  readonly size: number | undefined;
  /** For messages: what it is and where. */
  readonly where: string;
}

/**
 * Passes the bytes on and, at their end, throws ImageError (Truncated, Corrupt) if they were not the expected ones; so
 * whoever stops early has checked nothing. More bytes than expected end the stream at once.
 */
export async function* checked(
  bytes: AsyncIterable<Buffer>,
  expected: Expected,
): AsyncGenerator<Buffer, void> {
  const { digest, size, where } = expected;
  if (digest !== undefined && !isDigest(digest))
    throw new ImageError(
      'Unsupported',
      `${where}: digest ${digest.slice(0, 80)}: only sha256 and sha512 are known`,
    );
  const hash = digest === undefined ? undefined : createHash(digest.slice(0, digest.indexOf(':')));
  let seen = 0;
  for await (const chunk of bytes) {
    seen += chunk.length;
    if (size !== undefined && seen > size)
      throw new ImageError(
        'Corrupt',
        `${where}: longer than the ${size} bytes its descriptor says: fetch it again`,
      );
    hash?.update(chunk);
    yield chunk;
  }
  if (size !== undefined && seen < size)
    throw new ImageError('Truncated', `${where}: ends after ${seen} of ${size} bytes: fetch it again`);
  if (hash === undefined || digest === undefined) return;
  const actual = digest.slice(0, digest.indexOf(':') + 1) + hash.digest('hex');
  if (actual !== digest)
    throw new ImageError(
      'Corrupt',
      `${where}: its content is ${actual}, not ${digest}: fetch or build it again`,
    );
}

/** All the bytes, for what is small by its nature. Throws TooLarge beyond `limit` bytes. */
export const collect = async (
  bytes: AsyncIterable<Buffer>,
  limit: number,
  where: string,
): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > limit)
      throw new ImageError('TooLarge', `${where}: more than the ${limit} bytes that are read of its kind`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};
