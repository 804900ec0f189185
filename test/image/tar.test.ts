import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync, linkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ImageError } from '../../src/image/errors.ts';
import { tarReader, type TarEntry } from '../../src/image/tar.ts';
import { newDirectory, removeDirectories } from '../support/directories.ts';
import { member, pax, tar, type Member } from '../support/images.ts';

afterAll(removeDirectories);

/** All entries, with the first bytes of their bodies. */
const read = (bytes: Buffer, chunk = bytes.length): { entry: TarEntry; head: string }[] => {
  const found: { entry: TarEntry; head: string }[] = [];
  const reader = tarReader(
    {
      entry: (entry) => {
        found.push({ entry, head: '' });
        return { offset: 0, length: 64 };
      },
      body: (_, head) => {
        const last = found.at(-1);
        if (last !== undefined) last.head = head.toString('latin1');
        return undefined;
      },
    },
    'test',
  );
  for (let at = 0; at < bytes.length; at += chunk) reader.write(bytes.subarray(at, at + chunk));
  reader.end();
  return found;
};

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
  } catch (error) {
    if (error instanceof ImageError) return error.code;
    throw error;
  }
  return undefined;
};

describe('a tar', () => {
  const members: readonly Member[] = [
    { name: 'etc/', type: '5' },
    { name: 'etc/motd', body: 'hello' },
    { name: 'empty' },
    { name: `${'long/'.repeat(60)}name`, body: 'deep' },
    pax({ path: 'grüße.txt' }),
    { name: 'short', body: 'x'.repeat(2000) },
    { name: 'link', type: '2', link: 'etc/motd' },
    { name: Buffer.from([0x62, 0xff, 0xfe]), body: 'not UTF-8' },
  ];

  test.each([1, 7, 511, 512, 513, 4096, 1_000_000])('is read the same in chunks of %i bytes', (chunk) => {
    const found = read(tar(members), chunk);
    expect(
      found.map(({ entry, head }) => [
        Buffer.from(entry.name, 'latin1').toString(),
        entry.type,
        head.slice(0, 9),
      ]),
    ).toEqual([
      ['etc/', 'directory', ''],
      ['etc/motd', 'file', 'hello'],
      ['empty', 'file', ''],
      [`${'long/'.repeat(60)}name`, 'file', 'deep'],
      ['grüße.txt', 'file', 'xxxxxxxxx'],
      ['link', 'symlink', ''],
      ['b\ufffd\ufffd', 'file', 'not UTF-8'],
    ]);
  });

  test.each(['gnu', 'pax', 'ustar', 'v7', 'oldgnu'])(
    'of GNU tar, format %s, lists what GNU tar lists',
    (format) => {
      const directory = newDirectory();
      mkdirSync(join(directory, 'a/b'), { recursive: true });
      writeFileSync(join(directory, 'a/b/file'), 'content');
      linkSync(join(directory, 'a/b/file'), join(directory, 'a/hard'));
      symlinkSync('b/file', join(directory, 'a/soft'));
      writeFileSync(
        join(directory, `a/${'n'.repeat(format === 'v7' || format === 'ustar' ? 80 : 200)}`),
        'long',
      );
      const bytes = execFileSync('tar', [`--format=${format}`, '-c', '-C', directory, 'a']);
      const listed = execFileSync('tar', ['-t'], { input: bytes }).toString().trim().split('\n');
      expect(read(bytes).map(({ entry }) => entry.name)).toEqual(listed);
    },
  );

  test.each([
    ['oldgnu', []],
    ['gnu', []],
    ['pax', ['--sparse-version=0.0']],
    ['pax', ['--sparse-version=0.1']],
    ['pax', ['--sparse-version=1.0']],
  ] as const)('with a sparse file of many holes, format %s %s, goes on after it', (format, options) => {
    const directory = newDirectory();
    const path = join(directory, 'sparse');
    writeFileSync(path, Buffer.alloc(4096, 'A'));
    for (let i = 1; i < 60; i += 1) {
      truncateSync(path, i * 100_000);
      writeFileSync(path, 'B'.repeat(5000), { flag: 'a' });
    }
    writeFileSync(join(directory, 'zafter'), 'after');
    const bytes = execFileSync('tar', [
      '-S',
      `--format=${format}`,
      ...options,
      '-c',
      '-C',
      directory,
      'sparse',
      'zafter',
    ]);
    expect(bytes.length).toBeLessThan(1_000_000);
    const found = read(bytes, 10_000);
    expect(found.map(({ entry }) => entry.name)).toEqual(['sparse', 'zafter']);
    expect(found[0]?.entry.sparse).toBeDefined();
    expect(found[1]?.head).toBe('after');
  });

  test.each([
    ['a wrong checksum', Buffer.concat([Buffer.from('x'), tar([{ name: 'a' }]).subarray(1)]), 'Corrupt'],
    ['a body that is cut', member({ name: 'a', size: 10_000, body: 'x' }), 'Truncated'],
    ['a header that is cut', tar([{ name: 'a' }]).subarray(0, 300), 'Truncated'],
    ['a pax header of gigabytes', member({ name: 'x', type: 'x', size: 4e9 }), 'TooLarge'],
    ['a long name of gigabytes', member({ name: 'x', type: 'L', size: 4e9 }), 'TooLarge'],
    [
      'a size beyond all bounds',
      member({
        name: 'x',
        edit: (header) => {
          header.fill(0xff, 124, 136);
        },
      }),
      'Corrupt',
    ],
    ['a pax header that is none', tar([{ name: 'x', type: 'x', body: '12 path' }]), 'Corrupt'],
    ['a pax header with a negative size', tar([pax({ size: '-5' }), { name: 'a' }]), 'Corrupt'],
    ['a name longer than any path', tar([pax({ path: 'x'.repeat(5000) }), { name: 'a' }]), 'Corrupt'],
    ['a pax header before the end', Buffer.concat([member(pax({ path: 'x' }))]), 'Truncated'],
    ['an end without the end mark', member({ name: 'a', body: 'x' }), undefined],
    ['bytes after the end mark', Buffer.concat([tar([{ name: 'a' }]), Buffer.alloc(999, 'z')]), undefined],
    ['nothing', Buffer.alloc(0), undefined],
    [
      'a directory that claims a body',
      tar([
        { name: 'd', type: '5', size: 512 },
        { name: 'a', body: 'x' },
      ]),
      undefined,
    ],
  ])('with %s', (_, bytes, code) => {
    expect(codeOf(() => read(bytes))).toBe(code);
  });

  test('any bytes, and any change of a valid tar, end in entries or in an ImageError', () => {
    const valid = tar(members);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 8 }),
        fc.nat(valid.length),
        fc.integer({ min: 1, max: 2000 }),
        (changes, end, chunk) => {
          const bytes = Buffer.from(valid);
          for (const [at, value] of changes) bytes[at] = value;
          codeOf(() => read(bytes.subarray(0, end), chunk));
        },
      ),
    );
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 3000 }),
        (bytes) => void codeOf(() => read(Buffer.from(bytes), 100)),
      ),
    );
  });

  test('a changed header with a mended checksum ends in entries or in an ImageError', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(511), fc.nat(255)), { minLength: 1, maxLength: 6 }), (changes) => {
        const edit = (header: Buffer): void => {
          for (const [at, value] of changes) header[at] = value;
        };
        codeOf(() =>
          read(
            tar([
              { name: 'first', body: 'x'.repeat(700), edit },
              { name: 'second', body: 'y' },
            ]),
            333,
          ),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test('the reader leaves out what nobody wants by the caller’s word', () => {
    const bytes = Buffer.concat([
      member({ name: 'big', body: Buffer.alloc(100_000) }),
      member({ name: 'next', body: 'y' }),
    ]);
    const names: string[] = [];
    const reader = tarReader({ entry: ({ name }) => void names.push(name) }, 'test');
    reader.write(bytes.subarray(0, 512));
    expect(reader.skippable()).toBe(100_352);
    reader.skip(100_352);
    reader.write(bytes.subarray(512 + 100_352));
    reader.end();
    expect(names).toEqual(['big', 'next']);
  });

  test('this file is read by its own name', () => {
    const bytes = execFileSync('tar', ['-c', '-C', import.meta.dirname, 'tar.test.ts']);
    expect(read(bytes)[0]?.entry.size).toBe(readFileSync(import.meta.filename).length);
  });
});
