import { execa } from 'execa';
import { missingProgram } from './programs.ts';

/** A program of the user's own, run outside of any sandbox with the user's own rights and credentials. */
export interface OutsideCommand {
  readonly program: 'git' | 'skopeo' | 'buildah';
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directory?: string;
  readonly signal: AbortSignal;
}

export interface OutsideResult {
  readonly status: number;
  readonly stdout: string;
  /** The last lines of stderr, credentials in URLs taken out. */
  readonly said: readonly string[];
}

/**
 * Runs it to its end; an abort ends it with SIGTERM, and 5 s later with SIGKILL.
 *
 * @throws EnvironmentError if the program is not installed; the signal's reason when aborted.
 */
export const runOutside = async (command: OutsideCommand): Promise<OutsideResult> => {
  const result = await execa(command.program, command.arguments, {
    cwd: command.directory ?? '/',
    env: command.environment,
    extendEnv: false,
    stdin: 'ignore',
    cancelSignal: command.signal,
    forceKillAfterDelay: 5_000,
    reject: false,
  });
  command.signal.throwIfAborted();
  if (result.code === 'ENOENT') throw missingProgram(command.program);
  const said = result.stderr
    .split('\n')
    .map(withoutCredentials)
    .filter((line) => line.trim() !== '');
  return { status: result.exitCode ?? 1, stdout: result.stdout, said: said.slice(-10) };
};

/** `https://user:secret@host` reads `https://host`. */
export const withoutCredentials = (text: string): string => text.replaceAll(/:\/\/[^/@\s]*@/g, '://');
