import { ImageError } from './errors.ts';
import {
  decodeHeader,
  decodePax,
  sparseStart,
  type PaxRecords,
  type SparseStart,
  type TarHeader,
} from './tarheader.ts';
import type { Range } from './elf.ts';

/** One member of a tar. Names are its bytes as latin1, so that no two names become one by decoding. */
export interface TarEntry {
  readonly name: string;
  readonly linkname: string;
  readonly type: TarHeader['type'];
  /** Permission bits. */
  readonly mode: number;
  /** Bytes stored in the tar: of a sparse file less than it will have. */
  readonly size: number;
  /** Where the stored bytes begin, counted from the start of the tar. */
  readonly offset: number;
  /** Present if the file is stored with its holes left out. */
  readonly sparse?: SparseStart;
}

/**
 * Who looks at a tar. Bytes are valid during the call only: copy what is kept.
 *
 * Invariant: each wanted range begins at or after the end of the one before, and is at most MAX_WANTED long.
 */
export interface TarVisitor {
  /** Returns the first range wanted of the stored bytes. */
  readonly entry: (entry: TarEntry) => Range | undefined;
  /** Gets the wanted range, shorter only where the stored bytes end; returns the next. */
  readonly body?: (entry: TarEntry, bytes: Buffer, range: Range) => Range | undefined;
}

/**
 * Reads a tar that is pushed in chunks of any size. Memory: at most one name record or wanted range (1 MiB), whatever
 * the tar claims. Throws ImageError: Corrupt, TooLarge; `end` throws Truncated.
 */
export interface TarReader {
  readonly write: (chunk: Buffer) => void;
  readonly end: () => void;
  /** How many of the coming bytes nobody wants to see; the caller may leave out up to as many by `skip`. */
  readonly skippable: () => number;
  readonly skip: (bytes: number) => void;
}

const BLOCK = 512;
/** Go's archive/tar, which every container engine extracts with, refuses larger pax headers and long names. */
const MAX_RECORD = 1024 * 1024;
const MAX_WANTED = 1024 * 1024;
/** PATH_MAX of Linux, without its NUL. */
const MAX_NAME = 4095;

const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

/** What the extended headers before a member said of it. */
interface Extended {
  pax: PaxRecords | undefined;
  longName: string | undefined;
  longLink: string | undefined;
}

/**
 * The semantics are those of Go's archive/tar [read: reader.go, strconv.go], because what podman, docker and containerd
 * unpack is what runs: global pax headers are ignored, a link, directory or device has no body whatever its size says,
 * two zero blocks end the archive and what follows is not looked at, an end without them is an end.
 */
export const tarReader = (visitor: TarVisitor, where: string): TarReader => {
  const nothing: Extended = { pax: undefined, longName: undefined, longLink: undefined };
  let extended = { ...nothing };
  let position = 0;
  let skipping = 0;
  let need = BLOCK;
  let step: (bytes: Buffer) => void;
  let partial: Buffer | undefined;
  let filled = 0;
  let zeroBlocks = 0;
  let done = false;

  const corrupt = (text: string): ImageError =>
    new ImageError('Corrupt', `${where}: ${text} at byte ${position}: fetch or build it again`);
  const expect = (bytes: number, next: (bytes: Buffer) => void): void => {
    need = bytes;
    step = next;
  };

  const readHeader = (block: Buffer): void => {
    const header = decodeHeader(block);
    if (header === 'zero') {
      zeroBlocks += 1;
      done = zeroBlocks === 2;
      return;
    }
    if (typeof header === 'string') throw corrupt(header);
    if (zeroBlocks > 0) throw corrupt('a tar member after the end mark');
    if (header.record !== undefined) {
      readRecord(header, header.record);
      return;
    }
    if (header.moreSparse)
      expect(BLOCK, (more) => {
        if (more[504] === 0) {
          openEntry(header);
        }
      });
    else openEntry(header);
  };

  const readRecord = (header: TarHeader, record: NonNullable<TarHeader['record']>): void => {
    if (header.size > MAX_RECORD)
      throw new ImageError(
        'TooLarge',
        `${where}: a name or pax header of ${header.size} bytes at byte ${position}; at most ${MAX_RECORD} are read`,
      );
    const take = (bytes: Buffer): void => {
      skipping = padded(header.size) - header.size;
      expect(BLOCK, readHeader);
      const text = (): string =>
        bytes.toString('latin1', 0, bytes.includes(0) ? bytes.indexOf(0) : bytes.length);
      if (record === 'longName') extended.longName = text();
      if (record === 'longLink') extended.longLink = text();
      if (record === 'paxGlobal') extended = { ...nothing };
      if (record !== 'pax') return;
      const pax = decodePax(bytes);
      if (typeof pax === 'string') throw corrupt(pax);
      extended.pax = pax;
    };
    if (header.size === 0) take(Buffer.alloc(0));
    else expect(header.size, take);
  };

  const openEntry = (header: TarHeader): void => {
    const entry = entryOf(header, extended, position);
    if (typeof entry === 'string') throw corrupt(entry);
    if (entry.name.length > MAX_NAME || entry.linkname.length > MAX_NAME)
      throw corrupt('a name longer than any path');
    extended = { ...nothing };
    deliver(entry, visitor.entry(entry), 0);
  };

  /** Goes on in the body of an entry of which `seen` bytes were consumed. */
  const deliver = (entry: TarEntry, range: Range | undefined, seen: number): void => {
    if (range === undefined || range.offset >= entry.size || range.length <= 0) {
      skipping = padded(entry.size) - seen;
      expect(BLOCK, readHeader);
      return;
    }
    if (range.offset < seen || range.length > MAX_WANTED)
      throw new Error('a tar visitor asked for bytes it cannot get');
    const length = Math.min(range.length, entry.size - range.offset);
    skipping = range.offset - seen;
    expect(length, (bytes) => {
      deliver(entry, visitor.body?.(entry, bytes, range), range.offset + length);
    });
  };

  /** The next `need` bytes in one piece: a view of the chunk where it holds them, else collected; undefined if not yet there. */
  const collect = (chunk: Buffer, at: number): Buffer | undefined => {
    const available = chunk.length - at;
    if (filled === 0 && available >= need) return chunk.subarray(at, at + need);
    partial ??= Buffer.allocUnsafe(need);
    const taken = Math.min(available, need - filled);
    chunk.copy(partial, filled, at, at + taken);
    filled += taken;
    if (filled < need) return undefined;
    const whole = partial;
    partial = undefined;
    filled = 0;
    return whole;
  };

  const write = (chunk: Buffer): void => {
    let at = 0;
    while (at < chunk.length && !done) {
      const skipped = Math.min(skipping, chunk.length - at);
      skipping -= skipped;
      at += skipped;
      position += skipped;
      if (at === chunk.length) return;
      const missing = need - filled;
      const bytes = collect(chunk, at);
      const consumed = Math.min(missing, chunk.length - at);
      at += consumed;
      position += consumed;
      if (bytes !== undefined) step(bytes);
    }
  };

  step = readHeader;
  return {
    write,
    end: () => {
      const between = step === readHeader && filled === 0 && skipping === 0;
      const unfinished =
        extended.pax !== undefined || extended.longName !== undefined || extended.longLink !== undefined;
      if (done || (between && !unfinished)) return;
      throw new ImageError(
        'Truncated',
        `${where}: the tar ends at byte ${position}, inside a member: fetch it again`,
      );
    },
    skippable: () => (done ? Infinity : filled === 0 ? skipping : 0),
    skip: (bytes) => {
      skipping -= bytes;
      position += bytes;
    },
  };
};

const entryOf = (header: TarHeader, extended: Extended, offset: number): TarEntry | string => {
  const { pax } = extended;
  const size = header.bodiless ? 0 : (pax?.size ?? header.size);
  const sparse = sparseStart(header, pax);
  if (typeof sparse === 'string') return sparse;
  return {
    name:
      (sparse === undefined ? undefined : pax?.sparse.name) ?? extended.longName ?? pax?.path ?? header.name,
    linkname: extended.longLink ?? pax?.linkpath ?? header.linkname,
    type: header.type,
    mode: header.mode,
    size,
    offset,
    ...(sparse === undefined ? {} : { sparse }),
  };
};
