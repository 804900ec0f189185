import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { freePorts } from '../../test/cluster/ports.ts';
import { say } from '../runtime/numbers.ts';

const repository = join(import.meta.dirname, '../..');

/** `edgebuild run`, compiled as it ships, as a process of its own. */
export interface OperatorProcess {
  readonly residentMiB: () => number;
  /** The largest resident set that it ever had. */
  readonly peakMiB: () => number;
  /** User and system time so far, in milliseconds. */
  readonly cpuMs: () => number;
  readonly collectGarbage: () => Promise<void>;
  /** A sample by its name and labels, as /metrics shows it. */
  readonly metric: (name: string) => Promise<number>;
  readonly end: () => Promise<void>;
}

/** The third field of /proc/PID/stat and those after it, behind the name, which may hold anything; empty if it has ended. */
const statOf = (pid: string): readonly string[] => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  } catch {
    return [];
  }
};
/** User and system time, which are neighbours, in milliseconds: a tick is 10 of them. */
const ticksOf = (fields: readonly string[], at: number): number =>
  (Number(fields[at] ?? 0) + Number(fields[at + 1] ?? 0)) * 10;

/** User and system time of a process so far, in milliseconds. */
export const cpuMsOf = (pid: number): number => ticksOf(statOf(String(pid)), 11);

/** Of all children of this process: of those that run, and of those that have ended. */
export const childrenCpuMs = (): number => {
  const running = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => statOf(pid))
    .filter(([, parent]) => Number(parent) === process.pid)
    .reduce((sum, fields) => sum + ticksOf(fields, 11), 0);
  return running + ticksOf(statOf('self'), 13);
};

/** Garbage is collected when it is told to, beside when Node thinks fit. Nothing else differs from what ships. */
const onSignal = 'data:text/javascript,process.on("SIGUSR2",()=>globalThis.gc())';

export interface OperatorOptions {
  /** The folder of .cache that it was compiled into. */
  readonly into?: string;
  /** More of `edgebuild run`. */
  readonly flags?: readonly string[];
}

/** The Deployment's limit of memory is not set here: how much it would take is what is asked. */
export const startOperatorProcess = async (
  kubeconfig: string,
  image: string,
  { into = 'bench-nodes', flags = [] }: OperatorOptions = {},
): Promise<OperatorProcess> => {
  const [port = 0] = await freePorts(1);
  const profile = (process.env['NODE_PROFILE'] ?? '').split(' ').filter((flag) => flag !== '');
  const child = execa(
    process.execPath,
    [
      ...['--expose-gc', '--import', onSignal, ...profile, join(repository, '.cache', into, 'main.js'), 'run'],
      ...['--kubeconfig', kubeconfig, '--metrics-bind-address', `127.0.0.1:${String(port)}`],
      ...['--health-probe-bind-address', '0', '--log-level', 'warn', ...flags],
    ],
    { reject: false, stdout: 'inherit', stderr: 'inherit', env: { AGENT_IMAGE: image, NODE_ENV: 'production' } },
  ); // prettier-ignore
  void child.then(({ exitCode, signal }) => {
    if (exitCode !== 0) say(`edgebuild run ended with ${String(exitCode ?? signal)}`);
  });
  const proc = (file: string): string => readFileSync(`/proc/${String(child.pid)}/${file}`, 'utf8');
  const statusMiB = (field: string): number =>
    Number(new RegExp(`${field}:\\s+(\\d+)`).exec(proc('status'))?.[1]) / 1024;
  return {
    residentMiB: () => statusMiB('VmRSS'),
    peakMiB: () => statusMiB('VmHWM'),
    cpuMs: () => cpuMsOf(child.pid ?? 0),
    collectGarbage: async () => {
      child.kill('SIGUSR2');
      await pause(2000);
    },
    metric: async (name) => {
      const text = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
      return Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${name} `))
          ?.split(' ')[1],
      );
    },
    end: async () => {
      child.kill('SIGTERM');
      await child;
    },
  };
};
