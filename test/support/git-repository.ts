/** A real repository behind a real `git daemon` on loopback. */
import { afterAll } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { until } from './until.ts';

/** A port of loopback that nobody listens on. */
export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    }).once('error', () => {
      resolve(false);
    });
  });

const servers: ChildProcess[] = [];
afterAll(() => {
  for (const server of servers) server.kill('SIGKILL');
});

export interface Repository {
  readonly directory: string;
  readonly git: (...given: readonly string[]) => string;
  /** Writes files (`-> target`: a symbolic link) and commits them; returns the commit. */
  readonly commit: (files: Readonly<Record<string, string>>) => string;
}

export const newRepository = (directory: string): Repository => {
  mkdirSync(directory, { recursive: true });
  const identity = [
    '-c',
    'user.name=test',
    '-c',
    'user.email=test@example.org',
    '-c',
    'protocol.file.allow=always',
  ];
  const git: Repository['git'] = (...given) =>
    execFileSync('git', [...identity, ...given], { cwd: directory, encoding: 'utf8', stdio: 'pipe' }).trim();
  git('init', '--quiet', '--initial-branch=main');
  return {
    directory,
    git,
    commit: (files) => {
      for (const [name, content] of Object.entries(files)) {
        const path = join(directory, name);
        mkdirSync(dirname(path), { recursive: true });
        if (content.startsWith('-> ')) symlinkSync(content.slice(3), path);
        else writeFileSync(path, content);
      }
      git('add', '--all');
      git('commit', '--quiet', '--message', 'work');
      return git('rev-parse', 'HEAD');
    },
  };
};

/** Serves every repository below a directory; returns the uri they begin with. */
export const serveRepositories = async (base: string): Promise<string> => {
  const port = await freePort();
  const given = [`--base-path=${base}`, '--export-all', '--listen=127.0.0.1', `--port=${port}`];
  servers.push(spawn('git', ['daemon', '--reuseaddr', ...given], { stdio: 'ignore' }));
  if (!(await until(() => answers(port), Boolean))) throw new Error('git daemon does not answer');
  return `git://127.0.0.1:${port}`;
};
