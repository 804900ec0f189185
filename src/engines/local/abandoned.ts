import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeContainers } from './storage.ts';
import type { Workspace } from './workspace.ts';

/** Removes what a killed EdgeBuild left: runs are named by the process that made them. */
export const removeAbandoned = async (workspace: Workspace): Promise<void> => {
  const runs = await readdir(join(workspace.directory, 'runs'));
  const abandoned = runs.filter((id) => !isAlive(Number.parseInt(id, 10)));
  for (const id of abandoned) await workspace.removeRun(id);
  if (abandoned.length > 0) await removeContainers(workspace);
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
