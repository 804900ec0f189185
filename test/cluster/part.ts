/** Programs that run as long as their owner does: started, waited for by condition, and never left behind. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export interface PartRecipe {
  /** Its log is `NAME.log`. */
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** Directory of logs. */
  readonly logs: string;
  /** Beside the caller's own. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Part {
  readonly name: string;
  readonly pid: number | undefined;
  /** Waits until `check` holds. @throws with the log's last lines, as soon as the program has ended or time is up. */
  readonly ready: (check: () => boolean | Promise<boolean>) => Promise<void>;
  /** Ends it, if it still runs, and waits for its end; with SIGKILL at last. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>;
}

/**
 * The kernel kills the program when its owner's thread ends, however that ends. The owner may have ended before the
 * death signal was set: then the parent is another by now.
 */
const bound = (command: readonly string[]): readonly [string, ...string[]] => [
  ...(['setpriv', '--pdeathsig', 'KILL', 'sh', '-c'] as const),
  ...[`[ "$PPID" = ${process.pid} ] && exec "$@"`, 'part', ...command],
];

/** Longer than any start on a busy machine. */
const patience = 180_000;
/** How long a program may take to end in good order. */
const grace = 30_000;

/**
 * Starts a program in a session of its own, so that what a terminal sends (Ctrl-C) does not reach it. A program that
 * ends later without having been stopped is reported on stderr.
 */
export const startPart = ({ name, command, logs, environment = {} }: PartRecipe): Part => {
  const log = join(logs, `${name}.log`);
  const descriptor = openSync(log, 'a');
  const [program, ...args] = bound(command);
  const child = spawn(program, args, {
    ...{ detached: true, stdio: ['ignore', descriptor, descriptor] },
    env: { ...process.env, ...environment },
  });
  closeSync(descriptor);
  // Its own end keeps no one waiting: the owner's life is what counts.
  child.unref();
  let [isReady, stopped] = [false, false];
  const ended = once(child, 'exit').then(
    () => `${name} ended ${describeEnd(child)}${lastLines(log)}`,
    (error: unknown) => `${name} did not start: ${String(error)}`,
  );
  void ended.then((how) => {
    if (isReady && !stopped) process.stderr.write(`${how}\n`);
  });
  return {
    ...{ name, pid: child.pid },
    ready: async (check) => {
      await waitFor(check, ended, () => `${name} is not ready after ${patience / 1000} s${lastLines(log)}`);
      isReady = true;
    },
    stop: async (signal = 'SIGTERM') => {
      stopped = true;
      child.ref();
      child.kill(signal);
      const killing = setTimeout(() => {
        appendFileSync(log, `killed: it did not end within ${grace / 1000} s of ${signal}\n`);
        child.kill('SIGKILL');
      }, grace);
      await ended;
      clearTimeout(killing);
    },
  };
};

const describeEnd = ({ exitCode, signalCode }: ChildProcess): string =>
  signalCode === null ? `with status ${exitCode ?? '?'}` : `by ${signalCode}`;

const lastLines = (log: string): string => {
  const lines = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n').slice(-15) : [];
  return [`; ${log} ends:`, ...lines].join('\n  ');
};

const waitFor = async (
  check: () => boolean | Promise<boolean>,
  ended: Promise<string>,
  late: () => string,
): Promise<void> => {
  let end: string | undefined;
  void ended.then((how) => {
    end = how;
  });
  const deadline = Date.now() + patience;
  for (;;) {
    if (await check()) return;
    if (end !== undefined) throw new Error(end);
    if (Date.now() > deadline) throw new Error(late());
    await Promise.race([pause(50), ended]);
  }
};
