import type { EdgeBuildSpec } from '../../api/edgebuild.ts';
import { type Platform, platforms } from '../../api/platforms.ts';
import {
  type BaseImage,
  DockerfileError,
  type DockerfileReading,
  readDockerfile,
  stepLines,
  withBases,
} from '../../image/dockerfile.ts';
import { ImageNameError, normalizeImageName } from '../../image/reference.ts';
import { BuildFailure } from '../failure.ts';
import type { PreparedBase } from './bases.ts';
import { isAtLeast } from './buildah.ts';
import type { Source } from './source.ts';

/** A Dockerfile as it is handed to buildah for one platform. */
export interface PreparedDockerfile {
  /** The author's text with each base pinned to the image that was judged. No line moves. */
  readonly text: string;
  readonly imports: readonly Import[];
  /** What runs under emulation: the platform itself, or a stage's `--platform`. */
  readonly emulated: readonly Platform[];
  /** Line of each step, by stage, both counted from 0. */
  readonly lines: readonly (readonly number[])[];
}

/** A base image that the storage must have before the build. */
export interface Import {
  /** The author's words. */
  readonly text: string;
  readonly layout: string;
  /** In the storage: the author's name for it, by digest. */
  readonly name: string;
  readonly id: string;
}

export interface WantedBase {
  readonly text: string;
  readonly platform: Platform;
  readonly reference: string;
}

export interface DockerfileForPlatform {
  readonly reading: DockerfileReading;
  readonly source: Source;
  /** Every base that the build will use, each once. */
  readonly wanted: readonly WantedBase[];
}

/**
 * Reads the Dockerfile for a platform, and says before the build what this machine's buildah cannot do with it.
 *
 * @throws BuildFailure with reason DockerfileInvalid, naming the line.
 */
export const readForPlatform = (
  source: Source,
  spec: EdgeBuildSpec,
  given: ReadonlyMap<string, string>,
  target: {
    readonly platform: Platform;
    readonly machine: Platform;
    readonly buildah: readonly [number, number];
  },
): DockerfileForPlatform => {
  const name = source.dockerfileName;
  const invalid = (line: number, message: string): BuildFailure =>
    new BuildFailure('DockerfileInvalid', `${name} line ${line}: ${message}`);
  try {
    const reading = readDockerfile(source.dockerfile, {
      buildArgs: new Map(spec.buildArgs.map((argument) => [argument.name, argument.value])),
      platform: target.platform,
      buildPlatform: target.machine,
    });
    for (const { feature, line, since } of reading.needs) {
      if (since !== undefined && isAtLeast(target.buildah, since)) continue;
      const has = target.buildah.join('.');
      const wanted =
        since === undefined ? 'which buildah does not have' : `which needs buildah ${since} or later`;
      throw invalid(line, `${feature}, ${wanted}; this machine has ${has}`);
    }
    const wanted = reading.bases
      .filter(({ used }) => used)
      .map((base): WantedBase => {
        const platform = platforms.find((row) => row.name === base.platform);
        if (platform === undefined) {
          throw invalid(base.line, `${base.platform} is not a platform that EdgeBuild knows`);
        }
        return { text: base.text, platform, reference: referenceOf(base, spec, given) };
      });
    return { reading, source, wanted: distinct(wanted) };
  } catch (error) {
    if (error instanceof DockerfileError) {
      throw new BuildFailure('DockerfileInvalid', `${name} ${error.message}`);
    }
    throw error;
  }
};

const distinct = (wanted: readonly WantedBase[]): WantedBase[] => [
  ...new Map(wanted.map((base) => [`${base.platform.name} ${base.text}`, base])).values(),
];

/** `--base` wins over `spec.baseImages`, which wins over the text itself. */
const referenceOf = (base: BaseImage, spec: EdgeBuildSpec, given: ReadonlyMap<string, string>): string => {
  const mapped = given.get(base.text);
  if (mapped !== undefined) return mapped;
  const image = spec.baseImages.find(({ from }) => from === base.text)?.image ?? base.text;
  return `docker://${qualified(image, base.line)}`;
};

const qualified = (text: string, line: number): string => {
  try {
    return normalizeImageName(text);
  } catch (error) {
    if (error instanceof ImageNameError) throw new DockerfileError(line, error.message);
    throw error;
  }
};

/** Pins each base to its image by digest, under the name that the author gave it. */
export const pinned = (
  { reading, source, wanted }: DockerfileForPlatform,
  prepared: ReadonlyMap<WantedBase, PreparedBase>,
  machine: Platform,
  target: Platform,
  execution: 'Native' | 'Emulated',
): PreparedDockerfile => {
  const found = (text: string, platform: string): Import | undefined => {
    const base = wanted.find((one) => one.text === text && one.platform.name === platform);
    const image = base === undefined ? undefined : prepared.get(base);
    if (image === undefined) return undefined;
    const repository = qualified(text, 1)
      .replace(/@.*$/, '')
      .replace(/:[^/:]*$/, '');
    return { text, layout: image.layout, name: `${repository}@${image.digest}`, id: image.imageId };
  };
  const stages = [...wanted.map(({ platform }) => platform), ...(execution === 'Emulated' ? [target] : [])];
  return {
    text: withBases(source.dockerfile, reading, (base) => found(base.text, base.platform)?.id),
    imports: wanted.flatMap(({ text, platform }) => found(text, platform.name) ?? []),
    emulated: [...new Set(stages)].filter((platform) => platform.name !== machine.name),
    lines: stepLines(source.dockerfile),
  };
};
