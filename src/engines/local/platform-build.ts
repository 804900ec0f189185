import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EdgeBuildSpec } from '../../api/edgebuild.ts';
import type { Platform } from '../../api/platforms.ts';
import { BuildFailure, classify, howItEnded, ownWords, saysDiskFull } from '../failure.ts';
import type { Report } from '../progress.ts';
import { type Builder, builderOf, parseStep, type Step } from './buildah.ts';
import type { PreparedDockerfile } from './dockerfiles.ts';
import { tail } from './lines.ts';
import { removeContainers } from './storage.ts';
import type { Run, Workspace } from './workspace.ts';

/** One attempt to build one platform. */
export interface PlatformBuild {
  readonly platform: Platform;
  readonly execution: 'Native' | 'Emulated';
  readonly dockerfile: PreparedDockerfile;
  readonly spec: EdgeBuildSpec;
  readonly machine: Platform;
  readonly noCache: boolean;
  readonly workspace: Workspace;
  readonly run: Run;
  readonly signal: AbortSignal;
  readonly report: Report;
}

/** An image in the platform's storage, and a copy of it as an OCI layout. */
export interface BuiltPlatform {
  readonly builder: Builder;
  readonly imageId: string;
  /** Outside path. */
  readonly layout: string;
}

/**
 * Imports the bases, builds, and copies the image out of the storage. Whatever it leaves half-made in the storage when
 * it fails is cleaned up.
 *
 * @throws BuildFailure, classed; EnvironmentError; the signal's reason.
 */
export const buildPlatform = async (build: PlatformBuild): Promise<BuiltPlatform> => {
  const builder = builderOf(build.platform, build.workspace, build.run);
  const slug = build.platform.name.replaceAll('/', '-');
  const prepared = join(build.run.prepared, slug);
  await mkdir(prepared, { recursive: true });
  try {
    await importBases(build, builder);
    await writeFile(join(prepared, 'Dockerfile'), build.dockerfile.text, { mode: 0o644 });
    const imageId = await runBuild(build, builder, join(prepared, 'Dockerfile'), slug);
    const layout = join(build.run.made, `image-${slug}`);
    await copyOut(build, builder, imageId, layout);
    return { builder, imageId, layout };
  } catch (error) {
    await removeContainers(build.workspace);
    throw error;
  }
};

/** Runs a command while holding the storage's lock shared. Cleaning waits until nobody does. */
export const runLocked = (
  build: Pick<PlatformBuild, 'workspace' | 'signal'>,
  builder: Builder,
  command: readonly string[],
  emulated: readonly Platform[],
  onLine?: (line: string) => void,
): Promise<number> => {
  const lock = build.workspace.inside(builder.lock);
  // Opened by the shell, because flock(1) itself would not make the directory.
  const hold = 'mkdir -p "${1%/*}" && exec 9>"$1" && flock --shared 9 && shift && "$@"';
  return build.workspace.run(
    {
      command: ['sh', '-c', hold, 'sh', lock, ...command],
      environment: builder.environment,
      signal: build.signal,
      ...(onLine === undefined ? {} : { onLine }),
    },
    emulated,
  );
};

const importBases = async (build: PlatformBuild, builder: Builder): Promise<void> => {
  // A storage that has the image by its digest has all of it.
  const script =
    'skopeo inspect --raw "$2" >/dev/null 2>&1 || exec skopeo copy --quiet --insecure-policy "$1" "$2"';
  for (const { text, layout, name } of build.dockerfile.imports) {
    const output = tail(5);
    const from = `oci:${build.workspace.inside(layout)}:base`;
    const command = ['sh', '-c', script, 'sh', from, builder.reference(name)];
    const status = await runLocked(build, builder, command, [], output.add);
    if (status !== 0) {
      const reason = saysDiskFull(output.lines()) ? 'DiskFull' : 'BaseImageCorrupt';
      throw new BuildFailure(reason, `base image ${text} could not be read into the storage`, output.lines());
    }
  }
};

const runBuild = async (
  build: PlatformBuild,
  builder: Builder,
  dockerfile: string,
  slug: string,
): Promise<string> => {
  const { platform, workspace, run, spec } = build;
  const idFile = `${run.made}/id-${slug}`;
  const output = tail(20);
  // What buildah says of our copies, as the author knows them.
  const replaced = [
    ...build.dockerfile.imports.map(({ id, text }) => [id, text] as const),
    [workspace.inside(`${run.made}/context`), 'the context'] as const,
  ];
  const inAuthorsWords = (line: string): string =>
    replaced.reduce((text, [ours, theirs]) => text.replaceAll(ours, theirs), line);
  let imageId = '';
  let current: Step | undefined;
  const command = [
    ...builder.buildah('build', '--layers', '--force-rm', '--pull-never', '--network=host', '--format=oci'),
    ...(build.noCache ? ['--no-cache'] : []),
    `--platform=${platform.name}`,
    ...Object.entries(standardArguments(platform, build.machine)).map(
      ([name, value]) => `--build-arg=${name}=${value}`,
    ),
    ...spec.buildArgs.map(({ name, value }) => `--build-arg=${name}=${value}`),
    ...Object.entries(spec.output.labels).map(([name, value]) => `--label=${name}=${value}`),
    `--file=${workspace.inside(dockerfile)}`,
    `--iidfile=${workspace.inside(idFile)}`,
    workspace.inside(`${run.made}/context`),
  ];
  const withId = [
    'sh',
    '-c',
    '"$@" && printf "\\nedgebuild-image " && cat "$0"',
    workspace.inside(idFile),
    ...command,
  ];
  const status = await runLocked(build, builder, withId, build.dockerfile.emulated, (said) => {
    if (said.startsWith('edgebuild-image ')) {
      imageId = said.slice('edgebuild-image '.length);
      return;
    }
    if (said === '') return;
    const line = inAuthorsWords(said);
    // buildah passes arguments of its own, and warns that the Dockerfile does not use them.
    if (line.startsWith('[Warning] one or more build args were not consumed')) return;
    const step = parseStep(line);
    if (step === undefined) {
      output.add(line);
      build.report({ kind: 'output', platform: platform.name, line });
      return;
    }
    current = step;
    build.report({ kind: 'step', platform: platform.name, ...step });
  });
  if (status === 0 && imageId !== '') return imageId;
  throw stepFailure(build, current, status, output.lines());
};

const stepFailure = (
  build: PlatformBuild,
  step: Step | undefined,
  status: number,
  output: readonly string[],
): BuildFailure => {
  if (step === undefined) {
    return new BuildFailure(
      'DockerfileInvalid',
      `buildah ended with ${status}: ${output.at(-1) ?? ''}`,
      output,
    );
  }
  const reason = classify(output, build.execution);
  const line = build.dockerfile.lines[step.stage - 1]?.[step.step - 1];
  const where = line === undefined ? '' : `, line ${line}`;
  const ended = howItEnded(output);
  const how = ended === undefined ? '' : `: ${ended}`;
  return new BuildFailure(
    reason,
    `step ${step.step}/${step.steps}${where} (${step.text})${how}`,
    ownWords(output),
  );
};

/** The arguments that Dockerfiles may declare to know where they are built and for what (Docker's reference). */
const standardArguments = (target: Platform, machine: Platform): Record<string, string> => ({
  TARGETPLATFORM: target.name,
  TARGETOS: target.os,
  TARGETARCH: target.architecture,
  TARGETVARIANT: target.variant ?? '',
  BUILDPLATFORM: machine.name,
  BUILDOS: machine.os,
  BUILDARCH: machine.architecture,
  BUILDVARIANT: machine.variant ?? '',
});

const copyOut = async (
  build: PlatformBuild,
  builder: Builder,
  imageId: string,
  layout: string,
): Promise<void> => {
  build.report({ kind: 'activity', platform: build.platform.name, text: 'packing the image' });
  const output = tail(5);
  const target = `oci:${build.workspace.inside(layout)}:image`;
  const status = await runLocked(
    build,
    builder,
    builder.buildah('push', '--quiet', imageId, target),
    [],
    output.add,
  );
  if (status === 0) return;
  const reason = saysDiskFull(output.lines()) ? 'DiskFull' : 'PublishFailed';
  throw new BuildFailure(
    reason,
    `the image could not be copied out: ${output.lines().at(-1) ?? ''}`,
    output.lines(),
  );
};
