import { elfHeader, elfOf, interpreterRange, type Elf, type ElfHeader, type Range } from './elf.ts';
import type { File } from './nodes.ts';
import type { TarEntry } from './tar.ts';

/** What is known of a file after some of its bytes, and the bytes wanted next. */
export interface HeadReading {
  readonly file: File | undefined;
  readonly range: Range | undefined;
}

/** Reads as little of each file as tells a program, a script and all else apart. One file after another. */
export interface HeadReader {
  readonly begin: (entry: TarEntry) => { readonly file: File; readonly range: Range | undefined };
  readonly go: (entry: TarEntry, bytes: Buffer, range: Range) => HeadReading;
}

/** Header, program headers and interpreter of nearly every program are in its first 4 KiB. */
const HEAD = 4096;
/** What a kernel reads of a `#!` line (include/uapi/linux/binfmts.h, BINPRM_BUF_SIZE). */
const LINE = 256;
/** The map of a GNU sparse 1.0 file that is read: 3000 fragments and more. */
const MAX_MAP = 65536;

const data = [
  { kind: 'data', executable: false },
  { kind: 'data', executable: true },
] as const;

export const headReader = (): HeadReader => {
  // Of the file being read: its first bytes where more are wanted, and what waits for them.
  let head: Buffer = Buffer.alloc(0);
  let waiting: ((bytes: Buffer) => HeadReading) | undefined;
  let executable = false;

  const plain = (): File => data[executable ? 1 : 0];
  const unread = (why: string): HeadReading => ({
    file: { kind: 'unread', why, executable },
    range: undefined,
  });
  const elf = (facts: Elf): HeadReading => ({
    file: { kind: 'elf', elf: facts, executable },
    range: undefined,
  });

  /** Bytes of the file, from the head or from the stream; what lies before the stream's place is out of reach. */
  const fetch = (
    wanted: Range,
    base: number,
    limit: number,
    then: (bytes: Buffer) => HeadReading,
  ): HeadReading => {
    const end = wanted.offset + wanted.length;
    if (end <= head.length) return then(head.subarray(wanted.offset, end));
    if (end > limit) return then(Buffer.alloc(0));
    const begun = head.subarray(Math.min(wanted.offset, head.length));
    waiting = (bytes) => then(begun.length === 0 ? bytes : Buffer.concat([begun, bytes]));
    const offset = Math.max(wanted.offset, head.length);
    return { file: undefined, range: { offset: base + offset, length: end - offset } };
  };

  const program = (header: ElfHeader, base: number, limit: number): HeadReading => {
    const table = header.programHeaders;
    if (table === 'unknown') return elf(elfOf(header, 'unknown'));
    return fetch(table, base, limit, (bytes) => {
      const interpreter = interpreterRange(header, bytes);
      if (typeof interpreter === 'string') return elf(elfOf(header, interpreter));
      const passed = Math.max(head.length, table.offset + table.length);
      if (interpreter.offset >= head.length && interpreter.offset < passed)
        return elf(elfOf(header, 'unknown'));
      if (
        interpreter.offset < head.length &&
        interpreter.offset + interpreter.length > head.length &&
        passed > head.length
      )
        return elf(elfOf(header, 'unknown'));
      return fetch(interpreter, base, limit, (path) =>
        elf(elfOf(header, path.length < interpreter.length ? 'unknown' : path)),
      );
    });
  };

  /** `bytes` are the file's first, `limit` is how many of the file stand in one piece from `base` on. */
  const judge = (bytes: Buffer, base: number, limit: number): HeadReading => {
    if (bytes.length >= 2 && bytes[0] === 0x23 && bytes[1] === 0x21) {
      const line = bytes.toString('latin1', 2, LINE - 1);
      const end = line.indexOf('\n');
      return {
        file: { kind: 'script', line: end === -1 ? line : line.slice(0, end), executable },
        range: undefined,
      };
    }
    const header = elfHeader(bytes);
    if (header === undefined) return { file: plain(), range: undefined };
    // The view of the chunk is good for this call only; a copy is made where a later call needs it.
    head = bytes;
    const reading = program(header, base, limit);
    if (reading.range !== undefined) head = Buffer.from(bytes);
    return reading;
  };

  const fragment = (base: number, first: { offset: number; length: number }, size: number): HeadReading => {
    if (first.offset > 0 || first.length === 0) return { file: plain(), range: undefined };
    if (first.length < HEAD && first.length < size - base)
      return unread('its first bytes are stored in fragments');
    const length = Math.min(HEAD, first.length);
    waiting = (bytes) => judge(bytes, base, first.length);
    return { file: undefined, range: { offset: base, length } };
  };

  /** The map `COUNT\nOFFSET\nLENGTH\n…` at the beginning of the stored bytes, padded to a block. */
  const mapInBody = (bytes: Buffer, size: number): HeadReading => {
    const lines = bytes.toString('latin1').split('\n', 20_000);
    const count = Number(lines[0]);
    if (!/^[0-9]{1,6}$/.test(lines[0] ?? '') || lines.length < 2 * count + 2)
      return unread('the map of its sparse parts is too long or malformed');
    if (count === 0) return { file: plain(), range: undefined };
    const mapLength = lines.slice(0, 2 * count + 1).reduce((sum, line) => sum + line.length + 1, 0);
    const base = Math.ceil(mapLength / 512) * 512;
    const first = { offset: Number(lines[1]), length: Number(lines[2]) };
    if (!Number.isSafeInteger(first.offset) || !Number.isSafeInteger(first.length))
      return unread('the map of its sparse parts is malformed');
    if (first.offset > 0 || first.length === 0) return { file: plain(), range: undefined };
    // The head follows the map in the bytes at hand, or the file is an odd one.
    const end = Math.min(bytes.length, base + first.length);
    if (end - base < Math.min(HEAD, size - base)) return unread('its first bytes are stored in fragments');
    return judge(bytes.subarray(base, end), base, first.length);
  };

  return {
    begin: (entry) => {
      executable = (entry.mode & 0o111) !== 0;
      head = Buffer.alloc(0);
      const { sparse } = entry;
      if (sparse === undefined) {
        waiting = (bytes) => judge(bytes, 0, entry.size);
        return { file: plain(), range: { offset: 0, length: HEAD } };
      }
      if (sparse.map === 'body') {
        waiting = (bytes) => mapInBody(bytes, entry.size);
        return { file: plain(), range: { offset: 0, length: MAX_MAP } };
      }
      if (sparse.first === undefined) return { file: plain(), range: undefined };
      const { file, range } = fragment(0, sparse.first, entry.size);
      return { file: file ?? plain(), range };
    },
    go: (_entry, bytes) => {
      const next = waiting;
      waiting = undefined;
      return next?.(bytes) ?? { file: undefined, range: undefined };
    },
  };
};
