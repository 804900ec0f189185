import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { EdgeBuildInput, EdgeBuildStatus } from '../../src/api/edgebuild.ts';
import * as kinds from '../../src/edgebuild/kinds.ts';
import type { StoredEdgeBuild } from '../../src/edgebuild/kinds.ts';
import type { Build, BuildConfig, ImageStream } from '../../src/engines/openshift/types.ts';
import { nodes } from '../../src/emulation/kinds.ts';
import type { Client } from '../../src/kube/client.ts';
import { isNotFound } from '../../src/kube/errors.ts';
import type { Kind, KubeObject } from '../../src/kube/objects.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { imageOf } from '../openshift/control-plane-site.ts';
import { pushImages } from '../openshift/pushing.ts';
import { type OpenShift, startOpenShift } from '../openshift/stand-in.ts';
import { until } from '../support/until.ts';
import { type BuildersHand, startBuildersHand } from './builders-hand.ts';
import { fakeNode } from './fake-nodes.ts';
import { clientBy } from './gadgets.ts';

const repository = join(import.meta.dirname, '../..');

const namespaces: Kind = {
  ...{ group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false },
};

/** For the machine's worst days. */
const patience = 90_000;

export type Spec = EdgeBuildInput['spec'];

/** What matters of a namespace's EdgeBuilds, without times, versions, uids. */
export interface BuildsState {
  readonly edgeBuilds: Readonly<Record<string, EdgeBuildState>>;
  /** "web-arm64-1 Complete" */
  readonly builds: readonly string[];
  /** "web:latest sha256:…", base images included. */
  readonly tags: readonly string[];
  /** "BuildConfig web-arm64" of all that EdgeBuilds made. */
  readonly children: readonly string[];
}

export interface EdgeBuildState {
  readonly isCurrent: boolean;
  /** "True Ready" by type. */
  readonly conditions: Readonly<Record<string, string>>;
  /** "linux/arm64 Succeeded BuildComplete web-arm64-1" */
  readonly platforms: readonly string[];
  readonly image: string | undefined;
}

export interface EdgeBuildSite {
  readonly plane: ControlPlane;
  readonly openShift: OpenShift;
  readonly hand: BuildersHand;
  /** Nobody's faults. */
  readonly client: Client;
  /** `FROM` this: an image of arm64 and of amd64. */
  readonly base: string;
  /** Another one. */
  readonly otherBase: string;
  /** A new namespace. */
  readonly namespace: (name: string) => Promise<string>;
  readonly put: (namespace: string, name: string, spec: Spec, manager?: string) => Promise<StoredEdgeBuild>;
  readonly drop: (namespace: string, name: string) => Promise<void>;
  readonly read: <T extends KubeObject>(
    kind: Kind,
    namespace: string,
    name: string,
  ) => Promise<T | undefined>;
  readonly all: <T extends KubeObject>(kind: Kind, namespace: string) => Promise<readonly T[]>;
  readonly state: (namespace: string) => Promise<BuildsState>;
  /** Until the EdgeBuild's status is of its latest spec and is so; asserts that. */
  readonly becomes: (
    namespace: string,
    name: string,
    wanted: Readonly<Record<string, unknown>>,
  ) => Promise<StoredEdgeBuild>;
  readonly close: () => Promise<void>;
}

/** What is to be published by the simplest EdgeBuild that there is. */
export const simple = (base: string, more: Partial<Spec> = {}): Spec => ({
  source: { dockerfile: `FROM ${base}\nRUN true\n` },
  ...more,
});

/** The node is none: a label says that programs of arm64 run there, and nothing ever runs. */
const nodeThatIsNone = fakeNode('node-that-is-none', { labels: { 'emulation.edgebuild.io/arm64': 'ready' } });

const kubectl = async (plane: ControlPlane, ...args: readonly string[]): Promise<void> => {
  const { exitCode, stderr } = await plane.kubectl(args);
  if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
};

/**
 * A control plane with the stand-in for OpenShift on it, and a hand that plays its builds.
 *
 * @param registry host:port of a docker-registry that speaks plain HTTP.
 */
export const openEdgeBuildSite = async (registry: string): Promise<EdgeBuildSite> => {
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  const plane = await startControlPlane({
    // What would remove the taint that it gives each new node is absent (control-plane-flags.ts).
    apiServerFlags: ['--disable-admission-plugins=TaintNodesByCondition'],
  });
  closers.push(plane.stop);
  try {
    const { kubeconfig, certificates } = plane;
    const openShift = await startOpenShift({ kubeconfig, certificates, registry, buildsRun: false });
    closers.push(openShift.close);
    await kubectl(plane, 'apply', '-k', join(repository, 'crds'));
    await kubectl(plane, 'wait', '--for=condition=Established', 'crd', '--all');
    await plane.startControllers();
    const { client, close: disconnect } = clientBy(kubeconfig);
    closers.push(disconnect);
    await client.create(nodes, nodeThatIsNone);
    await setNodeStatus(client);
    const images = [imageOf('arm64', 'base'), imageOf('amd64', 'base')];
    await pushImages({ host: registry, repository: 'bases/word', tag: '1' }, images);
    await pushImages({ host: registry, repository: 'bases/word', tag: '2' }, [imageOf('arm64', 'two'), imageOf('amd64', 'two')]); // prettier-ignore
    const hand = startBuildersHand(kubeconfig, openShift.registry);
    closers.push(hand.end);
    return {
      ...{
        plane,
        openShift,
        hand,
        client,
        base: `${registry}/bases/word:1`,
        otherBase: `${registry}/bases/word:2`,
      },
      ...actionsOf(client),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};

const setNodeStatus = async (client: Client): Promise<void> => {
  const { apiVersion, kind, metadata, status } = nodeThatIsNone;
  await client.patchStatus(nodes, { apiVersion, kind, metadata: { name: metadata.name }, status });
};

type Actions = Pick<EdgeBuildSite, 'namespace' | 'put' | 'drop' | 'read' | 'all' | 'state' | 'becomes'>;

const actionsOf = (client: Client): Actions => {
  const read: EdgeBuildSite['read'] = async (kind, namespace, name) => {
    try {
      return await client.get(kind, { namespace, name });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  return {
    read,
    namespace: async (name) => {
      await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      return name;
    },
    put: (namespace, name, spec, fieldManager = 'author') =>
      client.apply(
        kinds.edgeBuilds,
        {
          ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata: { namespace, name }, spec },
        },
        { fieldManager },
      ),
    drop: (namespace, name) => client.delete(kinds.edgeBuilds, { namespace, name }),
    all: (kind, namespace) => listOf(client, kind, namespace),
    state: (namespace) => stateOf(client, namespace),
    becomes: async (namespace, name, wanted) => {
      const seen = await until(
        () => read<StoredEdgeBuild>(kinds.edgeBuilds, namespace, name),
        (object) => object !== undefined && isSo(object, wanted),
        patience,
      );
      if (seen !== undefined && isSo(seen, wanted)) return seen;
      // The whole of it is shown where it is not so.
      const state = await stateOf(client, namespace).catch(String);
      const found = { wanted, status: seen?.status, state };
      throw new Error(`EdgeBuild ${namespace}/${name} is not so: ${JSON.stringify(found, undefined, 2)}`);
    },
  };
};

const isSo = (object: StoredEdgeBuild, wanted: Readonly<Record<string, unknown>>): boolean =>
  isDeepStrictEqual(wordsOf(object), { ...wordsOf(object), ...wanted, isCurrent: true });

/** Conditions and platforms by their names: "True Ready", "Succeeded BuildComplete". */
export const wordsOf = ({ metadata, status }: StoredEdgeBuild): Readonly<Record<string, unknown>> => ({
  isCurrent: status?.observedGeneration === metadata.generation,
  ...conditionsOf(status),
  ...Object.fromEntries((status?.platforms ?? []).map(({ platform, state, reason }) => [platform, `${state} ${reason}`])),
}); // prettier-ignore

const conditionsOf = (status: EdgeBuildStatus | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (status?.conditions ?? []).map(({ type, status: is, reason }) => [type, `${is} ${reason}`]),
  );

export const messageOf = ({ status }: StoredEdgeBuild, condition: string): string =>
  status?.conditions?.find(({ type }) => type === condition)?.message ?? '';

const listOf = async <T extends KubeObject>(client: Client, kind: Kind, namespace: string): Promise<readonly T[]> => {
  const found: T[] = [];
  for await (const { items } of client.list<T>(kind, { namespace })) found.push(...items);
  return found;
}; // prettier-ignore

const stateOf = async (client: Client, namespace: string): Promise<BuildsState> => {
  const list = <T extends KubeObject>(kind: Kind): Promise<readonly T[]> =>
    listOf<T>(client, kind, namespace);
  const edgeBuilds = await list<StoredEdgeBuild>(kinds.edgeBuilds);
  const streams = await list<KubeObject & ImageStream>(kinds.imageStreams);
  const configs = await list<KubeObject & BuildConfig>(kinds.buildConfigs);
  const others = [
    ...(await list(kinds.deployments)),
    ...(await list(kinds.services)),
    ...(await list(kinds.routes)),
  ];
  return {
    edgeBuilds: Object.fromEntries(edgeBuilds.map((one) => [one.metadata.name, edgeBuildState(one)])),
    builds: (await list<KubeObject & Build>(kinds.builds))
      .map(({ metadata, status }) => `${metadata.name} ${status?.phase ?? ''}`)
      .sort(),
    tags: streams.flatMap(tagsOf).sort(),
    children: [...streams, ...configs, ...others]
      .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
      .sort(),
  };
};

const tagsOf = ({ metadata, status }: ImageStream): readonly string[] =>
  (status?.tags ?? []).map(({ tag, items }) => `${metadata.name}:${tag} ${items?.at(0)?.image ?? ''}`);

const edgeBuildState = (object: StoredEdgeBuild): EdgeBuildState => ({
  isCurrent: object.status?.observedGeneration === object.metadata.generation,
  conditions: conditionsOf(object.status),
  platforms: (object.status?.platforms ?? []).map(({ platform, state, reason, build = '' }) =>
    [platform, state, reason, build].join(' '),
  ),
  image: object.status?.image?.digest,
});
