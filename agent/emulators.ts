import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Architecture } from '../src/emulation/architectures.ts';
import { lineOf } from './table.ts';

/** QEMU's user mode of a target on this machine, by whichever name Debian gives it (`-static` up to Debian 12). */
export const emulatorOf = (name: string): string => {
  const paths = [`/usr/bin/qemu-${name}-static`, `/usr/bin/qemu-${name}`];
  const found = paths.find((path) => existsSync(path));
  if (found === undefined)
    throw new Error(`no ${paths.join(' and no ')}: install qemu-user-static (from Debian 13 on: qemu-user)`);
  return found;
};

export interface Emulator {
  readonly architecture: Architecture;
  /** Path of the program. */
  readonly file: string;
}

/**
 * Writes what the agent knows of emulators to a folder: their table, `architectures`, and `emulators.xz`, one stream of
 * all of them. A node unpacks it up to the end of the one that it wants: the first come at the least cost.
 *
 * @param lzma2 xz's settings of that filter.
 * @returns the SHA-256 of each emulator, by QEMU's name of its target.
 */
export const writeEmulators = async (
  folder: string,
  emulators: readonly Emulator[],
  lzma2: string,
): Promise<Readonly<Record<string, string>>> => {
  const digests: Record<string, string> = {};
  const table: string[] = [];
  let offset = 0;
  for (const { architecture, file } of emulators) {
    const program = await readFile(file);
    const digest = createHash('sha256').update(program).digest('hex');
    table.push(lineOf(architecture, { offset, size: program.length, digest }));
    digests[architecture.name] = digest;
    offset += program.length;
  }
  await writeFile(join(folder, 'architectures'), table.join(''));
  const script = 'cat "$@" | xz --threads=1 --lzma2="$LZMA2" >"$ARCHIVE"';
  const files = emulators.map(({ file }) => file);
  const env = { LZMA2: lzma2, ARCHIVE: join(folder, 'emulators.xz') };
  await execa('sh', ['-e', '-c', script, 'sh', ...files], { env });
  return digests;
};
