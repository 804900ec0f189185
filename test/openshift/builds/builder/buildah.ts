/** The build itself, by the node's buildah. */
import { readFileSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import type { Build } from '../kinds.ts';
import { type Base, nameOf, type Platform, type Storage } from './images.ts';
import { type Instruction, writeInstructions } from './instructions.ts';
import { contextOf } from './manage.ts';
import type { Surroundings } from './place.ts';
import { run, say } from './programs.ts';
import { replaceImages } from './references.ts';
import { inNewWords } from './words.ts';

/** The node's own, as images have it. */
const machine: Platform = { os: 'linux', architecture: arch() === 'x64' ? 'amd64' : arch() };

const platformFrom = (target: string | undefined): Platform => {
  if (target === undefined) return machine;
  const [os = '', architecture = '', variant] = target.split('/');
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
};

const isFor = (platform: Platform, wanted: Platform): boolean =>
  platform.os === wanted.os && platform.architecture === wanted.architecture;

/** What was pulled for the node is fetched once more where the build is for another platform: of an index its entry. */
export const suited = async (
  storage: Storage,
  bases: readonly Base[],
  target: string | undefined,
): Promise<readonly Base[]> => {
  const found: Base[] = [];
  for (const base of bases) {
    const wanted = platformFrom(target);
    if (target === undefined || isFor(base.platform, wanted)) found.push(base);
    else {
      say(`Trying to pull ${base.image}...`);
      found.push(await storage.fetch(base.image, wanted));
    }
  }
  return found;
};

export interface ImageBuild extends Surroundings {
  readonly storage: Storage;
  readonly bases: readonly Base[];
  readonly instructions: readonly Instruction[];
  /** Build arguments. */
  readonly given: Readonly<Record<string, string>>;
}

/** A line as it is printed; undefined: not at all. */
type Shown = (line: string) => string | undefined;

/**
 * Returns the image's id. buildah 1.28 builds no stage that the last one does not need: the one after the commit goes
 * first, by itself, and the image is then made out of the same layers.
 */
export const buildImage = async (work: ImageBuild): Promise<string> => {
  const { instructions, build } = work;
  const { heading, stages } = stagesOf(instructions);
  const noCache = build.spec.strategy.dockerStrategy?.noCache === true;
  if (!hasPostCommit(build)) return runBuildah(work, instructions, noCache, (line) => line);
  const total = stages.length;
  const numbered: Shown = (line) => line.replace(/^\[(\d+)\/\d+\]/, `[$1/${total}]`);
  await runBuildah(work, [...heading, ...stages.slice(0, -1).flat()], noCache, numbered);
  let isLast = false;
  return runBuildah(work, [...heading, ...stages.toSpliced(-2, 1).flat()], false, (line) => {
    isLast ||= line.startsWith(`[${total - 1}/`);
    return isLast ? line.replace(/^\[\d+\/\d+\]/, `[${total}/${total}]`) : undefined;
  });
};

const hasPostCommit = ({ spec: { postCommit = {} } }: Build): boolean => {
  const { script = '', command = [], args = [] } = postCommit;
  return script !== '' || command.length > 0 || args.length > 0;
};

const stagesOf = (instructions: readonly Instruction[]) => {
  const heading: Instruction[] = [];
  const stages: Instruction[][] = [];
  for (const instruction of instructions) {
    if (instruction.keyword === 'FROM') stages.push([]);
    (stages.at(-1) ?? heading).push(instruction);
  }
  return { heading, stages };
};

const runBuildah = async (
  { build, place, storage, bases, given }: ImageBuild,
  instructions: readonly Instruction[],
  noCache: boolean,
  shown: Shown,
): Promise<string> => {
  const [file, idFile] = [join(place.temporary, 'Dockerfile'), join(place.temporary, 'image')];
  const byName = (image: string) => bases.find((base) => base.image === image);
  writeFileSync(file, writeInstructions(replaceImages(instructions, (image) => byName(image)?.id)));
  const target = given['TARGETPLATFORM'];
  const command = storage.buildah(
    ...['build', '--layers', '--force-rm', '--pull-never', '--network=host', '--format=docker'],
    ...(noCache ? ['--no-cache'] : []),
    ...(target === undefined ? [] : [`--platform=${target}`]),
    ...Object.entries(given).map(([name, value]) => `--build-arg=${name}=${value}`),
    ...[`--file=${file}`, `--iidfile=${idFile}`, contextOf(build, place)],
  );
  const print = printing(bases, platformFrom(target), shown);
  const { status } = await run({ command, environment: storage.environment, onLine: print.line });
  if (status !== 0) throw new Error(print.error());
  return readFileSync(idFile, 'utf8').trim().replace('sha256:', '');
};

/** Prints what buildah says, with the author's names of images; its last words are kept. */
const printing = (bases: readonly Base[], expected: Platform, shown: Shown) => {
  let error = '';
  const line = (said: string): void => {
    const named = bases.reduce((text, { id, image }) => text.replaceAll(id, image), said);
    if (named.startsWith('Error: ')) {
      error = named.slice('Error: '.length);
      return;
    }
    const visible = shown(named);
    if (visible === undefined) return;
    inNewWords(visible).forEach(say);
    const from = /STEP 1\/\d+: FROM (\S+)/.exec(visible)?.[1];
    const platform = bases.find(({ image }) => image === from)?.platform;
    if (platform !== undefined && !isFor(platform, expected))
      say(
        `WARNING: image platform (${nameOf(platform)}) does not match the expected platform (${nameOf(expected)})`,
      );
  };
  return { line, error: () => error };
};
