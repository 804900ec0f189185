/** Builders of tars and images, hostile ones included: every byte is ours, nothing is made valid behind our back. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { ElfTarget } from '../../src/api/platforms.ts';

/** One member of a tar. */
export interface Member {
  readonly name: string | Buffer;
  /** The type flag: `0` file, `1` hard link, `2` symbolic link, `3` device, `5` directory, `x` pax, … */
  readonly type?: string;
  readonly body?: Buffer | string;
  readonly link?: string;
  readonly mode?: number;
  /** What the header claims; the body's length otherwise. */
  readonly size?: number;
  /** Changes the header before its checksum is made. */
  readonly edit?: (header: Buffer) => void;
}

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;

const checksum = (header: Buffer): void => {
  header.fill(0x20, 148, 156);
  let sum = 0;
  for (let i = 0; i < 512; i += 1) sum += header[i] ?? 0;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
};

const writeSize = (header: Buffer, size: number): void => {
  if (size < 8 ** 11) header.write(octal(size, 12), 124, 'latin1');
  else {
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(size), 128);
  }
};

export const member = ({ name, type = '0', body = '', link = '', mode, size, edit }: Member): Buffer => {
  const bytes = Buffer.from(body);
  const nameBytes = Buffer.from(name);
  if (nameBytes.length > 100 || Buffer.byteLength(link) > 100) {
    const long = (flag: string, text: Buffer): Buffer =>
      member({ name: '././@LongLink', type: flag, body: Buffer.concat([text, Buffer.alloc(1)]) });
    const records = [
      ...(nameBytes.length > 100 ? [long('L', nameBytes)] : []),
      ...(Buffer.byteLength(link) > 100 ? [long('K', Buffer.from(link))] : []),
    ];
    const cut = { name: nameBytes.subarray(0, 100), type, body, link: link.slice(0, 100) };
    return Buffer.concat([...records, member({ ...cut, ...(mode === undefined ? {} : { mode }) })]);
  }
  const header = Buffer.alloc(512);
  nameBytes.copy(header, 0);
  header.write(octal(mode ?? (type === '5' ? 0o755 : 0o644), 8), 100, 'latin1');
  header.write(octal(0, 8), 108, 'latin1');
  header.write(octal(0, 8), 116, 'latin1');
  writeSize(header, size ?? bytes.length);
  header.write(octal(0, 12), 136, 'latin1');
  header.write(type, 156, 'latin1');
  header.write(link, 157, 'utf8');
  header.write('ustar\x0000', 257, 'latin1');
  edit?.(header);
  checksum(header);
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
};

export const endOfTar = Buffer.alloc(1024);

export const tar = (members: readonly Member[]): Buffer => Buffer.concat([...members.map(member), endOfTar]);

/** A pax header for the member that follows. */
export const pax = (records: Readonly<Record<string, string>>): Member => {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    let length = Buffer.byteLength(rest) + 1;
    while (String(length).length + Buffer.byteLength(rest) !== length) length += 1;
    return `${length}${rest}`;
  });
  return { name: 'PaxHeaders/x', type: 'x', body: lines.join('') };
};

/** A program: an ELF file with a PT_LOAD, and with `interpreter` a PT_INTERP, that no one could run but anyone can read. */
export const elfFile = (
  { class: bits, byteOrder, machine }: ElfTarget,
  options: {
    readonly interpreter?: string;
    readonly type?: number;
    readonly interpreterAt?: number;
    readonly headersAt?: number;
  } = {},
): Buffer => {
  const { interpreter, type = 2 } = options;
  const [headerSize, entrySize] = bits === 64 ? [64, 56] : [52, 32];
  const count = interpreter === undefined ? 1 : 2;
  const headersAt = options.headersAt ?? headerSize;
  const path = Buffer.from(`${interpreter ?? ''}\0`);
  const pathAt = options.interpreterAt ?? headersAt + count * entrySize;
  const bytes = Buffer.alloc(Math.max(headersAt + count * entrySize, pathAt + path.length) + 64);
  const u16 = (at: number, value: number): unknown =>
    byteOrder === 'little' ? bytes.writeUInt16LE(value, at) : bytes.writeUInt16BE(value, at);
  const u32 = (at: number, value: number): unknown =>
    byteOrder === 'little' ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at);
  const word = (at: number, value: number): unknown => {
    if (bits === 32) return u32(at, value);
    return byteOrder === 'little'
      ? bytes.writeBigUInt64LE(BigInt(value), at)
      : bytes.writeBigUInt64BE(BigInt(value), at);
  };
  bytes.write('\x7fELF', 0, 'latin1');
  bytes[4] = bits === 32 ? 1 : 2;
  bytes[5] = byteOrder === 'little' ? 1 : 2;
  bytes[6] = 1;
  u16(16, type);
  u16(18, machine);
  u32(20, 1);
  word(bits === 32 ? 28 : 32, headersAt);
  u16(bits === 32 ? 40 : 52, headerSize);
  u16(bits === 32 ? 42 : 54, entrySize);
  u16(bits === 32 ? 44 : 56, count);
  const programHeader = (at: number, kind: number, offset: number, size: number): void => {
    u32(at, kind);
    word(at + (bits === 32 ? 4 : 8), offset);
    word(at + (bits === 32 ? 16 : 32), size);
  };
  if (interpreter !== undefined) {
    programHeader(headersAt, 3, pathAt, path.length);
    path.copy(bytes, pathAt);
  }
  programHeader(headersAt + (count - 1) * entrySize, 1, 0, bytes.length);
  return bytes;
};

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** An image in the making. */
export interface ImageRecipe {
  readonly os?: string;
  readonly architecture?: string;
  readonly variant?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  /** Tars, lowest first. */
  readonly layers: readonly Buffer[];
  readonly compression?: 'gzip' | 'zstd' | 'none';
  readonly docker?: boolean;
  /** What the list it stands in says of it. */
  readonly listed?: Readonly<Record<string, string>>;
  readonly tag?: string;
}

/** File names and contents of what is stored. */
export type Stored = Map<string, Buffer>;

const compress = (layer: Buffer, compression: ImageRecipe['compression'] = 'gzip'): Buffer =>
  compression === 'gzip' ? gzipSync(layer) : compression === 'zstd' ? zstdCompressSync(layer) : layer;

const blob = (
  stored: Stored,
  bytes: Buffer,
  mediaType: string,
): { mediaType: string; digest: string; size: number } => {
  stored.set(`blobs/sha256/${sha256(bytes)}`, bytes);
  return { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length };
};

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

const configOf = ({
  os = 'linux',
  architecture = 'amd64',
  variant,
  config = {},
  layers,
}: ImageRecipe): Buffer =>
  json({
    os,
    architecture,
    variant,
    config,
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
  });

const storeImage = (stored: Stored, recipe: ImageRecipe): object => {
  const { docker = false, compression = 'gzip', layers, listed, tag } = recipe;
  const types = docker
    ? [
        'application/vnd.docker.distribution.manifest.v2+json',
        'application/vnd.docker.container.image.v1+json',
        'application/vnd.docker.image.rootfs.diff.tar.gzip',
      ]
    : [
        'application/vnd.oci.image.manifest.v1+json',
        'application/vnd.oci.image.config.v1+json',
        `application/vnd.oci.image.layer.v1.tar${compression === 'none' ? '' : `+${compression}`}`,
      ];
  const [manifestType = '', configType = '', layerType = ''] = types;
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: blob(stored, configOf(recipe), configType),
    layers: layers.map((layer) => blob(stored, compress(layer, compression), layerType)),
  };
  return {
    ...blob(stored, json(manifest), manifestType),
    ...(listed === undefined ? {} : { platform: listed }),
    ...(tag === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': tag } }),
  };
};

/** The files of an OCI layout; `nested` puts the images in an index of their own. */
export const layoutOf = (
  recipes: readonly ImageRecipe[],
  options: { readonly nested?: boolean } = {},
): Stored => {
  const stored: Stored = new Map();
  stored.set('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  const manifests = recipes.map((recipe) => storeImage(stored, recipe));
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests };
  const top =
    options.nested === true
      ? { schemaVersion: 2, manifests: [blob(stored, json(index), index.mediaType)] }
      : index;
  stored.set('index.json', json(top));
  return stored;
};

/** The files of a docker-archive. */
export const dockerArchiveOf = (
  recipe: ImageRecipe,
  tags: readonly string[] = ['docker.io/library/test:latest'],
): Stored => {
  const stored: Stored = new Map();
  const config = configOf(recipe);
  stored.set(`${sha256(config)}.json`, config);
  const names = recipe.layers.map((layer) => {
    stored.set(`${sha256(layer)}.tar`, layer);
    return `${sha256(layer)}.tar`;
  });
  stored.set('manifest.json', json([{ Config: `${sha256(config)}.json`, RepoTags: tags, Layers: names }]));
  return stored;
};

export const writeDirectory = (directory: string, stored: Stored): string => {
  for (const [name, bytes] of stored) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), bytes);
  }
  return directory;
};

export const writeArchive = (path: string, stored: Stored): string => {
  writeFileSync(path, tar([...stored].map(([name, body]) => ({ name, body }))));
  return path;
};
