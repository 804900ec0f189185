/** A real git daemon on loopback, over repositories that tests make. */
import { afterAll } from '@jest/globals';
import { execa, execaSync } from 'execa';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePorts } from '../cluster/ports.ts';

export interface Repository {
  /** `git://…`. */
  readonly uri: string;
  readonly git: (...args: readonly string[]) => string;
  /** Commits these files; a text that begins with `-> ` is a symbolic link. Returns the commit. */
  readonly commit: (files: Readonly<Record<string, string>>) => string;
}

export interface GitServer {
  /** The directory below which the repositories lie. */
  readonly root: string;
  readonly uri: (name: string) => string;
  readonly repository: (name: string) => Repository;
}

/** Nothing of the machine's or the user's git is read; times are fixed, so that commits are. */
const environment = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  ...{ GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@example.org', GIT_AUTHOR_DATE: '2020-01-01T00:00:00Z' },
  ...{
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.org',
    GIT_COMMITTER_DATE: '2020-01-01T00:00:00Z',
  },
};

const repositoryAt = (directory: string, uri: string): Repository => {
  mkdirSync(directory, { recursive: true });
  const git: Repository['git'] = (...args) =>
    execaSync('git', args, { cwd: directory, env: environment, extendEnv: false }).stdout;
  git('init', '--quiet', '--initial-branch=main');
  return {
    ...{ uri, git },
    commit: (files) => {
      for (const [name, text] of Object.entries(files)) {
        const path = join(directory, name);
        mkdirSync(dirname(path), { recursive: true });
        if (text.startsWith('-> ')) symlinkSync(text.slice(3), path);
        else writeFileSync(path, text);
      }
      git('add', '--all');
      git('commit', '--quiet', '--message=more');
      return git('rev-parse', 'HEAD');
    },
  };
};

export const startGitServer = async (): Promise<GitServer> => {
  const root = mkdtempSync(join(tmpdir(), 'edgebuild-git-'));
  const [port = 0] = await freePorts(1);
  const options = ['--reuseaddr', '--export-all', '--verbose', '--listen=127.0.0.1', `--port=${port}`];
  const daemon = execa('git', ['daemon', ...options, `--base-path=${root}`, root], {
    ...{ env: environment, extendEnv: false, reject: false, stdin: 'ignore', detached: true },
  });
  afterAll(async () => {
    // `git daemon` is a child of `git`: the whole group.
    if (daemon.pid !== undefined) process.kill(-daemon.pid, 'SIGTERM');
    await daemon;
    rmSync(root, { recursive: true });
  });
  await new Promise<void>((resolve, reject) => {
    daemon.stderr.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('Ready to rumble')) resolve();
    });
    void daemon.then(({ stderr }) => {
      reject(new Error(`git daemon ended: ${stderr}`));
    });
  });
  const uri = (name: string): string => `git://127.0.0.1:${port}/${name}`;
  return { root, uri, repository: (name) => repositoryAt(join(root, name), uri(name)) };
};
