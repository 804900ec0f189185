import type { Platform } from '../api/platforms.ts';
import { variantFits, type Declared } from './declared.ts';
import { architectureOf, matchesPlatform } from './elf.ts';
import type { ElfFiles } from './elffiles.ts';
import { shown } from './names.ts';
import { whatIs, type Program, type Start } from './program.ts';
import { resolve } from './resolve.ts';
import type { Directory } from './nodes.ts';

/** One rule of verification, and what it found. */
export interface Check {
  readonly name:
    'os' | 'architecture' | 'variant' | 'program' | 'interpreter' | 'shell' | 'command' | 'files' | 'names';
  readonly passed: boolean;
  readonly detail: string;
}

/** An ELF file of another machine, for people. */
export const example = ({
  path,
  elf,
}: ElfFiles['foreign']['examples'][number]): { path: string; architecture: string } => ({
  path: shown(path),
  architecture: architectureOf(elf),
});

export const declarationChecks = (config: Declared, platform: Platform): readonly Check[] => {
  const claims = (name: 'os' | 'architecture', value: string, wanted: string): Check => ({
    name,
    passed: value === wanted,
    detail: `the configuration says ${name} ${value === '' ? '(nothing)' : value}${value === wanted ? '' : `, not ${wanted}`}`,
  });
  const checks = [
    claims('os', config.os, platform.os),
    claims('architecture', config.architecture, platform.architecture),
  ];
  if (config.architecture !== platform.architecture) return checks;
  const fits = variantFits(config, platform);
  const says = (config.variant ?? '') === '' ? 'no variant' : `variant ${config.variant ?? ''}`;
  const wanted = platform.variant === undefined ? '' : `, not ${platform.variant}`;
  return [
    ...checks,
    { name: 'variant', passed: fits, detail: `the configuration says ${says}${fits ? '' : wanted}` },
  ];
};

export const programChecks = (
  root: Directory,
  program: Start | undefined,
  platform: Platform,
): readonly Check[] =>
  program === undefined
    ? [
        {
          name: 'program',
          passed: true,
          detail: 'the image names no program to start (no ENTRYPOINT, no CMD)',
        },
      ]
    : startChecks('program', root, program, platform);

/** Starting it works as far as its files go, and every ELF file on the way, loaders included, is of the platform. */
export const startChecks = (
  name: 'program' | 'shell' | 'command',
  root: Directory,
  start: Start,
  platform: Platform,
): readonly Check[] => {
  const wrong = start.programs.find(({ elf }) => !matchesPlatform(elf, platform));
  const last = start.programs.at(-1);
  const failure =
    wrong !== undefined
      ? `${wrong.resolved} is a program for ${architectureOf(wrong.elf)}, not ${platform.architecture}`
      : start.failure;
  const found = last === undefined ? '' : ` is a program for ${architectureOf(last.elf)}`;
  const path = start.path === start.resolved ? start.path : `${start.path} (${start.resolved ?? ''})`;
  const through = last !== undefined && start.kind === 'script' ? `, a script run by ${last.resolved},` : '';
  const own: Check = { name, passed: failure === undefined, detail: failure ?? `${path}${through}${found}` };
  return [own, ...start.programs.flatMap((each) => loaderCheck(root, each, platform))];
};

/** The dynamic loader that a program asks for. */
const loaderCheck = (root: Directory, { resolved, elf }: Program, platform: Platform): readonly Check[] => {
  const check = (passed: boolean, detail: string): readonly Check[] => [
    { name: 'interpreter', passed, detail },
  ];
  if (elf.interpreter.state === 'none') return [];
  if (elf.interpreter.state === 'unknown')
    return check(
      false,
      `${resolved}: which interpreter it needs could not be read: its program headers are damaged or out of reach`,
    );
  const path = shown(elf.interpreter.path);
  const found = resolve(root, elf.interpreter.path);
  if (found.state !== 'found')
    return check(false, `${resolved} needs the interpreter ${path}, which is not in the image`);
  if (found.node.kind !== 'elf')
    return check(false, `${path}, the interpreter of ${resolved}, is ${whatIs(found.node)}`);
  const architecture = architectureOf(found.node.elf);
  if (matchesPlatform(found.node.elf, platform))
    return check(true, `${path}, the interpreter of ${resolved}, is for ${architecture}`);
  return check(
    false,
    `${shown(found.path)}, the interpreter of ${resolved}, is for ${architecture}, not ${platform.architecture}`,
  );
};

/** The word after `sh -c` may be the shell's own or a thing of run time: only what is found is judged. */
export const commandChecks = (root: Directory, start: Start, platform: Platform): readonly Check[] =>
  start.programs.length === 0 ? [] : startChecks('command', root, start, platform);

export const filesCheck = ({ total, foreign }: ElfFiles): Check => {
  const examples = foreign.examples.map(example).map(({ path, architecture }) => `${path} (${architecture})`);
  const others =
    foreign.count === 0
      ? ''
      : `, ${foreign.count} of other machines: ${examples.join(', ')}${foreign.count > examples.length ? ', …' : ''}`;
  return { name: 'files', passed: true, detail: `${total} ELF files${others}` };
};
