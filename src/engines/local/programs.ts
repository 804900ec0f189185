import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { EnvironmentError } from '../environment-error.ts';

/** The programs that the engine calls, and the Debian package that has each. */
const packages = {
  unshare: 'util-linux',
  setpriv: 'util-linux',
  newuidmap: 'uidmap',
  newgidmap: 'uidmap',
  buildah: 'buildah',
  skopeo: 'skopeo',
  git: 'git',
  tar: 'tar',
} as const;

export const missingProgram = (program: string): EnvironmentError => {
  const debian = (packages as Readonly<Record<string, string>>)[program] ?? program;
  return new EnvironmentError(
    `${program} is not installed`,
    `sudo apt-get install --no-install-recommends ${debian}`,
  );
};

/**
 * Exit status of a child process; 128 + n if signal n ended it, as shells have it.
 *
 * @throws EnvironmentError if the program is not there.
 */
export const programStatus = (child: ChildProcess, program: string): Promise<number> =>
  new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'ENOENT' ? missingProgram(program) : error);
    });
    child.once('close', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
