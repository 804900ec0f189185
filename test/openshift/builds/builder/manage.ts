/** The container `manage-dockerfile`: makes the Dockerfile that is built from the author's. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Build, NameValue } from '../kinds.ts';
import { fromOf, type Instruction, readInstructions, withFrom, writeInstructions } from './instructions.ts';
import type { Place, SourceInfo } from './place.ts';
import { replaceImages } from './references.ts';

export const contextOf = (build: Build, { inputs }: Place): string =>
  join(inputs, build.spec.source.contextDir ?? '');

export const dockerfileOf = (build: Build, place: Place): string =>
  join(contextOf(build, place), build.spec.strategy.dockerStrategy?.dockerfilePath ?? 'Dockerfile');

export const manageDockerfile = (build: Build, place: Place): void => {
  const context = contextOf(build, place);
  mkdirSync(context, { recursive: true });
  const { dockerfile } = build.spec.source;
  if (dockerfile !== undefined) writeFileSync(join(context, 'Dockerfile'), dockerfile);
  const info = existsSync(place.sourceInfo)
    ? (JSON.parse(readFileSync(place.sourceInfo, 'utf8')) as SourceInfo)
    : undefined;
  const file = dockerfileOf(build, place);
  writeFileSync(file, managed(readFileSync(file, 'utf8'), build, info));
};

/** In this order: what is put in later sees what was put in before. */
export const managed = (text: string, build: Build, info: SourceInfo | undefined): string => {
  const { spec } = build;
  const strategy = spec.strategy.dockerStrategy ?? {};
  let instructions = readInstructions(text);
  if (strategy.from?.kind === 'DockerImage') instructions = withLastFrom(instructions, { image: strategy.from.name });
  instructions = [...instructions, keyValues('ENV', environment(build, info)), keyValues('LABEL', labels(build, info))];
  instructions = withPostCommit(instructions, postCommit(build), postCommitAlias(build));
  if ((strategy.env ?? []).length > 0) instructions = afterEachFrom(instructions, keyValues('ENV', strategy.env ?? []));
  const sources = new Map(
    (spec.source.images ?? []).flatMap(({ from, as }) =>
      from.kind === 'DockerImage' ? (as ?? []).map((name) => [name, from.name] as const) : [],
    ),
  );
  return writeInstructions(replaceImages(instructions, (image) => sources.get(image)));
}; // prettier-ignore

/** Whatever stands there is replaced, also the name of a stage. */
const withLastFrom = (
  instructions: readonly Instruction[],
  change: { readonly image?: string; readonly alias?: string },
): readonly Instruction[] => {
  const last = instructions.findLastIndex(({ keyword }) => keyword === 'FROM');
  return instructions.map((instruction, index) =>
    index === last ? withFrom(instruction, { ...fromOf(instruction), ...change }) : instruction,
  );
};

const afterEachFrom = (instructions: readonly Instruction[], more: Instruction): readonly Instruction[] =>
  instructions.flatMap((instruction) =>
    instruction.keyword === 'FROM' ? [instruction, more] : [instruction],
  );

const keyValues = (keyword: 'ENV' | 'LABEL', values: readonly NameValue[]): Instruction => ({
  ...{ keyword, flags: [] },
  rest: values.map(({ name, value = '' }) => `${JSON.stringify(name)}=${JSON.stringify(value)}`).join(' '),
});

const environment = ({ metadata, spec }: Build, info: SourceInfo | undefined): readonly NameValue[] => {
  const { git } = spec.source;
  const commit = info?.commit ?? spec.revision?.git?.commit;
  return [
    { name: 'OPENSHIFT_BUILD_NAME', value: metadata.name },
    { name: 'OPENSHIFT_BUILD_NAMESPACE', value: metadata.namespace ?? '' },
    ...(git === undefined ? [] : [{ name: 'OPENSHIFT_BUILD_SOURCE', value: git.uri }]),
    ...(git?.ref === undefined ? [] : [{ name: 'OPENSHIFT_BUILD_REFERENCE', value: git.ref }]),
    ...(git === undefined || commit === undefined ? [] : [{ name: 'OPENSHIFT_BUILD_COMMIT', value: commit }]),
  ];
};

/** Those of the author's win: they come last. */
const labels = ({ metadata, spec }: Build, info: SourceInfo | undefined): readonly NameValue[] => {
  const { source, output } = spec;
  const own = {
    'build.commit.author': info && `${info.author.name} <${info.author.email}>`,
    'build.commit.date': info?.date,
    'build.commit.id': info?.commit,
    'build.commit.message': info?.message,
    'build.commit.ref': info && (source.git?.ref ?? info.ref),
    'build.name': metadata.name,
    'build.namespace': metadata.namespace,
    'build.source-context-dir': source.contextDir,
    'build.source-location': info && source.git?.uri,
  };
  return [
    ...Object.entries(own).flatMap(([name, value]) =>
      value === undefined || value === '' ? [] : [{ name: `io.openshift.${name}`, value }],
    ),
    ...(output.imageLabels ?? []),
  ];
};

/** A script stands between single quotes, whatever is in it. */
const postCommit = ({
  spec: { postCommit: { script = '', command = [], args = [] } = {} },
}: Build): string =>
  script === '' ? [...command, ...args].join(' ').trim() : `/bin/sh -ic '${[script, ...args].join(' ')}'`;

const postCommitAlias = ({ metadata: { uid = '' } }: Build): string => `appimage${uid.replaceAll('-', '')}`;

/** It runs in a stage that nothing is made of; the image is that of the stage before it. */
const withPostCommit = (instructions: readonly Instruction[], command: string, unnamed: string): readonly Instruction[] => {
  const last = instructions.findLast(({ keyword }) => keyword === 'FROM');
  if (command === '' || last === undefined) return instructions;
  const alias = fromOf(last).alias ?? unnamed;
  const again: Instruction = { keyword: 'FROM', flags: [], rest: alias };
  return [...withLastFrom(instructions, { alias }), again, { keyword: 'RUN', flags: [], rest: command }, again];
}; // prettier-ignore
