import { type EdgeBuild, type EdgeBuildSpec, edgeBuildSchema } from '../api/edgebuild.ts';
import { platformOf } from '../api/platforms.ts';
import { validateEdgeBuild } from '../api/validate.ts';
import { pathText } from '../api/words.ts';
import { DockerfileError, readDockerfile } from '../image/dockerfile.ts';
import type { Unavailability } from '../kube/store.ts';
import type { Facts, PlatformFacts } from './facts.ts';

/** What the cluster has for building. */
export interface Cluster {
  /** Why BuildConfigs cannot be used; undefined: they can. */
  readonly buildApi: Unavailability | undefined;
}

/**
 * What is known of an EdgeBuild of the cluster, from its own text and the caches.
 *
 * The CRD has judged the object already; what it cannot see is judged here: the inline Dockerfile, and objects that were
 * stored under an earlier CRD.
 */
export const observe = (object: object, generation: number, cluster: Cluster): Facts => {
  const verdict = validateEdgeBuild(object);
  if ('faults' in verdict) {
    const [first] = verdict.faults;
    const message =
      first === undefined ? 'it breaks a rule' : `${pathText(first.path)}: ${first.message}: correct it`;
    return { ...nothingOf(generation, emptySpec), refusal: { reason: 'InvalidSpec', message } };
  }
  const { spec } = verdict.edgeBuild;
  const nothing = nothingOf(generation, spec);
  const fault = dockerfileFault(spec);
  if (fault !== undefined) return { ...nothing, refusal: { reason: 'DockerfileInvalid', message: fault } };
  return { ...nothing, platforms: spec.platforms.map((platform) => waiting(platform, cluster)) };
};

const nothingOf = (generation: number, spec: EdgeBuildSpec): Facts => ({
  generation,
  spec,
  platforms: [],
  emulationProven: false,
});

/** Of an object that cannot be read; nothing of it is looked at. */
const emptySpec: EdgeBuildSpec = edgeBuildSchema.shape.spec.parse({
  source: { dockerfile: 'FROM scratch\n' },
});

/** The cluster's own platform is not asked yet: all clusters that there are plans for are this one. */
const buildPlatform = platformOf('linux/amd64');

/** The first thing that keeps the inline Dockerfile from being used for one of the platforms. */
const dockerfileFault = (spec: EdgeBuild['spec']): string | undefined => {
  const { dockerfile } = spec.source;
  if (dockerfile === undefined) return undefined;
  const buildArgs = new Map(spec.buildArgs.map(({ name, value }) => [name, value]));
  for (const name of spec.platforms) {
    try {
      readDockerfile(dockerfile, { buildArgs, platform: platformOf(name), buildPlatform });
    } catch (error) {
      if (!(error instanceof DockerfileError)) throw error;
      return `spec.source.dockerfile, ${error.message}: correct that line`;
    }
  }
  return undefined;
};

const waiting = (platform: EdgeBuildSpec['platforms'][number], { buildApi }: Cluster): PlatformFacts => {
  const common = { platform, execution: 'Undecided', state: 'Waiting' } as const;
  if (buildApi === undefined) {
    const message =
      'this version of the operator creates no builds yet: edgebuild build does it on a machine';
    return { ...common, reason: 'Pending', message };
  }
  const message =
    buildApi.cause === 'NotServed'
      ? 'the cluster does not serve build.openshift.io/v1: EdgeBuild needs OpenShift, with the Build capability enabled'
      : buildApi.message;
  return { ...common, reason: 'BuildAPIUnavailable', message };
};
