/** Programs of the node's, run by the builder: what they print is the pod's log. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface Program {
  readonly command: readonly [string, ...string[]];
  readonly directory?: string;
  /** Beside the builder's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Each line of both outputs; it is printed by whoever listens. */
  readonly onLine?: (line: string) => void;
}

export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** All on one output: the node reads each of two by itself, and may turn round what is said on both. */
export const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const collect = async (stream: Readable, onLine?: (line: string) => void): Promise<string> => {
  const lines: string[] = [];
  for await (const line of createInterface(stream)) {
    lines.push(line);
    onLine?.(line);
  }
  return lines.join('\n');
};

export const run = async ({ command, directory, environment, onLine }: Program): Promise<Ended> => {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
    ...(directory === undefined ? {} : { cwd: directory }),
  });
  const ended = once(child, 'close') as Promise<[number | null, string | null]>;
  const [[status], stdout, stderr] = await Promise.all([
    ended,
    collect(child.stdout, onLine),
    collect(child.stderr, onLine),
  ]);
  return { status: status ?? 1, stdout, stderr };
};
