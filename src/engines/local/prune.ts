import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tail } from './lines.ts';
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
  const workspace = await openWorkspace(options.cacheDirectory, signal);
  const output = tail(1);
  const script = `
cd "$1" 2>/dev/null || { echo 0; exit; }
freed=0
for lock in *.lock; do
  [ -e "$lock" ] || continue
  exec 9>"$lock"
  flock --exclusive --nonblock 9 || continue
  size=$(du -s -B1 "\${lock%.lock}" 2>/dev/null | cut -f1)
  rm -rf -- "\${lock%.lock}" && freed=$((freed + \${size:-0}))
done
echo "$freed"`;
  const storage = workspace.inside(join(workspace.writable, 'storage'));
  await workspace.run({ command: ['sh', '-c', script, 'sh', storage], signal, onLine: output.add });
  // A build that runs has imported its bases, or will fetch them again.
  const bases = join(options.cacheDirectory, 'bases');
  const sizes = await Promise.all((await readdir(bases)).map((name) => remove(join(bases, name))));
  return { freedBytes: sizes.reduce((sum, size) => sum + size, Number(output.lines()[0] ?? 0)) };
};

const remove = async (directory: string): Promise<number> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries.map(async (entry) => (await lstat(join(entry.parentPath, entry.name))).blocks * 512),
  );
  await rm(directory, { recursive: true, force: true });
  return sizes.reduce((sum, size) => sum + size, 0);
};
