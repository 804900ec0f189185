import { pipeline } from 'node:stream';
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib';
import { checked } from './digest.ts';
import { ImageError } from './errors.ts';
import type { Blob } from './files.ts';

/** A layer of an image. */
export interface Layer {
  /** Of the stored, perhaps compressed, bytes; of a docker-archive, which states none, the diffID. */
  readonly digest: string;
  readonly mediaType: string;
  /** Stored bytes. */
  readonly size: number;
  /**
   * The plain tar. Both digests, stored and plain, are checked on the way: reading to the end throws ImageError
   * (Truncated, Corrupt, Unreadable) if they differ, stopping earlier has checked nothing.
   */
  readonly open: (signal?: AbortSignal) => AsyncIterable<Buffer>;
}

interface LayerFacts {
  /** Absent where nothing states it. */
  readonly digest?: string;
  readonly diffId: string;
  readonly mediaType: string;
  readonly size: number;
  /** For messages. */
  readonly where: string;
}

/** What decompression hands out at once. */
const CHUNK = 256 * 1024;

/**
 * The layer in a blob. Compression is told by the first bytes, as every engine does: media types are sometimes wrong,
 * and a docker-archive has none. Zstandard windows of more than 128 MiB are refused.
 */
export const layerOf = (blob: Blob, facts: LayerFacts): Layer => {
  const { digest, diffId, mediaType, size, where } = facts;
  return {
    digest: digest ?? diffId,
    mediaType,
    size,
    async *open(signal) {
      const stored = blob.read(signal);
      const what = `${where}, layer ${digest ?? diffId}`;
      // A plain layer whose two digests are one is hashed once.
      if (digest === diffId) {
        yield* checked(plain(stored, what), { digest, size, where: what });
        return;
      }
      const bytes = checked(stored, { digest, size, where: what });
      yield* checked(plain(bytes, what), { digest: diffId, size: undefined, where: `${what}, unpacked` });
    },
  };
};

async function* plain(stored: AsyncIterable<Buffer>, where: string): AsyncGenerator<Buffer, void> {
  const source = stored[Symbol.asyncIterator]();
  try {
    const first = await source.next();
    if (first.done === true) return;
    const rest = chain(first.value, source);
    const unpack = decompressor(first.value);
    if (unpack === undefined) yield* rest;
    else yield* decompressed(rest, unpack, where);
  } finally {
    await source.return?.();
  }
}

async function* chain(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

const decompressor = (first: Buffer): Gunzip | ZstdDecompress | undefined => {
  if (first[0] === 0x1f && first[1] === 0x8b) return createGunzip({ chunkSize: CHUNK });
  if (first.length >= 4 && first.readUInt32BE(0) === 0x28b52ffd)
    return createZstdDecompress({ chunkSize: CHUNK });
  return undefined;
};

async function* decompressed(
  bytes: AsyncIterable<Buffer>,
  unpack: Gunzip | ZstdDecompress,
  where: string,
): AsyncGenerator<Buffer, void> {
  // A failure of the source ends `unpack` with the source's error, so whoever reads it sees that one.
  pipeline(bytes, unpack, () => undefined);
  try {
    for await (const chunk of unpack as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    throw decompressionError(error, where);
  }
}

const decompressionError = (error: unknown, where: string): unknown => {
  const code = (error as { code?: unknown } | null)?.code;
  if (error instanceof ImageError || typeof code !== 'string') return error;
  if (code === 'Z_BUF_ERROR')
    return new ImageError('Truncated', `${where}: its compressed bytes end early: fetch it again`);
  if (code === 'ZSTD_error_frameParameter_windowTooLarge')
    return new ImageError(
      'TooLarge',
      `${where}: its zstd window is larger than 128 MiB: compress it without --long`,
    );
  if (/^(?:Z_|ZSTD_)/.test(code))
    return new ImageError(
      'Corrupt',
      `${where}: its compressed bytes are damaged (${code}): fetch or build it again`,
    );
  return error;
};
