/** How the programs of the demo run and end. */
import type { ChildProcess } from 'node:child_process';
import { EnvironmentError } from '../src/engines/environment-error.ts';

/** Waits for its end, and ends it when the signal is aborted. @throws unless it ended well. */
export const ended = async (child: ChildProcess, what: string, signal: AbortSignal): Promise<void> => {
  const end = (): void => {
    child.kill('SIGTERM');
  };
  signal.addEventListener('abort', end, { once: true });
  const status = await new Promise<number | null>((done, failed) => {
    child.once('error', failed);
    child.once('close', done);
  });
  signal.removeEventListener('abort', end);
  signal.throwIfAborted();
  if (status !== 0) throw new Error(`${what} ended with ${status ?? 'a signal'}: see above`);
};

/** Runs it until SIGINT or SIGTERM, says why it failed and what mends it, and sets the exit code. */
export const runDemo = async (main: (signal: AbortSignal) => Promise<void>): Promise<void> => {
  const interruption = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => {
      interruption.abort(new Error('interrupted'));
    });
  try {
    await main(interruption.signal);
  } catch (error) {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
    if (error instanceof EnvironmentError) process.stderr.write(`to mend it: ${error.remedy}\n`);
    process.exitCode = interruption.signal.aborted ? 130 : error instanceof EnvironmentError ? 3 : 1;
  }
};
