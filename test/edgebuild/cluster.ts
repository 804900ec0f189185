/** A cluster as plain data, and what the operator plans for it. */
import { edgeBuildSchema, type EdgeBuildInput, type EdgeBuildStatus } from '../../src/api/edgebuild.ts';
import { buildIndexes, edgeBuildIndexes, podIndexes } from '../../src/edgebuild/controllers.ts';
import type { Deployment } from '../../src/edgebuild/deployment.ts';
import type { StoredEdgeBuild } from '../../src/edgebuild/kinds.ts';
import type { BuildNode } from '../../src/edgebuild/nodes.ts';
import { type EdgeBuildCaches, observe } from '../../src/edgebuild/observe.ts';
import { type Plan, planOf } from '../../src/edgebuild/plan.ts';
import { statusOf } from '../../src/edgebuild/status.ts';
import type {
  Build,
  BuildConfig,
  BuildPod,
  ImageStream,
  OpenShiftObject,
} from '../../src/engines/openshift/types.ts';
import { keyOf, type KubeObject } from '../../src/kube/objects.ts';
import type { IndexFunction, Store, Unavailability } from '../../src/kube/store.ts';

export const now = '2026-01-02T03:04:05Z';
export const later = (seconds: number): string =>
  new Date(Date.parse(now) + seconds * 1000).toISOString().replace('.000Z', 'Z');
export const namespace = 'team-1';
export const repository = 'registry.example/team-1';

/** An image that a registry holds; an index has children. */
export interface Image {
  readonly architecture: string;
  readonly children?: readonly string[];
}

export interface Cluster {
  readonly object: StoredEdgeBuild;
  readonly others: readonly StoredEdgeBuild[];
  readonly buildConfigs: readonly BuildConfig[];
  readonly builds: readonly Build[];
  readonly imageStreams: readonly ImageStream[];
  readonly pods: readonly BuildPod[];
  readonly nodes: readonly BuildNode[];
  readonly deployments: readonly Deployment[];
  readonly services: readonly OpenShiftObject[];
  readonly routes: readonly OpenShiftObject[];
  readonly missingSecrets: readonly string[];
  readonly unavailable: Unavailability | undefined;
  readonly images: ReadonlyMap<string, Image>;
  /** What the operator has read since it started. */
  readonly read: ReadonlySet<string>;
  readonly pushed: ReadonlyMap<string, string>;
}

export const node = (name: string, labels: Readonly<Record<string, string>> = {}): BuildNode => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { 'kubernetes.io/arch': 'amd64', ...labels } } },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
}); // prettier-ignore
export const proving = (name: string, ...architectures: readonly string[]): BuildNode =>
  node(name, Object.fromEntries(architectures.map((one) => [`emulation.edgebuild.io/${one}`, 'ready'])));
export const native = (name: string, architecture: string): BuildNode =>
  node(name, { 'kubernetes.io/arch': architecture });
const everyEmulation = ['arm64', 'arm', 'ppc64le', 's390x', 'riscv64', 'mips64le'];

export const dockerfile = 'FROM debian:12\nRUN make\n';
export const edgeBuild = (spec: object = {}, metadata: object = {}): StoredEdgeBuild => {
  const whole = { source: { dockerfile }, ...spec } as EdgeBuildInput['spec'];
  return {
    ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', spec: edgeBuildSchema.shape.spec.parse(whole) },
    metadata: { name: 'web', namespace, uid: 'uid-web', generation: 1, creationTimestamp: now, ...metadata },
  };
}; // prettier-ignore

export const clusterOf = (object: StoredEdgeBuild, given: Partial<Cluster> = {}): Cluster => ({
  ...{ object, others: [], buildConfigs: [], builds: [], imageStreams: [], pods: [], deployments: [] },
  ...{ services: [], routes: [], missingSecrets: [], unavailable: undefined },
  ...{ nodes: [proving('worker-1', ...everyEmulation)], images: new Map(), read: new Set(), pushed: new Map() },
  ...given,
}); // prettier-ignore

/** The object with another spec, as its author applies it. */
export const edited = (cluster: Cluster, spec: object): Cluster => {
  const { metadata, status } = cluster.object;
  const next = edgeBuild(spec, { ...metadata, generation: (metadata.generation ?? 0) + 1 });
  return { ...cluster, object: { ...next, ...(status === undefined ? {} : { status }) } };
};
/** An operator that has just started knows nothing but what the cluster holds. */
export const restarted = (cluster: Cluster): Cluster => ({ ...cluster, read: new Set(), pushed: new Map() });

const storeOf = <T extends KubeObject>(
  objects: readonly T[],
  indexes: Readonly<Record<string, IndexFunction<T>>> = {},
  unavailable?: Unavailability,
): Store<T> => {
  const readable: Pick<Store<T>, 'get' | 'list' | 'byIndex' | 'unavailable'> = {
    get: (key) => objects.find(({ metadata }) => keyOf(metadata) === key),
    list: () => objects,
    byIndex: (name, value) => objects.filter((object) => indexes[name]?.(object).includes(value)),
    unavailable: () => unavailable,
  };
  return readable as Store<T>;
};

const cachesOf = (cluster: Cluster): EdgeBuildCaches => ({
  edgeBuilds: storeOf([cluster.object, ...cluster.others], edgeBuildIndexes),
  buildConfigs: storeOf(cluster.buildConfigs),
  builds: storeOf(cluster.builds, buildIndexes, cluster.unavailable),
  imageStreams: storeOf(cluster.imageStreams),
  pods: storeOf(cluster.pods, podIndexes),
  nodes: storeOf(cluster.nodes),
  nodeEmulations: storeOf<KubeObject>([]),
  deployments: storeOf(cluster.deployments),
  services: storeOf(cluster.services),
  routes: storeOf(cluster.routes),
  secrets: {
    isThere: (key) => !cluster.missingSecrets.includes(key.split('/')[1] ?? ''),
    source: {} as EdgeBuildCaches['secrets']['source'],
  },
});

export const planned = (cluster: Cluster, at = now): Plan =>
  planOf(
    observe(cluster.object, cachesOf(cluster), {
      facts: (digest) => {
        const image = cluster.images.get(digest);
        return image === undefined || !cluster.read.has(digest)
          ? undefined
          : { digest, architecture: image.architecture };
      },
      index: (digest) =>
        cluster.read.has(digest) ? (cluster.images.get(digest)?.children ?? []) : undefined,
      pushed: (build) => cluster.pushed.get(build),
      ...{ learn: nothing, learnPushed: nothing, learnIndex: nothing },
    }),
    at,
  );
const nothing = (): void => undefined;

export const statusAfter = ({ object }: Cluster, { facts }: Plan, at = now): EdgeBuildStatus =>
  statusOf(facts, object.status, at);
