import { mkdir, open, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { EdgeBuildSpec } from '../../api/edgebuild.ts';
import { BuildFailure } from '../failure.ts';
import { runOutside, withoutCredentials } from './outside.ts';

/** What is built, on this machine. */
export interface Source {
  /** The build context; absent when an inline Dockerfile stands alone. */
  readonly directory?: string;
  readonly dockerfile: string;
  /** For messages. */
  readonly dockerfileName: string;
  /** Seconds since 1970 that every file of the context is dated, so that a fresh clone of one commit hits the cache. */
  readonly modified?: number;
}

export interface SourceOptions {
  readonly source: EdgeBuildSpec['source'];
  /** `--context DIR`, instead of the git repository. */
  readonly context?: string;
  /** An empty directory to clone into. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** @throws BuildFailure with reason FetchSourceFailed. */
export const fetchSource = async (options: SourceOptions): Promise<Source> => {
  const { source, context } = options;
  if (context !== undefined) return sourceIn(await realpath(context), source);
  if (source.git === undefined) {
    return { dockerfile: source.dockerfile ?? '', dockerfileName: 'spec.source.dockerfile' };
  }
  const checkout = join(options.directory, 'source');
  const modified = await clone(source.git, checkout, options);
  return { ...(await sourceIn(await realpath(checkout), source)), modified };
};

const largestDockerfile = 1024 * 1024;

/** Nothing of a file is read, nor said, before its real place is known to be inside of the repository. */
const sourceIn = async (root: string, source: EdgeBuildSpec['source']): Promise<Source> => {
  const directory = await insideOf(root, source.contextDir, 'contextDir');
  if (!(await stat(directory)).isDirectory()) {
    throw failed(`contextDir ${source.contextDir} is not a directory`);
  }
  if (source.dockerfile !== undefined) {
    return { directory, dockerfile: source.dockerfile, dockerfileName: 'spec.source.dockerfile' };
  }
  const path = await insideOf(root, join(source.contextDir, source.dockerfilePath), 'dockerfilePath');
  const file = await open(path);
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw failed(`dockerfilePath ${source.dockerfilePath} is not a file`);
    if (facts.size > largestDockerfile) {
      throw failed(`dockerfilePath ${source.dockerfilePath} is larger than ${largestDockerfile} bytes`);
    }
    return { directory, dockerfile: await file.readFile('utf8'), dockerfileName: source.dockerfilePath };
  } finally {
    await file.close();
  }
};

const insideOf = async (root: string, path: string, field: string): Promise<string> => {
  const real = await realpath(join(root, path)).catch(() => {
    throw failed(`${field}: there is no ${path} in the source`);
  });
  if (real !== root && !real.startsWith(root + sep)) {
    throw failed(`${field}: ${path} leads out of the source through a symbolic link`);
  }
  return real;
};

const failed = (message: string, output: readonly string[] = []): BuildFailure =>
  new BuildFailure('FetchSourceFailed', message, output);

/**
 * Clones one commit, and returns when it was made. Only protocols that carry repositories over a network are allowed,
 * for submodules too: `ext::` runs commands and `file:` reads this machine (gitprotocol allow-list, git(1)
 * GIT_ALLOW_PROTOCOL). Hooks are off; nothing is asked on a terminal.
 */
const clone = async (
  repository: NonNullable<EdgeBuildSpec['source']['git']>,
  checkout: string,
  { environment, signal }: SourceOptions,
): Promise<number> => {
  const git = (...given: readonly string[]) =>
    runOutside({
      program: 'git',
      arguments: ['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', ...given],
      environment: {
        ...environment,
        GIT_ALLOW_PROTOCOL: 'https:http:ssh:git',
        GIT_TERMINAL_PROMPT: '0',
        GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
        LC_ALL: 'C.UTF-8',
      },
      directory: checkout,
      signal,
    });
  const must = async (what: string, ...given: readonly string[]): Promise<string> => {
    const { status, stdout, said } = await git(...given);
    // git goes on after it refused a submodule's protocol, and its last line no longer says why.
    const cause = said.find((line) => /^fatal: transport .* not allowed$/.test(line)) ?? said.at(-1);
    if (status !== 0) throw failed(`${what}: ${cause ?? `git ended with ${status}`}`, said);
    return stdout;
  };

  const name = withoutCredentials(repository.uri);
  const ref = repository.ref ?? 'HEAD';
  await mkdir(checkout);
  await must('git init', 'init', '--quiet', '--template=');
  const shallow = await git('fetch', '--quiet', '--depth=1', '--no-tags', '--', repository.uri, ref);
  if (shallow.status === 0) {
    await must(`${name} ${ref}`, 'checkout', '--quiet', '--detach', 'FETCH_HEAD');
  } else {
    // A server may refuse single commits: all branches and tags then, and the commit among them.
    const everything = ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*'];
    await must(`${name} ${ref}`, 'fetch', '--quiet', '--', repository.uri, ...everything);
    const commit = await git('rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`);
    if (commit.status !== 0) throw failed(`${name} has no branch, tag or commit ${ref}`, shallow.said);
    await must(`${name} ${ref}`, 'checkout', '--quiet', '--detach', commit.stdout.trim());
  }
  const submodules = ['submodule', '--quiet', 'update', '--init', '--recursive'];
  if ((await stat(join(checkout, '.gitmodules')).catch(() => undefined)) !== undefined) {
    if ((await git(...submodules, '--depth=1')).status !== 0) {
      await must(`a submodule of ${name}`, ...submodules);
    }
  }
  return Number(await must(name, 'log', '-1', '--format=%ct'));
};
