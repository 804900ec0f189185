import { afterAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { platformOf, platforms } from '../../../src/api/platforms.ts';
import { readElf } from '../../../src/image/elf.ts';
import { findEmulator } from '../../../src/engines/local/emulators.ts';
import { thisMachine } from '../../../src/engines/local/engine.ts';
import { probeOf, probeStatus, probeWord } from '../../../src/engines/local/probe.ts';
import { newDirectory, removeDirectories } from '../../support/directories.ts';

afterAll(removeDirectories);
const directory = newDirectory();

const written = (name: (typeof platforms)[number]['name']): string => {
  const file = join(directory, name.replaceAll('/', '-'));
  writeFileSync(file, probeOf(platformOf(name)), { mode: 0o755 });
  return file;
};

describe.each(platforms.map(({ name }) => name))('the probe of %s', (name) => {
  test('says its word and ends with its status, under its own emulator or natively', async () => {
    const platform = platformOf(name);
    const file = written(name);
    const isOwn = platform.name === thisMachine().name;
    const [program, given] = isOwn ? [file, []] : [await findEmulator(platform), [file]];
    const { exitCode, stdout } = await execa(program, given, { reject: false, stripFinalNewline: false });
    expect([stdout, exitCode]).toEqual([probeWord, probeStatus]);
  });

  test('is an executable of its platform, of less than 1 KiB', () => {
    const bytes = probeOf(platformOf(name));
    expect(bytes.length).toBeLessThan(1024);
    const { elf } = platformOf(name);
    expect(readElf(bytes)).toMatchObject({ ...elf, type: 'executable', interpreter: { state: 'none' } });
  });
});
