import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { emulatorOf, writeEmulators } from '../../agent/emulators.ts';
import { probeOf } from '../../agent/probes.ts';
import { type ArchitectureName, architectureNamed } from '../../src/emulation/architectures.ts';
import { newDirectory } from '../support/directories.ts';
import { until } from '../support/until.ts';

const agentFolder = join(import.meta.dirname, '../../agent');

/** A node in namespaces of its own, with the real kernel's binfmt_misc, and what the agent's image holds. */
export interface Node {
  readonly folder: string;
  readonly files: string;
  readonly state: string;
  /** What the prover of aarch64 keeps: itself a directory in one that the agent sees. */
  readonly own: string;
  /** Where its binfmt_misc is, as commands see it. */
  readonly binfmt: string;
  /** Runs shell commands on the node, `$B` being its binfmt_misc. */
  readonly run: (
    script: string,
  ) => Promise<{ readonly stdout: string; readonly exitCode: number | undefined }>;
  /** Starts one of the agent's programs, under a narrow umask; what it prints is in `printed`. */
  readonly start: (args: readonly string[], environment?: Readonly<Record<string, string>>) => Agent;
  /** What the agent says of an architecture. */
  readonly saidOf: (name: ArchitectureName) => Promise<string>;
  /** Waits until the agent says something of it that begins so. */
  readonly says: (name: ArchitectureName, words: string) => Promise<string>;
  readonly entries: () => Promise<readonly string[]>;
  /** Runs a prover of aarch64, and anew when it has ended, as the kubelet does. */
  readonly keepProver: () => KeptProver;
  readonly isReady: () => Promise<boolean>;
  /** What the prover that ended last said of why. */
  readonly message: () => Promise<string>;
  readonly end: () => Promise<void>;
}

export interface Agent {
  readonly printed: () => string;
  readonly ended: Promise<number | undefined>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

export interface KeptProver {
  /** The messages of those that have ended. */
  readonly ends: readonly string[];
}

/**
 * What `scripts/image-agent.ts` puts below /opt/edgebuild, for a few architectures.
 * @param emulatorAs makes another file of an emulator.
 */
export const imageOf = async (
  names: readonly ArchitectureName[],
  emulatorAs: (bytes: Buffer) => Buffer = (bytes) => bytes,
): Promise<string> => {
  const image = newDirectory();
  const emulators = newDirectory();
  await mkdir(join(image, 'probes'));
  for (const program of await readdir(agentFolder))
    if (program.endsWith('.sh')) await copyFile(join(agentFolder, program), join(image, program));
  const made = await Promise.all(
    names.map(async (name) => {
      await writeFile(join(image, 'probes', `probe-${name}`), probeOf(name), { mode: 0o755 });
      const file = join(emulators, name);
      await writeFile(file, emulatorAs(await readFile(emulatorOf(name))));
      return { architecture: architectureNamed(name), file };
    }),
  );
  await writeEmulators(image, made, 'preset=0');
  return image;
};

/** @param setUp shell, before anything else, with `$FS` the folder in which binfmt_misc is looked for. */
export const startNode = async (image: string, setUp = shared): Promise<Node> => {
  const folder = newDirectory();
  const [fs, files, state] = ['fs', 'files', 'state'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const binfmt = join(fs, 'binfmt_misc');
  const own = join(folder, 'own/aarch64');
  for (const directory of [binfmt, files, state, own]) await mkdir(directory, { recursive: true });
  const holder = execa(
    'unshare',
    ['--user', '--map-root-user', '--mount', 'sh', '-c', `set -e; ${setUp}; echo up; exec sleep 100000`],
    { env: { FS: fs, B: binfmt }, reject: false, buffer: false },
  );
  const up = Promise.withResolvers<undefined>();
  holder.stdout.on('data', () => {
    up.resolve(undefined);
  });
  await Promise.race([
    up.promise,
    holder.then(({ exitCode }) => {
      throw new Error(`no node: ${String(exitCode)}`);
    }),
  ]);
  const enter = ['--target', String(holder.pid), '--user', '--mount', '--preserve-credentials', '--'];
  const environment = {
    B: binfmt,
    BINFMT: binfmt,
    FILES: files,
    STATE: state,
    IMAGE: image,
    EVERY: '0.2',
    OWN: join(folder, 'own'),
    TERMINATION_LOG: join(folder, 'termination-log'),
  };
  const underUmask = ['sh', '-c', 'umask 077; exec busybox sh "$@"', 'sh'];
  const running: Agent[] = [];
  const kept: Promise<void>[] = [];
  let isOver = false;
  const isEnding = (): boolean => isOver;
  const node: Node = {
    ...{ folder, files, state, own, binfmt },
    run: async (script) => {
      const { stdout, exitCode } = await execa('nsenter', [...enter, 'sh', '-c', script], {
        ...{ env: environment, reject: false },
      });
      return { stdout, exitCode };
    },
    start: (args, more = {}) => {
      let printed = '';
      const [program = '', ...rest] = args;
      const its = { ...environment, ...(program === 'prove.sh' ? { OWN: own } : {}), ...more };
      const child = execa('nsenter', [...enter, ...underUmask, join(its.IMAGE, program), ...rest], {
        ...{ env: its, reject: false, all: true, buffer: false },
      });
      child.all.on('data', (text: Buffer) => (printed += text.toString()));
      const agent: Agent = {
        printed: () => printed,
        ended: child.then(({ exitCode }) => exitCode),
        kill: (signal) => void child.kill(signal),
      };
      running.push(agent);
      return agent;
    },
    saidOf: (name) => readFile(join(state, name), 'utf8').catch(() => ''),
    says: (name, words) =>
      until(
        () => node.saidOf(name),
        (text) => text.startsWith(words),
        60_000,
      ),
    entries: async () =>
      (await node.run('ls "$B"')).stdout.split('\n').filter((one) => one !== 'register' && one !== 'status'),
    keepProver: () => {
      const ends: string[] = [];
      const keep = async (): Promise<void> => {
        while (!isEnding()) {
          const status = await node.start(['prove.sh', 'aarch64']).ended;
          if (!isEnding()) ends.push(`${String(status)} ${await node.message()}`);
        }
      };
      kept.push(keep());
      return { ends };
    },
    isReady: async () => (await node.start(['prove.sh', 'ready']).ended) === 0,
    message: () => readFile(environment.TERMINATION_LOG, 'utf8').catch(() => ''),
    end: async () => {
      isOver = true;
      for (const child of running) child.kill('SIGKILL');
      holder.kill('SIGKILL');
      await Promise.all([...running.map(({ ended }) => ended), ...kept, holder]);
    },
  };
  return node;
};

/** As on a node that systemd has started: mounts below are seen by all. */
export const shared = 'mount --make-rprivate /; mount --bind "$FS" "$FS"; mount --make-shared "$FS"';
