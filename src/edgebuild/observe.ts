import { type EdgeBuildSpec, edgeBuildSchema, type EdgeBuildStatus } from '../api/edgebuild.ts';
import { platformNames, type PlatformName } from '../api/platforms.ts';
import { validateEdgeBuild } from '../api/validate.ts';
import { pathText } from '../api/words.ts';
import { basesOf, type PlatformBases } from '../engines/openshift/bases.ts';
import { numberOf } from '../engines/openshift/build-state.ts';
import {
  baseStreamName,
  buildConfigName,
  childTag,
  type Destination,
  destinationOf,
  dnsLabel,
  indexTag,
  nameWith,
  stagingTag,
} from '../engines/openshift/names.ts';
import type { Build, BuildConfig, BuildPod, ImageFacts, ImageStream } from '../engines/openshift/types.ts';
import { DockerfileError } from '../image/dockerfile.ts';
import { ImageNameError } from '../image/reference.ts';
import { keyOf, type KubeObject } from '../kube/objects.ts';
import type { Store } from '../kube/store.ts';
import type { Deployment } from './deployment.ts';
import type { KnownImages } from './images.ts';
import type { StoredEdgeBuild } from './kinds.ts';
import type { BuildNode } from './nodes.ts';
import { secretsNamedBy, type SecretWatch } from './secrets.ts';

export interface EdgeBuildCaches {
  readonly edgeBuilds: Store<StoredEdgeBuild>;
  readonly buildConfigs: Store<KubeObject & BuildConfig>;
  /** Those of ours alone, with an index `buildConfig`: namespace/name. */
  readonly builds: Store<KubeObject & Build>;
  readonly imageStreams: Store<KubeObject & ImageStream>;
  /** Of builds alone. */
  readonly pods: Store<KubeObject & BuildPod>;
  readonly nodes: Store<KubeObject & BuildNode>;
  readonly nodeEmulations: Store<KubeObject>;
  readonly deployments: Store<KubeObject & Deployment>;
  readonly services: Store<KubeObject>;
  readonly routes: Store<KubeObject>;
  readonly secrets: Pick<SecretWatch, 'isThere' | 'source'>;
}

/** What is known of one platform. */
export interface ObservedPlatform {
  readonly platform: PlatformName;
  readonly bases: PlatformBases;
  readonly buildConfig: BuildConfig | undefined;
  /** Of its BuildConfig, the newest first. */
  readonly builds: readonly Build[];
  readonly pods: ReadonlyMap<string, BuildPod>;
  /** What the status said of it before. */
  readonly before: NonNullable<EdgeBuildStatus['platforms']>[number] | undefined;
}

/** All that is known of an EdgeBuild of the cluster, from the caches, as plain data. */
export interface Observed {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly generation: number;
  readonly spec: EdgeBuildSpec;
  readonly status: EdgeBuildStatus | undefined;
  /** Why the object cannot be used. */
  readonly refusal:
    { readonly reason: 'InvalidSpec' | 'DockerfileInvalid'; readonly message: string } | undefined;
  /** Why OpenShift's builds cannot be used: they are not served. */
  readonly unavailable: string | undefined;
  /** A kind that the operator may not read: what is not seen is not absent, and nothing may follow from it. */
  readonly unreadable: string | undefined;
  readonly destination: Destination;
  /** An older EdgeBuild that publishes to the same tag. */
  readonly takenBy: string | undefined;
  /** Secrets that the spec names and that are known not to be there. */
  readonly missingSecrets: readonly string[];
  readonly baseStream: ImageStream | undefined;
  readonly outputStream: ImageStream | undefined;
  readonly platforms: readonly ObservedPlatform[];
  readonly nodes: readonly BuildNode[];
  /** What the NodeEmulation says of itself, for people. */
  readonly emulation: string | undefined;
  readonly deployment: Deployment | undefined;
  readonly image: (digest: string) => ImageFacts | undefined;
  /** The digest that a staging tag has, for builds that do not say theirs. */
  readonly pushed: (build: string) => string | undefined;
  /** Digests of the images in an index. */
  readonly index: (digest: string) => readonly string[] | undefined;
}

/**
 * The CRD has judged the object already; what it cannot see is judged here: the inline Dockerfile, and objects that were
 * stored under an earlier CRD.
 */
export const observe = (object: StoredEdgeBuild, caches: EdgeBuildCaches, known: KnownImages): Observed => {
  const { name, namespace = '', uid = '', generation = 0 } = object.metadata;
  const { spec, fault } = specOf(object);
  const destination = destinationOf(name, spec.output.imageStreamTag);
  const inNamespace = (one: string): string => keyOf({ namespace, name: one });
  const read = fault === undefined ? readBases(spec) : { bases: [], fault: undefined };
  return {
    ...{ name, namespace, uid, generation, spec, status: object.status, destination },
    refusal: fault ?? read.fault,
    ...unavailability(caches, spec),
    takenBy: olderOwner(object, caches.edgeBuilds),
    missingSecrets: secretsNamedBy(object)
      .filter((key) => caches.secrets.isThere(key) === false)
      .map((key) => key.slice(namespace.length + 1)),
    baseStream: caches.imageStreams.get(inNamespace(baseStreamName(name))),
    outputStream: caches.imageStreams.get(inNamespace(destination.stream)),
    platforms: read.bases.map(({ platform, bases }) => {
      const key = inNamespace(buildConfigName(name, platform));
      const found = caches.builds
        .byIndex('buildConfig', key)
        .toSorted((one, other) => numberOf(other) - numberOf(one));
      return {
        ...{ platform, bases, builds: found, buildConfig: caches.buildConfigs.get(key) },
        pods: new Map(
          found.flatMap(({ metadata }) => {
            const pod = caches.pods.byIndex('build', inNamespace(metadata.name)).at(0);
            return pod === undefined ? [] : [[metadata.name, pod] as const];
          }),
        ),
        before: object.status?.platforms?.find((one) => one.platform === platform),
      };
    }),
    nodes: caches.nodes.list(),
    emulation: emulationWords(caches.nodeEmulations.list().at(0)),
    deployment: caches.deployments.get(inNamespace(nameWith(name, ''))),
    image: known.facts,
    pushed: known.pushed,
    index: known.index,
  };
};

type Refusal = Observed['refusal'];

const specOf = (object: StoredEdgeBuild): { readonly spec: EdgeBuildSpec; readonly fault?: Refusal } => {
  const verdict = validateEdgeBuild(object);
  if (!('faults' in verdict)) return withinOpenShift(verdict.edgeBuild.spec);
  const [first] = verdict.faults;
  const message =
    first === undefined ? 'it breaks a rule' : `${pathText(first.path)}: ${first.message}: correct it`;
  return { spec: emptySpec, fault: { reason: 'InvalidSpec', message } };
};

/** What OpenShift cannot do, of what an EdgeBuild may say. */
const withinOpenShift = (spec: EdgeBuildSpec): { readonly spec: EdgeBuildSpec; readonly fault?: Refusal } => {
  const message = unknownLabel(spec) ?? severalPullSecrets(spec);
  return message === undefined ? { spec } : { spec, fault: { reason: 'InvalidSpec', message } };
};

/** It takes fewer names of labels than images do [recorded: imageLabels are checked as keys of a ConfigMap are]. */
const unknownLabel = ({ output }: EdgeBuildSpec): string | undefined => {
  const name = Object.keys(output.labels).find((one) => !/^[-._a-zA-Z0-9]+$/.test(one));
  return name === undefined
    ? undefined
    : `spec.output.labels: OpenShift takes no label called "${name}": use letters, digits, "-", "_" and "." alone`;
};

/** One for all that its builder pulls. */
const severalPullSecrets = ({ baseImages }: EdgeBuildSpec): string | undefined => {
  const names = [...new Set(baseImages.flatMap(({ pullSecretRef }) => pullSecretRef?.name ?? []))];
  return names.length < 2
    ? undefined
    : `spec.baseImages[].pullSecretRef: a build pulls all its base images with one Secret, and these are ${names.join(' and ')}: put what is in them into one of type kubernetes.io/dockerconfigjson, and name that for each`;
};

/** Of an object that cannot be read; nothing of it is looked at. */
const emptySpec: EdgeBuildSpec = edgeBuildSchema.shape.spec.parse({
  source: { dockerfile: 'FROM scratch\n' },
});

/** The bases of each platform, or the first thing that keeps the Dockerfile from being used. */
const readBases = (spec: EdgeBuildSpec) => {
  const read: { platform: PlatformName; bases: PlatformBases }[] = [];
  for (const platform of spec.platforms) {
    try {
      read.push({ platform, bases: basesOf(spec, platform) });
    } catch (error) {
      if (!(error instanceof DockerfileError) && !(error instanceof ImageNameError)) throw error;
      const message =
        spec.source.dockerfile === undefined
          ? `spec.baseImages: ${error.message}: correct it`
          : `spec.source.dockerfile, ${error.message}: correct that line`;
      return { bases: [], fault: { reason: 'DockerfileInvalid', message } as const };
    }
  }
  return { bases: read, fault: undefined };
};

const unavailability = (
  caches: EdgeBuildCaches,
  { deploy }: EdgeBuildSpec,
): Pick<Observed, 'unavailable' | 'unreadable'> => {
  const { buildConfigs, builds, imageStreams, nodes, pods, deployments, services, routes } = caches;
  const api = [buildConfigs, builds, imageStreams];
  const isServed = api.every((store) => store.unavailable()?.cause !== 'NotServed');
  const running = deploy === undefined ? [] : [deployments, services];
  const needed = [...api, nodes, pods, ...running, ...(deploy?.expose === true ? [routes] : [])];
  const refused = needed.map((store) => store.unavailable()).find((one) => one?.cause === 'Forbidden');
  return {
    unavailable: isServed
      ? undefined
      : 'the cluster does not serve build.openshift.io/v1 and image.openshift.io/v1: EdgeBuild needs OpenShift, with the Build capability enabled',
    unreadable: refused?.message,
  };
};

/** Two that write to one tag would take it from each other for ever: the older has it. */
const olderOwner = (object: StoredEdgeBuild, all: Store<StoredEdgeBuild>): string | undefined => {
  const { metadata } = object;
  const age = (one: StoredEdgeBuild['metadata']): string => `${one.creationTimestamp ?? ''} ${one.name}`;
  return writtenTagsOf(object)
    .flatMap((tag) => all.byIndex('tags', tag))
    .filter((other) => other.metadata.uid !== metadata.uid && other.metadata.deletionTimestamp === undefined)
    .filter((other) => age(other.metadata) < age(metadata))
    .map((other) => other.metadata.name)
    .at(0);
};

/** For the caches' indexes: the tags that an EdgeBuild writes, those of unverified images among them. */
export const writtenTagsOf = (object: StoredEdgeBuild): readonly string[] => {
  const destination = destinationOfStored(object);
  const platforms = platformsOfStored(object);
  return [
    destination.tag,
    ...platforms.map((platform) => stagingTag(destination, platform)),
    ...(platforms.length > 1
      ? [indexTag(destination), ...platforms.map((platform) => childTag(destination, platform))]
      : []),
  ].map((tag) => `${object.metadata.namespace ?? ''}/${destination.stream}:${tag}`);
};

const emulationWords = (emulation: KubeObject | undefined): string | undefined => {
  const { status } = (emulation ?? {}) as {
    readonly status?: {
      readonly conditions?: readonly { readonly type: string; readonly message: string }[];
    };
  };
  return status?.conditions?.find(({ type }) => type === 'Ready')?.message;
};

/** For the caches' indexes: the names of what an EdgeBuild makes, whoever has made it. */
export const childrenOf = (object: StoredEdgeBuild): readonly string[] => {
  const { name, namespace = '' } = object.metadata;
  const { stream } = destinationOfStored(object);
  return [
    ...platformsOfStored(object).map(
      (platform) => `BuildConfig ${namespace}/${buildConfigName(name, platform)}`,
    ),
    `ImageStream ${namespace}/${baseStreamName(name)}`,
    `ImageStream ${namespace}/${stream}`,
    `Deployment ${namespace}/${nameWith(name, '')}`,
    ...['Service', 'Route'].map((kind) => `${kind} ${namespace}/${dnsLabel(name)}`),
  ];
};

const platformsOfStored = ({ spec }: StoredEdgeBuild): readonly PlatformName[] => {
  const asked = (spec as { readonly platforms?: readonly string[] }).platforms ?? ['linux/arm64'];
  return platformNames.filter((platform) => asked.includes(platform));
};

const destinationOfStored = ({ metadata, spec }: StoredEdgeBuild): Destination => {
  const { output } = spec as { readonly output?: { readonly imageStreamTag?: string } };
  return destinationOf(metadata.name, output?.imageStreamTag);
};
