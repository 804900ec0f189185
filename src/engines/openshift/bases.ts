import type { EdgeBuildSpec } from '../../api/edgebuild.ts';
import { platformNames, platformOf, type PlatformName } from '../../api/platforms.ts';
import {
  type BaseImage,
  DockerfileError,
  type DockerfileReading,
  readDockerfile,
} from '../../image/dockerfile.ts';
import { normalizeImageName } from '../../image/reference.ts';
import { baseTag } from './names.ts';

/** One base image of one platform's build. */
export interface Base {
  readonly platform: PlatformName;
  /** Texts that stand after FROM, or in COPY --from, as they are written: each is made to mean this image. */
  readonly texts: readonly string[];
  /** Fully qualified: unqualified names would be searched on other registries first. */
  readonly image: string;
  readonly tag: string;
  readonly pullSecret: string | undefined;
}

export interface PlatformBases {
  readonly bases: readonly Base[];
  /** The tag of what the last FROM means, where the same text means another image elsewhere. */
  readonly lastTag?: string;
  /** What the last FROM names, if that is an image. */
  readonly lastImage?: string;
  /** A stage is of another platform, such as that of a cross compiler, which nodes of the target do not run. */
  readonly isCross: boolean;
  /** The image that comes out starts from nothing: it may have no shell, and no uname. */
  readonly isFromScratch: boolean;
  /** The Dockerfile is in git, where it cannot be read from here, and nobody has said what its FROMs are. */
  readonly isUnknown: boolean;
}

/** The platform of nodes that builds run on, where they are not native. */
export const buildPlatform = platformOf('linux/amd64');

/**
 * Which base images a build of a platform starts from. A Dockerfile in git cannot be read from here: then it is what
 * `spec.baseImages` says.
 *
 * @throws DockerfileError, ImageNameError.
 */
export const basesOf = (spec: EdgeBuildSpec, name: PlatformName): PlatformBases => {
  const { dockerfile } = spec.source;
  if (dockerfile === undefined) {
    const bases = spec.baseImages.map(({ from }) => baseFor(spec, name, from, [from]));
    return { bases: merged(bases), isCross: false, isFromScratch: false, isUnknown: bases.length === 0 };
  }
  const reading = readDockerfile(dockerfile, {
    buildArgs: new Map(spec.buildArgs.map((argument) => [argument.name, argument.value])),
    platform: platformOf(name),
    buildPlatform,
  });
  const [heredoc] = reading.heredocs;
  if (heredoc !== undefined)
    throw new DockerfileError(
      heredoc.line,
      'OpenShift’s builder drops heredocs and says nothing; write the step without',
    );
  // OpenShift's builder builds the stages, too, that the last one does not need [read in openshift/builder].
  const found = reading.bases.map((base) => {
    const written = base.pieces.map(({ start, end }) => dockerfile.slice(start, end)).join('');
    return { line: base.line, written, base: baseFor(spec, platformNamed(base), base.text, [written]) };
  });
  const all = merged(found.map(({ base }) => base));
  return {
    ...apart(all, found, lastFrom(reading)),
    isCross: all.some(({ platform }) => platform !== name),
    isFromScratch: isFromScratch(reading),
    isUnknown: false,
  };
};

interface Found {
  readonly line: number;
  readonly written: string;
  readonly base: Base;
}

/** The line of the last FROM, if that names an image. */
const lastFrom = ({ stages }: DockerfileReading): number | undefined => {
  const base = stages.at(-1)?.base;
  return typeof base === 'object' && 'image' in base ? base.image.line : undefined;
};

/**
 * OpenShift tells images apart by what is written, and the last FROM alone can be made to mean another one.
 *
 * @throws DockerfileError where that is not enough.
 */
const apart = (
  bases: readonly Base[],
  found: readonly Found[],
  last: number | undefined,
): Pick<PlatformBases, 'bases' | 'lastTag' | 'lastImage'> => {
  const final = found.find(({ line }) => line === last);
  const others = found.filter((one) => one !== final);
  const means = (written: string): readonly Found[] => others.filter((one) => one.written === written);
  for (const { line, written, base } of others) {
    const other = means(written).find((one) => one.base.tag !== base.tag);
    if (other === undefined) continue;
    const message = `"${written}" means ${base.image} for ${base.platform} here and for ${other.base.platform} in line ${other.line}, and OpenShift tells them apart by their text: write ${base.image} in one of the two`;
    throw new DockerfileError(line, message);
  }
  if (final === undefined) return { bases };
  const { written, base } = final;
  const lastImage = base.image;
  if (means(written).every((one) => one.base.tag === base.tag)) return { bases, lastImage };
  const isFinal = (one: Base): boolean => one.tag === base.tag;
  return {
    bases: bases.map((one) =>
      isFinal(one) ? { ...one, texts: one.texts.filter((text) => text !== written) } : one,
    ),
    lastTag: base.tag,
    lastImage,
  };
};

/** A stage's own platform, such as that of a cross compiler. */
const platformNamed = ({ platform, line }: BaseImage): PlatformName => {
  const known = platformNames.find((row) => row === platform);
  if (known === undefined)
    throw new DockerfileError(line, `${platform} is not a platform that EdgeBuild knows`);
  return known;
};

const isFromScratch = ({ stages }: DockerfileReading): boolean => {
  let stage = stages.at(-1);
  while (stage !== undefined && typeof stage.base === 'object' && 'stage' in stage.base)
    stage = stages[stage.base.stage];
  return stage?.base === 'scratch';
};

const baseFor = (
  spec: EdgeBuildSpec,
  platform: PlatformName,
  from: string,
  texts: readonly string[],
): Base => {
  const given = spec.baseImages.find((one) => one.from === from);
  const image = normalizeImageName(given?.image ?? from);
  return {
    platform,
    texts,
    image,
    tag: baseTag(image, platform),
    pullSecret: given?.pullSecretRef?.name,
  };
};

/** One image a tag, with all the texts that mean it. */
const merged = (bases: readonly Base[]): readonly Base[] => {
  const byTag = new Map<string, Base>();
  for (const base of bases) {
    const known = byTag.get(base.tag);
    const texts = [...(known?.texts ?? []), ...base.texts];
    const pullSecret = base.pullSecret ?? known?.pullSecret;
    byTag.set(base.tag, { ...base, pullSecret, texts: [...new Set(texts)] });
  }
  return [...byTag.values()];
};
