import { spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { eachLine } from './lines.ts';
import { mapIds } from './id-maps.ts';
import { programStatus } from './programs.ts';
import { type IdRange, idCount } from './subordinate-ids.ts';
import { EnvironmentError } from '../environment-error.ts';

/**
 * Gives an ordinary user's directory to the first id of a sandbox. Only a user namespace that holds both ids may do
 * that; this one lives for a single `chown` of ours, and nothing foreign ever runs in it.
 */
export const giveToSandbox = async (
  directory: string,
  ids: IdRange,
  user: { readonly uid: number; readonly gid: number },
): Promise<void> => {
  const script = 'echo unshared >&3; read -r mapped <&3 && exec chown 0:0 -- "$1"';
  const child = spawn('unshare', ['--user', '--keep-caps', 'sh', '-c', script, 'sh', directory], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const channel = child.stdio[3] as Duplex;
  const last = idCount - 1;
  const [status] = await Promise.all([
    programStatus(child, 'unshare'),
    eachLine(channel, async () => {
      if (child.pid === undefined) return;
      await mapIds(child.pid, 'newuidmap', [0, ids.uid, last, last, user.uid, 1]);
      await mapIds(child.pid, 'newgidmap', [0, ids.gid, last, last, user.gid, 1]);
      channel.write('mapped\n');
    }),
  ]);
  if (status !== 0) {
    throw new EnvironmentError(
      `${directory} could not be given to the sandbox's ids`,
      'check that user namespaces are allowed, and that the directory is on a file system that keeps owners',
    );
  }
};
