import type { Platform } from '../api/platforms.ts';
import type { Reason } from '../api/conditions.ts';
import {
  commandChecks,
  declarationChecks,
  example,
  filesCheck,
  programChecks,
  startChecks,
  type Check,
} from './checks.ts';
import { architectureOf, matchesPlatform } from './elf.ts';
import { countElfFiles, type ElfFiles } from './elffiles.ts';
import type { Image } from './image.ts';
import { nameOf, shown } from './names.ts';
import { follow, shellCommand, startWords, surroundingsOf, type Program, type Start } from './program.ts';
import { resolve } from './resolve.ts';
import { surveyImage, type Survey } from './survey.ts';
import type { Directory } from './nodes.ts';

/** What verification found, and whether the image is of the platform. Plain data. */
export interface VerificationReport {
  readonly passed: boolean;
  readonly reason: Extract<Reason, 'Verified' | 'VerificationFailed'>;
  /** One line: what it is, or everything that is wrong and where. */
  readonly message: string;
  /** The platform it was asked to be. */
  readonly platform: string;
  readonly digest: string;
  /** What its configuration claims. */
  readonly declared: { readonly os: string; readonly architecture: string; readonly variant?: string };
  /** What its programs are: OCI's word for the machine of the program it starts, or of /bin/sh; else undefined. */
  readonly architecture: string | undefined;
  readonly program?: ReportedStart;
  /** The dynamic loader of the program. */
  readonly interpreter?: {
    readonly path: string;
    readonly resolved?: string;
    readonly architecture?: string;
  };
  readonly shell?: ReportedStart;
  readonly elfFiles: number;
  readonly foreign: {
    readonly count: number;
    readonly examples: readonly { path: string; architecture: string }[];
  };
  readonly checks: readonly Check[];
}

export interface ReportedStart {
  /** As the image names it. */
  readonly path: string;
  /** Without links; absent if it is not there. */
  readonly resolved?: string;
  /** Links and `#!` lines that were followed. */
  readonly via: readonly string[];
  readonly kind: Start['kind'];
  /** Of the ELF file that runs in the end. */
  readonly architecture?: string;
}

/** Surveys the image and judges it. Throws what surveyImage throws: an unreadable image is not a verdict. */
export const verifyImage = async (
  image: Image,
  platform: Platform,
  options: { readonly signal?: AbortSignal } = {},
): Promise<VerificationReport> => judge(await surveyImage(image, options), image, platform);

/** The rules of `verify.architecture: Strict`. Pure. */
export const judge = (
  survey: Survey,
  image: Pick<Image, 'config' | 'digest'>,
  platform: Platform,
): VerificationReport => {
  const { config, digest } = image;
  const { root } = survey;
  const elfFiles = countElfFiles(root, (elf) => matchesPlatform(elf, platform));
  const surroundings = surroundingsOf(root, config);
  const words = startWords(config).map(nameOf);
  const program = words[0] === undefined ? undefined : follow(surroundings, words[0]);
  const shell = resolve(root, '/bin/sh').state === 'found' ? follow(surroundings, '/bin/sh') : undefined;
  const command = shellCommand(words);
  const commandStart = command === undefined ? undefined : follow(surroundings, command);

  const checks: Check[] = [...declarationChecks(config, platform)];
  if (elfFiles.total === 0) {
    checks.push({
      name: 'program',
      passed: true,
      detail: 'the image holds no ELF file: nothing in it is of a machine',
    });
  } else {
    checks.push(...programChecks(root, program, platform));
    if (shell !== undefined) checks.push(...startChecks('shell', root, shell, platform));
    if (commandStart !== undefined) checks.push(...commandChecks(root, commandStart, platform));
    checks.push(filesCheck(elfFiles));
  }
  if (survey.outside > 0)
    checks.push({
      name: 'names',
      passed: true,
      detail: `${survey.outside} names lead out of the image: read as below its root`,
    });

  const passed = checks.every((check) => check.passed);
  const main = program?.programs.at(-1) ?? shell?.programs.at(-1);
  const { os, architecture, variant } = config;
  const interpreter = main === undefined ? undefined : interpreterFacts(root, main);
  return {
    passed,
    reason: passed ? 'Verified' : 'VerificationFailed',
    message: messageOf(platform, checks, elfFiles, program, shell),
    platform: platform.name,
    digest,
    declared: { os, architecture, ...(variant === undefined ? {} : { variant }) },
    architecture: main === undefined ? undefined : architectureOf(main.elf),
    ...(program === undefined ? {} : { program: reported(program) }),
    ...(interpreter === undefined ? {} : { interpreter }),
    ...(shell === undefined ? {} : { shell: reported(shell) }),
    elfFiles: elfFiles.total,
    foreign: { count: elfFiles.foreign.count, examples: elfFiles.foreign.examples.map(example) },
    checks,
  };
};

const reported = ({ path, resolved, via, kind, programs }: Start): ReportedStart => {
  const last = programs.at(-1);
  return {
    path,
    ...(resolved === undefined ? {} : { resolved }),
    via,
    kind,
    ...(last === undefined ? {} : { architecture: architectureOf(last.elf) }),
  };
};

const interpreterFacts = (root: Directory, { elf }: Program): VerificationReport['interpreter'] => {
  if (elf.interpreter.state !== 'path') return undefined;
  const path = shown(elf.interpreter.path);
  const found = resolve(root, elf.interpreter.path);
  if (found.state !== 'found') return { path };
  const resolved = shown(found.path);
  return found.node.kind === 'elf'
    ? { path, resolved, architecture: architectureOf(found.node.elf) }
    : { path, resolved };
};

const messageOf = (
  platform: Platform,
  checks: readonly Check[],
  { total, foreign }: ElfFiles,
  program: Start | undefined,
  shell: Start | undefined,
): string => {
  const failures = [...new Set(checks.filter(({ passed }) => !passed).map(({ detail }) => detail))];
  if (failures.length > 0) return `not ${platform.name}: ${failures.join('; ')}`;
  if (total === 0) return `${platform.name} by its configuration; the image holds no ELF file`;
  const subject = program ?? shell;
  const note = foreign.count === 0 ? '' : `; ${foreign.count} of ${total} ELF files are of other machines`;
  const none = program === undefined ? '; it names no program to start' : '';
  const what = subject === undefined ? 'by its configuration' : `${subject.path} is`;
  return subject === undefined
    ? `${platform.name} ${what}${none}${note}`
    : `${platform.name}: ${what} ${platform.architecture}${none}${note}`;
};
