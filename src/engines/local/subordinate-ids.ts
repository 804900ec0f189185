import { readFile } from 'node:fs/promises';
import { EnvironmentError } from '../environment-error.ts';

/** How many ids a sandbox has: 0 to 65535, as a machine. */
export const idCount = 65_536;

/** Where the ids 0 to 65535 of a sandbox lie on the machine. */
export interface IdRange {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Root's range when /etc/subuid gives it none. systemd's table of ids (UIDS-GIDS.md) keeps 1879048192 to 2147483647
 * unused, so that nobody's files and nobody's containers lie there.
 */
const unusedRange = 1_879_048_192;

/**
 * The range that sandboxes of this user are mapped onto. It is never the user's own id, also for root: a program that
 * breaks out of a build is nobody on the machine.
 *
 * @throws EnvironmentError if the user has no range in /etc/subuid and /etc/subgid.
 */
export const subordinateRange = async (user: { uid: number; name: string }): Promise<IdRange> => {
  const [uid, gid] = await Promise.all(
    ['/etc/subuid', '/etc/subgid'].map(async (file) =>
      firstRange(await readFile(file, 'utf8').catch(() => ''), user),
    ),
  );
  if (uid !== undefined && gid !== undefined) return { uid, gid };
  if (user.uid === 0) return { uid: unusedRange, gid: unusedRange };
  throw new EnvironmentError(
    `${user.name} has no range of ${idCount} subordinate ids in /etc/subuid and /etc/subgid`,
    `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${user.name}`,
  );
};

/** The first range of at least 65536 ids that `name:first:count` lines (subuid(5)) give a user by name or number. */
export const firstRange = (text: string, user: { uid: number; name: string }): number | undefined => {
  for (const line of text.split('\n')) {
    const [owner, first, count] = line.trim().split(':');
    if (owner !== user.name && owner !== String(user.uid)) continue;
    if (Number(count) >= idCount && Number(first) > 0) return Number(first);
  }
  return undefined;
};
