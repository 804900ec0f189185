/** Where the bytes of a sparse file begin. Of its map only the first fragment matters: it holds the file's head. */
export type SparseStart =
  /** The first fragment as the headers say it; none: the file is one hole. */
  | {
      readonly map: 'header';
      readonly first: { readonly offset: number; readonly length: number } | undefined;
    }
  /** GNU pax format 1.0: the map is the beginning of the stored bytes. */
  | { readonly map: 'body' };

/** One header block of a tar, decoded. */
export interface TarHeader {
  /** Bytes as latin1. */
  readonly name: string;
  readonly linkname: string;
  readonly mode: number;
  readonly size: number;
  readonly type: 'file' | 'hardlink' | 'symlink' | 'directory' | 'special' | 'other';
  /** Not a member, but a record about the next one. */
  readonly record: 'pax' | 'paxGlobal' | 'longName' | 'longLink' | undefined;
  /** Never followed by a body, whatever `size` says. */
  readonly bodiless: boolean;
  /** Old GNU sparse: the first fragment. */
  readonly sparse: SparseStart | undefined;
  /** Old GNU sparse: blocks with more of the map follow the header. */
  readonly moreSparse: boolean;
}

/** The records of a pax header that bear on us. */
export interface PaxRecords {
  readonly path: string | undefined;
  readonly linkpath: string | undefined;
  readonly size: number | undefined;
  readonly sparse: {
    readonly name: string | undefined;
    readonly version: string | undefined;
    readonly map: string | undefined;
  };
}

const types: Readonly<Record<string, TarHeader['type']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'special',
  '4': 'special',
  '5': 'directory',
  '6': 'special',
};
const recordTypes: Readonly<Record<string, TarHeader['record']>> = {
  x: 'pax',
  g: 'paxGlobal',
  L: 'longName',
  K: 'longLink',
};

const zeroBlock = Buffer.alloc(512);

const text = (block: Buffer, at: number, length: number): string => {
  const end = block.indexOf(0, at);
  return block.toString('latin1', at, end === -1 || end > at + length ? at + length : end);
};

/** Octal, or base 256 if the first bit is set; undefined if it is neither, negative or beyond 2^53. */
const numberAt = (block: Buffer, at: number, length: number): number | undefined => {
  const first = block[at] ?? 0;
  if ((first & 0x80) !== 0) {
    if ((first & 0x40) !== 0) return undefined;
    let value = first & 0x3f;
    for (let i = at + 1; i < at + length; i += 1) value = value * 256 + (block[i] ?? 0);
    return value <= Number.MAX_SAFE_INTEGER ? value : undefined;
  }
  let i = at;
  const end = at + length;
  while (i < end && (block[i] === 0x20 || block[i] === 0)) i += 1;
  let value = 0;
  for (; i < end && block[i] !== 0 && block[i] !== 0x20; i += 1) {
    const digit = (block[i] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) return undefined;
    value = value * 8 + digit;
  }
  return value;
};

/** Both sums are in use: of unsigned bytes, by POSIX, and of signed ones, by old tars. */
const checksumFits = (block: Buffer): boolean => {
  const stated = numberAt(block, 148, 8);
  let sum = 256;
  let negative = 0;
  for (let i = 0; i < 512; i += 1) {
    if (i === 148) i = 156;
    const byte = block[i] ?? 0;
    sum += byte;
    negative += byte >> 7;
  }
  return stated === sum || stated === sum - 256 * negative;
};

const firstFragment = (block: Buffer): SparseStart | string => {
  if (block[386] === 0) return { map: 'header', first: undefined };
  const offset = numberAt(block, 386, 12);
  const length = numberAt(block, 398, 12);
  if (offset === undefined || length === undefined) return 'a sparse map that is no map';
  return { map: 'header', first: { offset, length } };
};

/** A header block of 512 bytes: `zero` for the end mark, another string for what is wrong with it. */
export const decodeHeader = (block: Buffer): TarHeader | string => {
  if (block[0] === 0 && block.equals(zeroBlock)) return 'zero';
  if (!checksumFits(block)) return 'a tar header whose checksum differs';
  const size = numberAt(block, 124, 12);
  if (size === undefined) return 'a tar header with an impossible size';
  const flag = String.fromCharCode(block[156] ?? 0);
  const magic = block.toString('latin1', 257, 265);
  const posix = magic === 'ustar\x0000';
  const prefix = posix ? text(block, 345, 155) : '';
  const ownName = text(block, 0, 100);
  const name = prefix === '' ? ownName : `${prefix}/${ownName}`;
  const type = flag === '\0' && name.endsWith('/') ? 'directory' : (types[flag] ?? 'other');
  const sparse = flag === 'S' ? firstFragment(block) : undefined;
  if (typeof sparse === 'string') return sparse;
  return {
    name,
    linkname: text(block, 157, 100),
    mode: numberAt(block, 100, 8) ?? 0,
    size,
    type,
    record: recordTypes[flag],
    bodiless: type !== 'file' && type !== 'other',
    sparse,
    moreSparse: flag === 'S' && block[482] !== 0,
  };
};

/** The records `LENGTH KEY=VALUE\n` of a pax header; a string says what is wrong with them. */
export const decodePax = (bytes: Buffer): PaxRecords | string => {
  const found = new Map<string, string>();
  let offsetRecord: string | undefined;
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at);
    const digits = space === -1 || space - at > 10 ? '' : bytes.toString('latin1', at, space);
    const end = at + Number(digits);
    if (!/^[0-9]+$/.test(digits) || end > bytes.length || end < space + 3 || bytes[end - 1] !== 0x0a)
      return 'a pax header with a malformed record';
    const equals = bytes.indexOf(0x3d, space);
    if (equals === -1 || equals >= end) return 'a pax header with a malformed record';
    const key = bytes.toString('latin1', space + 1, equals);
    const value = bytes.toString('latin1', equals + 1, end - 1);
    at = end;
    // Format 0.0 repeats a pair of records a fragment; the first pair is the map's beginning.
    if (key === 'GNU.sparse.offset') offsetRecord ??= value;
    else if (key === 'GNU.sparse.numbytes') {
      if (offsetRecord !== undefined && !found.has('GNU.sparse.map'))
        found.set('GNU.sparse.map', `${offsetRecord},${value}`);
    } else if (wanted.has(key) && value !== '') found.set(key, value);
  }
  const size = found.get('size');
  if (size !== undefined && (!/^[0-9]+$/.test(size) || !Number.isSafeInteger(Number(size))))
    return 'a pax header with an impossible size';
  if (found.get('path')?.includes('\0') === true || found.get('linkpath')?.includes('\0') === true)
    return 'a pax header with a NUL byte in a name';
  const major = found.get('GNU.sparse.major');
  const version = major === undefined ? undefined : `${major}.${found.get('GNU.sparse.minor') ?? ''}`;
  return {
    path: found.get('path'),
    linkpath: found.get('linkpath'),
    size: size === undefined ? undefined : Number(size),
    sparse: { name: found.get('GNU.sparse.name'), version, map: found.get('GNU.sparse.map') },
  };
};

const wanted: ReadonlySet<string> = new Set([
  'path',
  'linkpath',
  'size',
  'GNU.sparse.name',
  'GNU.sparse.major',
  'GNU.sparse.minor',
  'GNU.sparse.map',
]);

/** How the file of this header is stored sparsely; undefined if it is not; a string says what is wrong. */
export const sparseStart = (
  header: TarHeader,
  pax: PaxRecords | undefined,
): SparseStart | string | undefined => {
  if (header.sparse !== undefined || header.type !== 'file' || pax === undefined) return header.sparse;
  const { version, map } = pax.sparse;
  if (version === '1.0') return { map: 'body' };
  if (map === undefined || (version !== undefined && version !== '0.0' && version !== '0.1'))
    return undefined;
  const [offset, length] = map.split(',', 2).map(Number);
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) return 'a sparse map that is no map';
  return { map: 'header', first: { offset: offset ?? 0, length: length ?? 0 } };
};
