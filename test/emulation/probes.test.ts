import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { emulatorOf } from '../../agent/emulators.ts';
import { probeOf, probeOutput, probeStatus } from '../../agent/probes.ts';
import { architectureNamed, architectures } from '../../src/emulation/architectures.ts';
import { architectureOf, readElf } from '../../src/image/elf.ts';
import { newDirectory, removeDirectories } from '../support/directories.ts';

afterAll(removeDirectories);
const directory = newDirectory();

/** What OCI calls the machine, where that is another word than QEMU's. */
const ociNames: Readonly<Record<string, string>> = {
  aarch64: 'arm64',
  aarch64_be: 'arm64be',
  armeb: 'armbe',
  hppa: 'parisc',
  i386: '386',
  microblazeel: 'microblaze',
  mips64el: 'mips64le',
  mipsel: 'mipsle',
  mipsn32: 'mips',
  mipsn32el: 'mipsle',
  sh4eb: 'sh4',
  xtensaeb: 'xtensa',
};

describe.each(architectures.map(({ name }) => name))('the probe of %s', (name) => {
  const file = join(directory, name);
  writeFileSync(file, probeOf(name), { mode: 0o755 });

  /** argv[0] as given, or as QEMU makes it: the program's path. */
  const argument0: readonly (string | undefined)[] = [undefined, 'some-name', '', 'x'.repeat(20_000)];
  test('says its word and its argv[0] of any length, and ends with its status, under its own emulator', async () => {
    for (const given of argument0) {
      const options = given === undefined ? [] : ['-0', given];
      const { exitCode, signal, stdout, stderr } = await execa(emulatorOf(name), [...options, file], {
        reject: false,
        stripFinalNewline: false,
      });
      expect({ exitCode, signal, stdout, stderr }).toEqual({
        exitCode: probeStatus,
        signal: undefined,
        stdout: probeOutput(name, given ?? file),
        stderr: '',
      });
    }
  });

  test('is a static executable of its machine, of less than 1 KiB', () => {
    const bytes = probeOf(name);
    expect(bytes.length).toBeLessThan(1024);
    const { elf } = architectureNamed(name);
    const read = readElf(bytes);
    expect(read).toEqual({ ...elf, type: 'executable', interpreter: { state: 'none' } });
    expect(read === undefined ? undefined : architectureOf(read)).toBe(ociNames[name] ?? name);
  });
});

test('no two probes say the same', () => {
  const outputs = architectures.map(({ name }) => probeOutput(name, ''));
  expect(new Set(outputs).size).toBe(architectures.length);
});
