import { execFile, spawn } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from '../test/cluster/ports.ts';

const execute = promisify(execFile);

export interface GitServer {
  readonly port: number;
  /** The commit that `master` points at. */
  readonly commit: string;
  readonly close: () => Promise<void>;
}

/** Serves a folder's files as the only commit of `master`, over the git protocol, on loopback alone unless told otherwise. */
export const serveRepository = async (
  files: string,
  name: string,
  environment: Readonly<Record<string, string>>,
  address = '127.0.0.1',
): Promise<GitServer> => {
  const base = await mkdtemp(join(tmpdir(), 'edgebuild-demo-'));
  const repository = join(base, name);
  // The same name, date and files give the same commit on every machine.
  const env = { ...environment, ...author, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  const git = async (...given: string[]): Promise<string> =>
    (await execute('git', ['-C', repository, ...given], { env })).stdout.trim();

  await cp(files, repository, { recursive: true });
  await git('init', '--quiet', '--initial-branch=master');
  await git('add', '.');
  await git('commit', '--quiet', '--message=An application for the gateway');
  const commit = await git('rev-parse', '--short', 'HEAD');

  const [port = 0] = await freePorts(1);
  // Not `git daemon`: that is a parent of the server, and ending it would leave the server to end by itself.
  const daemon = spawn(
    join(await git('--exec-path'), 'git-daemon'),
    [
      `--listen=${address}`,
      `--port=${port}`,
      `--base-path=${base}`,
      '--export-all',
      '--reuseaddr',
      '--log-destination=none',
    ],
    { env, stdio: 'ignore' },
  );
  const ended = new Promise<void>((resolve) => {
    daemon.once('close', () => {
      resolve();
    });
  });
  const close = async (): Promise<void> => {
    daemon.kill();
    await ended;
    await rm(base, { recursive: true, force: true });
  };
  try {
    await answering(address, port);
    return { port, commit, close };
  } catch (error) {
    await close();
    throw error;
  }
};

const author = Object.fromEntries(
  ['AUTHOR', 'COMMITTER'].flatMap((who) => [
    [`GIT_${who}_NAME`, 'EdgeBuild demo'],
    [`GIT_${who}_EMAIL`, 'demo@edgebuild.io'],
    [`GIT_${who}_DATE`, '2019-07-01T12:00:00Z'],
  ]),
);

const answering = async (address: string, port: number): Promise<void> => {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await answers(address, port)) return;
    await sleep(50);
  }
  throw new Error(`the git server does not answer on port ${port}`);
};

const answers = (address: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
