/** The real program in a place of its own, and what it left behind there. */
import { afterAll, jest } from '@jest/globals';
import { execa } from 'execa';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { EdgeBuild, PlatformStatus } from '../../src/api/edgebuild.ts';
import type { Condition, ConditionType } from '../../src/api/conditions.ts';
import { archiveOf, type BaseRecipe, baseImages } from './bases.ts';
import { remainsOf } from './remains.ts';

/** The root of this repository. */
export const repository = join(import.meta.dirname, '../..');
const main = join(repository, 'src/main.ts');

/** Builds take seconds, and longer where other tests keep the machine busy. */
jest.setTimeout(120_000);

export interface RunOptions {
  readonly input?: string;
  /** Beside PATH, HOME, TMPDIR and XDG_CACHE_HOME, which the workshop sets. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What comes before the program: `setpriv …`, `unshare …`. */
  readonly within?: readonly string[];
  /** Where `within` shows this repository, if it lies elsewhere there. */
  readonly repositoryAt?: string;
  /** The signal is sent, once, when the text has been read on standard error. */
  readonly signalAt?: { readonly text: string; readonly signal: NodeJS.Signals };
}

/** How the program ended. */
export interface Ended {
  /** 128 + n if signal n ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What `-o json` printed. */
  readonly object: EdgeBuild;
}

export interface Workshop {
  /** Unique on this machine: whatever names it belongs to this workshop. */
  readonly directory: string;
  readonly cache: string;
  readonly path: (name: string) => string;
  /** Writes a file and returns its path. */
  readonly write: (name: string, content: string | Buffer, mode?: number) => string;
  /** Packs base images as one oci-archive and returns the reference. */
  readonly base: (name: string, ...recipes: readonly BaseRecipe[]) => string;
  readonly edgebuild: (args: readonly string[], options?: RunOptions) => Promise<Ended>;
  /** `edgebuild build -o json` of an EdgeBuild with this spec. */
  readonly build: (
    spec: Readonly<Record<string, unknown>>,
    args?: readonly string[],
    options?: RunOptions & { readonly name?: string },
  ) => Promise<Ended>;
  /** Processes, mounts, containers and temporary files that are still there 10 s after a build: none, if all is well. */
  readonly remains: () => Promise<readonly string[]>;
}

const made: string[] = [];
afterAll(async () => {
  for (const directory of made) await removeForeign(directory);
});

/** Removes a directory with files of subordinate ids in it, which an ordinary user's rm may not. */
const removeForeign = async (directory: string): Promise<void> => {
  if (process.getuid?.() === 0) rmSync(directory, { recursive: true, force: true });
  else await execa('unshare', ['--user', '--map-auto', '--map-root-user', 'rm', '-rf', directory]);
};

/** @param parent where it lies; sandboxes hide /tmp and /var/cache of the machine, and nothing else. */
export const newWorkshop = (parent = tmpdir()): Workshop => {
  const directory = mkdtempSync(join(parent, 'edgebuild-workshop-'));
  made.push(directory);
  const cache = join(directory, 'cache/edgebuild');
  const temporary = join(directory, 'temporary');
  mkdirSync(temporary);
  const path = (name: string): string => join(directory, name);
  const write: Workshop['write'] = (name, content, mode = 0o644) => {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), content, { mode });
    return path(name);
  };
  const environment = {
    ...{ PATH: process.env['PATH'] ?? '', HOME: directory, TMPDIR: temporary },
    XDG_CACHE_HOME: join(directory, 'cache'),
  };
  const edgebuild: Workshop['edgebuild'] = async (args, options = {}) => {
    const { input = '', within = [], repositoryAt = repository, signalAt } = options;
    const own = [process.execPath, main].map((file) => file.replace(repository, repositoryAt));
    const [program = '', ...rest] = [...within, ...own, ...args];
    const running = execa(program, rest, {
      ...{ cwd: directory, env: { ...environment, ...options.environment }, extendEnv: false, input },
      ...{ reject: false, timeout: 110_000, stripFinalNewline: false },
    });
    let told = '';
    if (signalAt !== undefined) {
      running.stderr.on('data', (chunk: Buffer) => {
        const before = told.includes(signalAt.text);
        told += chunk.toString();
        if (!before && told.includes(signalAt.text)) running.kill(signalAt.signal);
      });
    }
    const { exitCode, signal, stdout, stderr } = await running;
    return {
      ...{ status: exitCode ?? (signal === 'SIGKILL' ? 137 : 128), stdout, stderr },
      get object() {
        return JSON.parse(stdout) as EdgeBuild;
      },
    };
  };
  return {
    ...{ directory, cache, path, write, edgebuild },
    base: (name, ...recipes) => `oci-archive:${write(`${name}.base.tar`, archiveOf(baseImages(...recipes)))}`,
    build: (spec, args = [], { name = 'app', ...options } = {}) => {
      const object = { apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata: { name }, spec };
      const file = write(`${name}.json`, JSON.stringify(object));
      return edgebuild(['build', '-f', file, '-o', 'json', ...args], options);
    },
    remains: () => remainsOf({ directory, cache, temporary }),
  };
};

/** An inline Dockerfile as a spec. */
export const inline = (
  ...lines: readonly string[]
): { readonly source: { readonly dockerfile: string } } => ({
  source: { dockerfile: `${lines.join('\n')}\n` },
});

/** The status of the only platform, or of one of several. */
export const platformOf = ({ object }: Ended, index = 0): PlatformStatus => {
  const found = object.status?.platforms?.[index];
  if (found === undefined) throw new Error('the object has no status of it');
  return found;
};

export const conditionOf = ({ object }: Ended, type: ConditionType): Condition | undefined =>
  object.status?.conditions?.find((condition) => condition.type === type);

/** A file's bytes, or undefined where none is. */
export const bytesOf = (path: string): Buffer | undefined =>
  existsSync(path) ? readFileSync(path) : undefined;
