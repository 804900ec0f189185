import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { EnvironmentError } from '../environment-error.ts';
import { programStatus } from './programs.ts';
import { type IdRange, idCount } from './subordinate-ids.ts';

/**
 * Maps ids of a new user namespace by newuidmap(1) or newgidmap(1): triples of first id inside, first id outside, count.
 *
 * @throws EnvironmentError if it refuses or is not there.
 */
export const mapIds = async (
  pid: number,
  program: 'newuidmap' | 'newgidmap',
  triples: readonly number[],
): Promise<void> => {
  const map = spawn(program, [pid, ...triples].map(String), { stdio: 'ignore' });
  if ((await programStatus(map, program)) === 0) return;
  throw new EnvironmentError(
    `${program} refused to map ids: ${triples.join(' ')}`,
    `check /etc/subuid and /etc/subgid, and that ${program} is setuid root`,
  );
};

/** Maps 0 to 65535 onto a range. Root writes the maps by itself: newuidmap wants a line in /etc/subuid even from root. */
export const mapRange = async (pid: number, ids: IdRange, asRoot: boolean): Promise<void> => {
  if (!asRoot) {
    await mapIds(pid, 'newuidmap', [0, ids.uid, idCount]);
    await mapIds(pid, 'newgidmap', [0, ids.gid, idCount]);
    return;
  }
  for (const [file, first] of [
    ['uid_map', ids.uid],
    ['gid_map', ids.gid],
  ] as const) {
    await writeFile(`/proc/${pid}/${file}`, `0 ${first} ${idCount}`).catch((error: unknown) => {
      throw new EnvironmentError(
        `ids cannot be mapped onto ${first} (${(error as NodeJS.ErrnoException).code ?? 'refused'})`,
        'run EdgeBuild where root may map subordinate ids: not inside another user namespace',
      );
    });
  }
};
