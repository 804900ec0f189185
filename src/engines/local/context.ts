import { spawn } from 'node:child_process';
import { BuildFailure } from '../failure.ts';
import { programStatus } from './programs.ts';
import type { Source } from './source.ts';
import type { Run, Workspace } from './workspace.ts';

/**
 * Copies the build context into the sandbox's directory, read with the user's rights and written with the sandbox's:
 * the build can change nothing of the user's files, and sees nothing beside them. Modes and links stay as they are.
 */
export const copyContext = async (
  source: Source,
  workspace: Workspace,
  run: Run,
  signal: AbortSignal,
): Promise<void> => {
  const target = workspace.inside(`${run.made}/context`);
  if (source.directory === undefined) {
    await workspace.run({ command: ['mkdir', '-p', target], signal });
    return;
  }
  const dated = source.modified === undefined ? [] : [`--mtime=@${source.modified}`];
  const pack = spawn(
    'tar',
    ['--create', '--exclude=./.git', ...dated, '--directory', source.directory, '.'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const stop = (): void => {
    pack.kill('SIGKILL');
  };
  signal.addEventListener('abort', stop, { once: true });
  const unpack = 'mkdir -p "$1" && exec tar --extract --no-same-owner --directory "$1"';
  try {
    const [packed, unpacked] = await Promise.all([
      programStatus(pack, 'tar'),
      workspace.run({ command: ['sh', '-c', unpack, 'sh', target], stdin: pack.stdout, signal }),
    ]);
    // 1: a file changed while it was read (tar(1)); what was read is whole.
    if (packed > 1 || unpacked !== 0) {
      throw new BuildFailure('FetchSourceFailed', `the context ${source.directory} could not be copied`);
    }
  } finally {
    stop();
    signal.removeEventListener('abort', stop);
  }
};
