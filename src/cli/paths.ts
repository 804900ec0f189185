import { constants } from 'node:fs';
import { access, readdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { InputError } from '../api/errors.ts';
import type { Destination } from '../edgebuild/local.ts';

const fileErrors: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  ENOTDIR: 'a part of the path is no directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  EISDIR: 'it is a directory',
  ELOOP: 'its symbolic links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
};

/** Runs `work`; what the file system refuses becomes an InputError that begins with `what`. */
const refusing = async <Result>(what: string, work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const reason = fileErrors[code];
    if (reason === undefined) throw error;
    throw new InputError(`${what}: ${reason}`);
  }
};

const existing = async (path: string): Promise<'directory' | 'file' | undefined> => {
  try {
    return (await stat(path)).isDirectory() ? 'directory' : 'file';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

/** The text of `-f FILE`; `-` is standard input. @throws InputError if it cannot be read. */
export const readInput = (file: string): Promise<string> =>
  file === '-' ? readAll(process.stdin) : refusing(`-f ${file}`, () => readFile(file, 'utf8'));

/** @throws InputError if `--context` is not a directory that can be read. */
export const requireDirectory = (path: string): Promise<void> =>
  refusing(`--context ${path}`, async () => {
    if ((await existing(path)) === 'file') throw new InputError(`--context ${path}: it is not a directory`);
    await access(path, constants.R_OK | constants.X_OK);
  });

/** @throws InputError if `--authfile` cannot be read. */
export const requireFile = (path: string): Promise<void> =>
  refusing(`--authfile ${path}`, async () => {
    if ((await existing(path)) === 'directory') throw new InputError(`--authfile ${path}: it is a directory`);
    await access(path, constants.R_OK);
  });

/**
 * Found out before an hour of building, not after it. An existing archive or layout is replaced; what is neither is
 * never touched.
 *
 * @throws InputError if nothing can be written at the destination.
 */
export const requireWritable = async ({ transport, target }: Destination): Promise<void> => {
  if (transport === 'docker') return;
  const what = `--to ${transport}:${target}`;
  const folder = dirname(target);
  await refusing(`${what}: cannot write into ${folder}`, () =>
    access(folder, constants.W_OK | constants.X_OK),
  );
  await refusing(what, async () => {
    const found = await existing(target);
    if (transport !== 'oci' && found === 'directory')
      throw new InputError(`${what}: it is a directory: name a file in it`);
    if (transport === 'oci' && found === 'file')
      throw new InputError(`${what}: it is a file: name a directory`);
    if (transport === 'oci' && found === 'directory') await requireLayout(what, target);
  });
};

const requireLayout = async (what: string, directory: string): Promise<void> => {
  const names = await readdir(directory);
  if (names.length > 0 && !names.includes('oci-layout'))
    throw new InputError(
      `${what}: the directory holds other files: name a new one, or one that holds an OCI layout`,
    );
};
