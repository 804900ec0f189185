import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeStorages } from './storage.ts';
import { openWorkspace } from './workspace.ts';

/**
 * Frees the layer caches and the base images of this user. Storage that a build is using now is left alone.
 *
 * @returns bytes freed, as the file system counts them.
 */
export const pruneCache = async (options: {
  readonly cacheDirectory: string;
}): Promise<{ readonly freedBytes: number }> => {
  const signal = AbortSignal.timeout(600_000);
  const workspace = await openWorkspace(options.cacheDirectory);
  const freed = await removeStorages(workspace, signal);
  // A build that runs has imported its bases, or will fetch them again.
  const bases = join(options.cacheDirectory, 'bases');
  const sizes = await Promise.all((await readdir(bases)).map((name) => remove(join(bases, name))));
  return { freedBytes: sizes.reduce((sum, size) => sum + size, freed) };
};

const remove = async (directory: string): Promise<number> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries.map(async (entry) => (await lstat(join(entry.parentPath, entry.name))).blocks * 512),
  );
  await rm(directory, { recursive: true, force: true });
  return sizes.reduce((sum, size) => sum + size, 0);
};
