import { keyOf, type Key, type KubeObject } from '../kube/objects.ts';
import { ownedFieldsOf } from '../kube/received.ts';
import type { IndexFunction, Store } from '../kube/store.ts';
import type { Logger } from '../ops/log.ts';
import type { Metrics } from '../ops/metrics.ts';
import { type Controller, createController } from '../runtime/controller.ts';
import type { RecordEvent } from '../runtime/events.ts';
import type { Build, BuildPod } from '../engines/openshift/types.ts';
import { countBuilds } from './build-metrics.ts';
import { edgeBuilds, type StoredEdgeBuild } from './kinds.ts';
import { signatureOf } from './nodes.ts';
import { childrenOf, type EdgeBuildCaches, writtenTagsOf } from './observe.ts';
import { createReconcile } from './reconcile.ts';
import { secretsNamedBy } from './secrets.ts';
import type { PutIndex } from './registry.ts';

export interface EdgeBuildControllerSettings {
  readonly caches: EdgeBuildCaches;
  readonly now: () => string;
  readonly putIndex: PutIndex;
  readonly record: RecordEvent;
  readonly workers: number;
  readonly timeoutMs: number;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** By what an EdgeBuild is found when something else changes. */
export const edgeBuildIndexes: Readonly<Record<string, IndexFunction<StoredEdgeBuild>>> = {
  children: childrenOf,
  secrets: secretsNamedBy,
  tags: writtenTagsOf,
};

/** Of a Build: which BuildConfig has made it. */
export const buildIndexes: Readonly<Record<string, IndexFunction<KubeObject & Build>>> = {
  buildConfig: ({ metadata }) => {
    const owner = metadata.ownerReferences?.find(({ kind }) => kind === 'BuildConfig');
    return owner === undefined ? [] : [`${metadata.namespace ?? ''}/${owner.name}`];
  },
};

/** Of a build's pod: which Build. */
export const podIndexes: Readonly<Record<string, IndexFunction<KubeObject & BuildPod>>> = {
  build: ({ metadata }) => {
    const owner = metadata.ownerReferences?.find(({ kind }) => kind === 'Build');
    return owner === undefined ? [] : [`${metadata.namespace ?? ''}/${owner.name}`];
  },
};

/** The controller of EdgeBuilds. */
export const createEdgeBuildController = (settings: EdgeBuildControllerSettings): Controller => {
  const { caches, log, metrics, timeoutMs, workers } = settings;
  const reconcile = createReconcile({ ...settings, onObserved: countBuilds(metrics.builds(), Date.now()) });
  const all = (): readonly Key[] => caches.edgeBuilds.keys();
  const keysOf = (index: string, value: string): readonly Key[] =>
    caches.edgeBuilds.byIndex(index, value).map(({ metadata }) => keyOf(metadata));
  const named = ({ kind, metadata }: KubeObject): readonly Key[] =>
    keysOf('children', `${kind} ${keyOf(metadata)}`);
  const ofBuild = (build: KubeObject): readonly Key[] =>
    (buildIndexes['buildConfig']?.(build as KubeObject & Build) ?? []).flatMap((name) =>
      keysOf('children', `BuildConfig ${name}`),
    );

  return createController<StoredEdgeBuild>({
    name: 'edgebuild',
    root: caches.edgeBuilds,
    owned: [caches.deployments, caches.services, caches.routes],
    mapped: [
      // Whoever owns them: when somebody else's is gone, its name is free.
      { store: caches.buildConfigs, keys: named },
      { store: caches.imageStreams, keys: named },
      { store: caches.deployments, keys: named },
      { store: caches.services, keys: named },
      { store: caches.routes, keys: named },
      { store: caches.builds, keys: ofBuild },
      {
        store: caches.pods,
        keys: (pod) =>
          (podIndexes['build']?.(pod as KubeObject & BuildPod) ?? []).flatMap((name) => {
            const build = caches.builds.get(name);
            return build === undefined ? [] : ofBuild(build);
          }),
      },
      { store: caches.secrets.source, keys: ({ metadata }) => keysOf('secrets', keyOf(metadata)) },
      { store: caches.nodes, keys: onNews(all, caches.nodes), coalesceMs: 200 },
      { store: caches.nodeEmulations, keys: () => waitingForEmulation(caches), coalesceMs: 1000 },
      {
        store: caches.edgeBuilds,
        keys: (object) => writtenTagsOf(object as StoredEdgeBuild).flatMap((tag) => keysOf('tags', tag)),
      },
    ],
    reconcile,
    ...{ workers, timeoutMs, log, metrics },
  });
};

/** All keys when something of a node changes that decides where builds run; none for all its other news. */
const onNews = (keys: () => readonly Key[], nodes: Store<KubeObject>) => {
  const seen = new Map<string, string>();
  return ({ metadata: { name } }: KubeObject): readonly Key[] => {
    const node = nodes.get(name);
    const signature = node === undefined ? undefined : signatureOf(node);
    if (seen.get(name) === signature) return [];
    if (signature === undefined) seen.delete(name);
    else seen.set(name, signature);
    return keys();
  };
};

const waitingForEmulation = ({ edgeBuilds: store }: EdgeBuildCaches): readonly Key[] =>
  store
    .list()
    .filter(({ status }) =>
      status?.conditions?.some(({ type, status: is }) => type === 'EmulationReady' && is !== 'True'),
    )
    .map(({ metadata }) => keyOf(metadata));

/** What is kept of objects that are somebody else's: that they are there. */
export const keptOfOthers = <T extends KubeObject>(object: T): T =>
  isOurs(object)
    ? object
    : ({
        apiVersion: object.apiVersion,
        kind: object.kind,
        metadata: namesOf(object),
      } as T);

/** What is kept of a build's pod: it carries the whole Build in its environment. */
export const keptOfBuildPod = ({ spec, status, ...pod }: KubeObject & BuildPod): KubeObject & BuildPod => {
  const { nodeName } = spec ?? {};
  const { phase, reason, conditions, containerStatuses, initContainerStatuses } = status ?? {};
  return {
    ...pod,
    spec: { ...(nodeName && { nodeName }) },
    status: {
      ...{ ...(phase && { phase }), ...(reason && { reason }), ...(conditions && { conditions }) },
      ...{
        ...(containerStatuses && { containerStatuses }),
        ...(initContainerStatuses && { initContainerStatuses }),
      },
    },
  };
};

/** Whoever took labels and owners off by hand: it says itself that we have applied it. */
const isOurs = (object: KubeObject): boolean =>
  ownedFieldsOf(object) !== undefined ||
  object.metadata.labels?.['app.kubernetes.io/managed-by'] === 'edgebuild' ||
  (object.metadata.ownerReferences ?? []).some(({ kind }) => kind === edgeBuilds.kind);

const namesOf = ({ metadata }: KubeObject): KubeObject['metadata'] => {
  const { name, namespace, uid, resourceVersion, ownerReferences } = metadata;
  return {
    name,
    ...(namespace && { namespace }),
    ...(uid && { uid }),
    ...(resourceVersion && { resourceVersion }),
    ...(ownerReferences && { ownerReferences }),
  };
};
