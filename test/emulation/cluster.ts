import type { EmulatedName } from '../../src/api/architecture-names.ts';
import type { NodeEmulationStatus } from '../../src/api/node-emulation.ts';
import { modeLabel, proverOf } from '../../src/emulation/desired/daemon-set.ts';
import {
  agentNamespace,
  type ContainerStatus,
  type DaemonSet,
  type Node,
  type Pod,
  type StoredEdgeBuild,
  type StoredNodeEmulation,
} from '../../src/emulation/kinds.ts';
import {
  type AgentImage,
  type EmulationCaches,
  observe,
  type Observed,
} from '../../src/emulation/observe.ts';
import type { Plan } from '../../src/emulation/plan.ts';
import { statusOf } from '../../src/emulation/status.ts';
import { keyOf, type KubeObject } from '../../src/kube/objects.ts';
import type { Store } from '../../src/kube/store.ts';

export const now = '2026-01-02T03:04:05Z';
export const later = (seconds: number): string => new Date(Date.parse(now) + seconds * 1000).toISOString();

export const shipped: AgentImage = {
  image: 'registry.example/agent@sha256:1',
  qemuVersion: '7.2',
  emulators: new Map([['aarch64', 'a'.repeat(64)]]),
};

/** All that decides, as objects of a cluster. */
export interface Cluster {
  readonly emulation?: StoredNodeEmulation | undefined;
  readonly builds?: readonly StoredEdgeBuild[];
  readonly daemonSet?: DaemonSet | undefined;
  readonly pods?: readonly Pod[];
  readonly nodes?: readonly Node[];
  readonly shipped?: AgentImage | undefined;
}

/** A store of what is given: nothing of it ever changes. */
const storeOf = <T extends KubeObject>(objects: readonly T[]): Store<T> => {
  const readable: Pick<Store<T>, 'get' | 'list' | 'unavailable'> = {
    get: (key) => objects.find(({ metadata }) => keyOf(metadata) === key),
    list: () => objects,
    unavailable: () => undefined,
  };
  return readable as Store<T>;
};

export const observedIn = (cluster: Cluster): Observed => {
  const { emulation, builds = [], daemonSet, pods = [], nodes = [node('one')] } = cluster;
  const caches: EmulationCaches = {
    nodeEmulations: storeOf(emulation === undefined ? [] : [emulation]),
    edgeBuilds: storeOf(builds),
    daemonSets: storeOf(daemonSet === undefined ? [] : [daemonSet]),
    pods: storeOf(pods),
    nodes: storeOf(nodes),
  };
  return observe(emulation, caches, 'shipped' in cluster ? cluster.shipped : shipped);
};

export const emulationOf = (
  spec: object = {},
  { generation = 1, status }: { generation?: number; status?: NodeEmulationStatus | undefined } = {},
): StoredNodeEmulation => ({
  ...{
    apiVersion: 'edgebuild.io/v1alpha1',
    kind: 'NodeEmulation',
    metadata: { name: 'cluster', generation },
  },
  spec,
  ...(status === undefined ? {} : { status }),
});

export const build = (platforms: readonly string[], more: object = {}, metadata: object = {}): StoredEdgeBuild => ({
  ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild' },
  metadata: { namespace: 'default', name: 'web', ...metadata },
  spec: { platforms, ...more },
}); // prettier-ignore

export const node = (name: string, isReady = true, labels: Readonly<Record<string, string>> = {}): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node' },
  metadata: { name, labels: { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64', ...labels } },
  status: {
    conditions: [{ type: 'Ready', status: isReady ? 'True' : 'Unknown' }],
    nodeInfo: { kernelVersion: '6.1' },
  },
}); // prettier-ignore

export const pod = (
  nodeName: string | undefined,
  containerStatuses: readonly ContainerStatus[],
  {
    mode = 'register',
    metadata = {},
    status = {},
    spec = {},
  }: { mode?: string; metadata?: object; status?: object; spec?: object } = {},
): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: {
    namespace: agentNamespace,
    name: `agent-${nodeName ?? 'nowhere'}`,
    labels: { [modeLabel]: mode },
    ...metadata,
  },
  spec: { ...(nodeName === undefined ? {} : { nodeName }), ...spec },
  status: { containerStatuses, ...status },
});

export const proves = (name: EmulatedName): ContainerStatus => ({
  name: proverOf(name),
  ready: true,
  state: { running: {} },
});
export const starts = (name: EmulatedName): ContainerStatus => ({ ...proves(name), ready: false });
/** Its prover ended so, and was started again. */
export const says = (name: EmulatedName, message: string, exitCode = 1): ContainerStatus => ({
  ...starts(name),
  lastState: { terminated: { exitCode, message } },
});
export const removed: ContainerStatus = { name: 'removed', ready: true, state: { running: {} } };

/** A DaemonSet as the API server has it once its controller has done with it. */
export const served = (desired: KubeObject, desiredNodes = 1, generation = 1): DaemonSet => ({
  ...desired,
  metadata: { ...desired.metadata, generation, uid: 'uid', resourceVersion: '1' },
  status: {
    observedGeneration: generation,
    desiredNumberScheduled: desiredNodes,
    updatedNumberScheduled: desiredNodes,
  },
});

/** The cluster once a plan has been carried out: what reconcile.ts does, on data. */
export const applied = (cluster: Cluster, plan: Plan, at: string = now): Cluster => {
  if (plan.type === 'create') return { ...cluster, emulation: emulationOf() };
  const { emulation } = cluster;
  const observed = observedIn(cluster);
  const daemonSet =
    plan.type === 'register' || plan.type === 'remove'
      ? served(plan.daemonSet)
      : plan.type === 'clear'
        ? undefined
        : cluster.daemonSet;
  if (emulation === undefined) return { ...cluster, daemonSet };
  const status = statusOf(observed, plan, undefined, at);
  return { ...cluster, daemonSet, emulation: { ...emulation, status } };
};
