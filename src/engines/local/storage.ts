import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { containerEnvironment, runState } from './buildah.ts';
import type { Workspace } from './workspace.ts';

/**
 * Runs shell text for each platform's storage that nobody works in, while nobody can begin to: whoever builds holds
 * `NAME.lock` shared. `$storage` is the storage's directory, and the working directory holds all of them. Returns 0 if
 * it ran for all of them and succeeded.
 */
const inIdleStorages = (
  workspace: Workspace,
  body: string,
  signal: AbortSignal,
  onLine?: (line: string) => void,
): Promise<number> => {
  const script = `
cd "$1" 2>/dev/null || exit 0
status=0
for lock in *.lock; do
  [ -e "$lock" ] || continue
  exec 9>"$lock"
  flock --exclusive --nonblock 9 || { status=1; continue; }
  storage=$PWD/\${lock%.lock}
  { ${body}; } || status=1
done
exit $status`;
  return workspace.run({
    command: ['sh', '-c', script, 'sh', workspace.inside(join(workspace.writable, 'storage'))],
    environment: containerEnvironment,
    signal,
    ...(onLine === undefined ? {} : { onLine }),
  });
};

/** One file for each cleaning that is still owed: its storage was in use. */
const owedIn = (workspace: Workspace): string => join(workspace.directory, 'uncleaned');

/**
 * Removes the containers of builds that were interrupted. The layer cache stays. Never fails: where another build is at
 * work, that one does it when it ends.
 *
 * The debt is noted before the look at the locks, and builders look for debts after they let go of theirs: so one of the
 * two sees the other. Only debts that were there before the look are paid by it.
 */
export const removeContainers = async (workspace: Workspace): Promise<void> => {
  const owed = owedIn(workspace);
  const remove = `buildah --root="$storage" --runroot=${runState} rm --all >/dev/null 2>&1`;
  const note = async (): Promise<void> => {
    await mkdir(owed, { recursive: true });
    await writeFile(join(owed, randomUUID()), '');
  };
  try {
    // On a disk that is full nothing can be noted, and cleaning matters most.
    await note().catch(() => undefined);
    const debts = await readdir(owed).catch(() => []);
    const status = await inIdleStorages(workspace, remove, AbortSignal.timeout(8_000));
    if (status === 0) await Promise.all(debts.map((name) => rm(join(owed, name), { force: true })));
  } catch {
    // Still owed.
  }
};

/** Does what was left to this build because it was at work. */
export const removeOwedContainers = async (workspace: Workspace): Promise<void> => {
  const debts = await readdir(owedIn(workspace)).catch(() => []);
  if (debts.length > 0) await removeContainers(workspace);
};

/** Removes whole storages: the layer cache. Returns bytes freed. */
export const removeStorages = async (workspace: Workspace, signal: AbortSignal): Promise<number> => {
  let freed = 0;
  const remove = 'du -s -B1 "$storage" 2>/dev/null; rm -rf -- "$storage"';
  await inIdleStorages(workspace, remove, signal, (line) => {
    freed += Number.parseInt(line, 10) || 0;
  });
  return freed;
};
