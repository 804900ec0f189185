import { join } from 'node:path';
import { containerEnvironment, runState } from './buildah.ts';
import type { Workspace } from './workspace.ts';

/**
 * Runs shell text for each platform's storage that nobody works in, while nobody can begin to: whoever builds holds
 * `NAME.lock` shared. `$storage` is the storage's directory, and the working directory holds all of them.
 */
const inIdleStorages = (
  workspace: Workspace,
  body: string,
  signal: AbortSignal,
  onLine?: (line: string) => void,
): Promise<number> => {
  const script = `
cd "$1" 2>/dev/null || exit 0
for lock in *.lock; do
  [ -e "$lock" ] || continue
  exec 9>"$lock"
  flock --exclusive --nonblock 9 || continue
  storage=$PWD/\${lock%.lock}
  ${body}
done`;
  return workspace.run({
    command: ['sh', '-c', script, 'sh', workspace.inside(join(workspace.writable, 'storage'))],
    environment: containerEnvironment,
    signal,
    ...(onLine === undefined ? {} : { onLine }),
  });
};

/** Removes the containers of builds that were interrupted. The layer cache stays. Never fails: the next one tries again. */
export const removeContainers = async (workspace: Workspace): Promise<void> => {
  const remove = `buildah --root="$storage" --runroot=${runState} rm --all >/dev/null 2>&1`;
  await inIdleStorages(workspace, remove, AbortSignal.timeout(8_000)).catch(() => undefined);
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
