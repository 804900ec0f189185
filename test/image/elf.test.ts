import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { platforms, type Platform } from '../../src/api/platforms.ts';
import { architectureOf, matchesPlatform, readElf } from '../../src/image/elf.ts';
import { elfFile } from '../support/images.ts';

const rows: readonly Platform[] = platforms;

describe('the head of an ELF file', () => {
  test.each(rows)('a program for $name is told as one', (platform) => {
    const elf = readElf(elfFile(platform.elf, { interpreter: '/lib/ld.so' }));
    expect(elf).toEqual({
      ...platform.elf,
      type: 'executable',
      interpreter: { state: 'path', path: '/lib/ld.so' },
    });
    expect(
      rows.filter((row) => elf !== undefined && matchesPlatform(elf, row)).map((row) => row.architecture),
    ).toContain(platform.architecture);
    expect(elf === undefined ? '' : architectureOf(elf)).toBe(platform.architecture);
  });

  test('this machine’s busybox is a static program', () => {
    const elf = readElf(readFileSync('/bin/busybox').subarray(0, 4096));
    expect(elf?.interpreter).toEqual({ state: 'none' });
    expect(elf?.type).toBe('executable');
  });

  test('this machine’s bash names its dynamic loader', () => {
    const interpreter = readElf(readFileSync('/bin/bash').subarray(0, 4096))?.interpreter;
    expect(interpreter).toEqual({
      state: 'path',
      path: expect.stringMatching(/^\/lib.*\/ld-/) as unknown as string,
    });
  });

  test.each([
    ['of a machine without a row is named', { class: 64, byteOrder: 'little', machine: 258 }, 'loong64'],
    [
      'of a machine nobody knows is numbered',
      { class: 64, byteOrder: 'little', machine: 4711 },
      'machine 4711',
    ],
    ['of big-endian MIPS is not mips64le', { class: 64, byteOrder: 'big', machine: 8 }, 'mips64'],
  ] as const)('a program %s', (_, target, name) => {
    const elf = readElf(elfFile(target));
    expect(elf === undefined ? '' : architectureOf(elf)).toBe(name);
  });

  test.each([
    ['text', Buffer.from('#!/bin/sh\necho'), undefined],
    ['the magic alone', Buffer.from('\x7fELF', 'latin1'), undefined],
  ])('%s is not an ELF file', (_, bytes, expected) => {
    expect(readElf(bytes)).toBe(expected);
  });

  test.each([
    ['cut inside its header', 40],
    ['cut inside its program headers', 100],
    ['cut inside its interpreter’s path', 64 + 2 * 56 + 3],
  ])('a program %s has an unknown interpreter', (_, length) => {
    const bytes = elfFile(
      { class: 64, byteOrder: 'little', machine: 183 },
      { interpreter: '/lib/ld-linux.so' },
    );
    expect(readElf(bytes.subarray(0, length))?.interpreter).toEqual({ state: 'unknown' });
  });

  test('any bytes end in a value or in undefined', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, magic) => {
        const buffer = Buffer.from(bytes);
        if (magic && buffer.length >= 6)
          Buffer.from([0x7f, 0x45, 0x4c, 0x46, 1 + ((bytes[4] ?? 0) % 2), 1 + ((bytes[5] ?? 0) % 2)]).copy(
            buffer,
          );
        const elf = readElf(buffer);
        expect(elf === undefined || architectureOf(elf).length > 0).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
