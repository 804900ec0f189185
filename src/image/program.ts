import { architectureOf, type Elf } from './elf.ts';
import { nameOf, shown } from './names.ts';
import type { ImageConfig } from './ocitypes.ts';
import { resolve, type Resolution } from './resolve.ts';
import type { Directory, File } from './nodes.ts';

/** An ELF file that starting something runs. Paths are as a person reads them. */
export interface Program {
  /** As it was asked for. */
  readonly path: string;
  /** Without links. */
  readonly resolved: string;
  readonly elf: Elf;
}

/** What starting a file of the image comes to. */
export interface Start {
  readonly path: string;
  /** Where that path leads; absent if nowhere. */
  readonly resolved?: string;
  readonly kind: 'elf' | 'script' | 'data' | 'missing';
  /** Links and `#!` lines that were followed, in order. */
  readonly via: readonly string[];
  /** Every ELF file on the way; the last is the one that runs what the image starts. */
  readonly programs: readonly Program[];
  /** Why it does not start, whatever the platform; absent if it does. */
  readonly failure?: string;
}

/** What a runtime searches where the image sets no PATH (moby and podman agree). */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Scripts run by scripts: the kernel gives up after four (fs/exec.c, exec_binprm). */
const MAX_SCRIPTS = 4;

/** Where and how an image starts its program. */
export interface Surroundings {
  readonly root: Directory;
  readonly cwd: string;
  readonly path: string;
}

export const surroundingsOf = (root: Directory, config: ImageConfig): Surroundings => {
  const path = config.config.Env?.findLast((line) => line.startsWith('PATH='))?.slice('PATH='.length);
  const cwd = nameOf(config.config.WorkingDir ?? '') || '/';
  return { root, cwd: cwd.startsWith('/') ? cwd : `/${cwd}`, path: nameOf(path ?? '') || DEFAULT_PATH };
};

/** The words that starting the image executes; none if it names no program. */
export const startWords = ({ config }: ImageConfig): readonly string[] => [
  ...(config.Entrypoint ?? []),
  ...(config.Cmd ?? []),
];

/** Of `sh -c 'COMMAND …'`, the command's first word where that is a plain name; else undefined. */
export const shellCommand = (words: readonly string[]): string | undefined => {
  const shell = words[0]?.split('/').at(-1) ?? '';
  if (!/^(?:sh|bash|dash|ash|ksh|zsh)$/.test(shell)) return undefined;
  const flag = words.findIndex((word, i) => i > 0 && /^-[a-zA-Z]*c$/.test(word));
  const script = flag === -1 ? undefined : words[flag + 1];
  return script?.trim().match(/^(?:exec\s+)?((?!-)[\w./+@:-]+)(?=\s|$)/)?.[1];
};

/** Finds a program as execvp(3) does: a name with a slash from the working directory, any other along PATH. */
const find = ({ root, cwd, path }: Surroundings, name: string): Resolution => {
  if (name.includes('/')) return resolve(root, name, cwd);
  let notExecutable: Resolution | undefined;
  for (const directory of path.split(':')) {
    const found = resolve(root, `${directory === '' ? '.' : directory}/${name}`, cwd);
    if (found.state !== 'found' || found.node.kind === 'directory') continue;
    if ('executable' in found.node && found.node.executable) return found;
    notExecutable ??= found;
  }
  return notExecutable ?? { state: 'missing', at: name };
};

const failureOf = (
  { path }: Surroundings,
  name: string,
  { state, at }: Exclude<Resolution, { state: 'found' }>,
): string => {
  if (state === 'loop') return `${shown(name)} leads through more than 40 links at ${shown(at)}`;
  if (state === 'notDirectory') return `${shown(name)} leads through ${shown(at)}, which is not a directory`;
  if (!name.includes('/')) return `${shown(name)} is not in the image (PATH ${shown(path)})`;
  return at === name
    ? `${shown(name)} is not in the image`
    : `${shown(name)} is not in the image: there is no ${shown(at)}`;
};

/** What a `#!` line runs, by the kernel's reading: a path, and the rest as one argument. */
const interpreterOf = (line: string): { path: string; argument: string } | undefined => {
  const [, path, argument = ''] = /^[ \t]*([^ \t\0]+)[ \t]*([^\0]*?)[ \t]*(?:\0.*)?$/s.exec(line) ?? [];
  return path === undefined ? undefined : { path, argument };
};

/** The program that `env ARGUMENT` runs; with -S the argument is split into words, else it is one word. */
const envProgram = (argument: string): string | undefined => {
  const split = /^(?:-[iv0]*S|--split-string[= ])[ \t]*(.*)$/s.exec(argument)?.[1];
  const words = split === undefined ? [argument] : split.split(/[ \t]+/);
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i]?.replace(/^(["'])(.*)\1$/, '$2') ?? '';
    if (/^(?:-u|-C|--unset|--chdir)$/.test(word)) i += 1;
    else if (word !== '' && !word.startsWith('-') && !/^[^/]*=/.test(word)) return word;
  }
  return undefined;
};

/**
 * Follows what starting `name` (bytes as latin1) runs: links, `#!` lines, `env`, to the programs at the end. Pure.
 */
export const follow = (surroundings: Surroundings, name: string): Start => {
  const first = find(surroundings, name);
  const programs: Program[] = [];
  const via: string[] = [];
  if (first.state !== 'found')
    return {
      path: shown(name),
      kind: 'missing',
      via,
      programs,
      failure: failureOf(surroundings, name, first),
    };
  const failure = run(surroundings, name, first, programs, via, 0);
  return {
    path: shown(name),
    resolved: shown(first.path),
    kind: first.node.kind === 'elf' || first.node.kind === 'script' ? first.node.kind : 'data',
    via: via.map(shown),
    programs,
    ...(failure === undefined ? {} : { failure }),
  };
};

/** Adds what running a found file adds; returns why it does not run, if it does not. */
const run = (
  surroundings: Surroundings,
  name: string,
  found: Extract<Resolution, { state: 'found' }>,
  programs: Program[],
  via: string[],
  scripts: number,
): string | undefined => {
  const { node, path, links } = found;
  via.push(...links);
  if (node.kind === 'elf') {
    programs.push({ path: shown(name), resolved: shown(path), elf: node.elf });
    return undefined;
  }
  if (node.kind !== 'script')
    return `${shown(path)} is ${whatIs(node)}, not a program and not a script with a #! line`;
  const interpreter = interpreterOf(node.line);
  if (interpreter === undefined) return `${shown(path)} has a #! line that names nothing`;
  if (scripts === MAX_SCRIPTS) return `${shown(path)} is a script run by more than ${MAX_SCRIPTS} scripts`;
  via.push(`#!${node.line.trim()}`);
  const next = resolve(surroundings.root, interpreter.path, surroundings.cwd);
  if (next.state !== 'found')
    return `${shown(path)} begins with #!${shown(interpreter.path)}, but ${failureOf(surroundings, interpreter.path, next)}`;
  const failure = run(surroundings, interpreter.path, next, programs, via, scripts + 1);
  if (failure !== undefined || !/(?:^|\/)env$/.test(interpreter.path)) return failure;
  const program = envProgram(interpreter.argument);
  if (program === undefined) return undefined;
  const real = find(surroundings, program);
  if (real.state !== 'found')
    return `${shown(path)} runs ${shown(program)} by env, but ${failureOf(surroundings, program, real)}`;
  return run(surroundings, program, real, programs, via, scripts + 1);
};

export const whatIs = (node: Directory | File): string => {
  switch (node.kind) {
    case 'directory':
      return 'a directory';
    case 'elf':
      return `a program for ${architectureOf(node.elf)}`;
    case 'script':
      return 'a script';
    case 'data':
      return 'a file without a program';
    case 'unread':
      return `a file that could not be read (${node.why})`;
    case 'special':
      return 'a device or pipe';
  }
};
