import { constants, open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, ImageError } from './errors.ts';
import { components } from './names.ts';
import { tarReader } from './tar.ts';

/** One file of an image's files: read by position, as often as one likes, several at a time. */
export interface Blob {
  readonly size: number;
  readonly read: (signal?: AbortSignal) => AsyncIterable<Buffer>;
}

/** Where an image's files lie: a directory or a plain tar archive. */
export interface Files {
  /** For messages. */
  readonly where: string;
  /** The file of this name, a relative path; undefined if there is none. */
  readonly get: (name: string) => Promise<Blob | undefined>;
  readonly close: () => Promise<void>;
}

/** Large enough that the calls cost little, small enough that a few of them do not count. */
const CHUNK = 256 * 1024;
/** An archive of an image has a file or three a layer. */
const MAX_MEMBERS = 100_000;
const MAX_LINKS = 8;

/** Opens a regular file; waits for nothing if it is a pipe. */
const openFile = async (path: string): Promise<{ handle: FileHandle; size: number }> => {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await handle.stat();
    if (stat.isFile()) return { handle, size: stat.size };
    await handle.close();
  } catch (error) {
    throw fileError(error, path);
  }
  throw new ImageError(
    'Unreadable',
    `${path}: not a file: give an archive, or the directory of an OCI layout`,
  );
};

/** The bytes of an open file, one chunk ahead of whoever takes them. Ends early if the file does. */
async function* readAt(handle: FileHandle, path: string, start: number, size: number, signal?: AbortSignal) {
  const end = start + size;
  const next = (position: number): Promise<Buffer> | undefined => {
    if (position >= end) return undefined;
    const wanted = Buffer.allocUnsafeSlow(Math.min(CHUNK, end - position));
    const read = handle.read(wanted, 0, wanted.length, position).then(
      ({ bytesRead }) => wanted.subarray(0, bytesRead),
      (error: unknown) => {
        throw fileError(error, path);
      },
    );
    // It is awaited later, or, if the taker stops, never.
    read.catch(() => undefined);
    return read;
  };
  let position = start;
  for (let ahead = next(position); ahead !== undefined;) {
    signal?.throwIfAborted();
    const chunk = await ahead;
    if (chunk.length === 0) return;
    position += chunk.length;
    ahead = next(position);
    yield chunk;
  }
}

export const directoryFiles = (directory: string): Files => ({
  where: directory,
  get: async (name) => {
    const path = join(directory, name);
    const opened = await openFile(path).catch((error: unknown) => {
      if (error instanceof ImageError && error.code === 'ImageNotFound') return undefined;
      throw error;
    });
    if (opened === undefined) return undefined;
    await opened.handle.close();
    return {
      size: opened.size,
      async *read(signal) {
        const { handle, size } = await openFile(path);
        try {
          yield* readAt(handle, path, 0, size, signal);
        } finally {
          await handle.close();
        }
      },
    };
  },
  close: () => Promise.resolve(),
});

type Member = { readonly offset: number; readonly size: number } | { readonly link: string };

/**
 * Indexes a plain tar by one scan over its headers; its files are then read in place, nothing is unpacked.
 *
 * Throws ImageError: ImageNotFound, Unreadable, Unsupported (compressed), Truncated, Corrupt, TooLarge.
 */
export const archiveFiles = async (path: string, signal?: AbortSignal): Promise<Files> => {
  const { handle, size } = await openFile(path);
  try {
    await refuseCompressed(handle, path);
    const members = await scan(handle, path, size, signal);
    return {
      where: path,
      get: (name) => {
        const member = follow(members, name);
        if (member === undefined) return Promise.resolve(undefined);
        return Promise.resolve({
          size: member.size,
          read: (signal) => readAt(handle, path, member.offset, member.size, signal),
        });
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
};

const compressions: readonly (readonly [string, string])[] = [
  ['1f8b', 'gunzip'],
  ['28b52ffd', 'unzstd'],
  ['425a68', 'bunzip2'],
  ['fd377a58', 'unxz'],
];

const refuseCompressed = async (handle: FileHandle, path: string): Promise<void> => {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
  const magic = buffer.subarray(0, bytesRead).toString('hex');
  const found = compressions.find(([prefix]) => magic.startsWith(prefix));
  if (found !== undefined)
    throw new ImageError(
      'Unsupported',
      `${path}: the archive as a whole is compressed: unpack it with ${found[1]} first (compressed layers are fine)`,
    );
};

const scan = async (
  handle: FileHandle,
  path: string,
  size: number,
  signal: AbortSignal | undefined,
): Promise<Map<string, Member>> => {
  const members = new Map<string, Member>();
  let count = 0;
  const reader = tarReader(
    {
      entry: ({ name, type, linkname, offset, size: bytes }) => {
        count += 1;
        if (count > MAX_MEMBERS)
          throw new ImageError(
            'TooLarge',
            `${path}: more than ${MAX_MEMBERS} members: not an archive of an image`,
          );
        const key = components(name).names.join('/');
        if (type === 'file') members.set(key, { offset, size: bytes });
        if (type === 'symlink')
          members.set(key, { link: components(`${key}/../${linkname}`).names.join('/') });
        if (type === 'hardlink') members.set(key, { link: components(linkname).names.join('/') });
        return undefined;
      },
    },
    path,
  );
  for (let position = 0; position < size;) {
    signal?.throwIfAborted();
    const skipped = Math.min(reader.skippable(), size - position);
    if (skipped > 0) {
      if (skipped !== Infinity) reader.skip(skipped);
      position += skipped;
      continue;
    }
    const block = Buffer.allocUnsafe(Math.min(16 * 1024, size - position));
    const { bytesRead } = await handle.read(block, 0, block.length, position).catch((error: unknown) => {
      throw fileError(error, path);
    });
    if (bytesRead === 0) break;
    reader.write(block.subarray(0, bytesRead));
    position += bytesRead;
  }
  reader.end();
  return members;
};

const follow = (
  members: ReadonlyMap<string, Member>,
  name: string,
): { offset: number; size: number } | undefined => {
  let member = members.get(components(name).names.join('/'));
  for (let links = 0; member !== undefined && 'link' in member && links < MAX_LINKS; links += 1)
    member = members.get(member.link);
  return member === undefined || 'link' in member ? undefined : member;
};
