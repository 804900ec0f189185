import { group, version } from '../api/edgebuild.ts';
import { nodeEmulationKind } from '../api/node-emulation.ts';
import type { NodeEmulationStatus } from '../api/node-emulation.ts';
import type { Kind, KubeObject } from '../kube/objects.ts';

/** Where agents run: a namespace for privileged pods, with nothing else in it. */
export const agentNamespace = 'edgebuild-node';
/** Of the DaemonSet, its ServiceAccount and its PriorityClass. */
export const agentName = 'edgebuild-agent';

export const nodeEmulations: Kind = {
  ...{ group, version, kind: nodeEmulationKind, plural: 'nodeemulations', namespaced: false },
};
export const nodes: Kind = { group: '', version: 'v1', kind: 'Node', plural: 'nodes', namespaced: false };
export const pods: Kind = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
export const daemonSets: Kind = {
  ...{ group: 'apps', version: 'v1', kind: 'DaemonSet', plural: 'daemonsets', namespaced: true },
};

/** A NodeEmulation as the API server has it. */
export interface StoredNodeEmulation extends KubeObject {
  readonly spec?: object;
  readonly status?: NodeEmulationStatus;
}

/** What is read of an EdgeBuild, whose controller is another one. */
export interface StoredEdgeBuild extends KubeObject {
  readonly spec?: { readonly platforms?: readonly string[]; readonly execution?: string };
}

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/ */
export interface Node extends KubeObject {
  readonly spec?: {
    readonly unschedulable?: boolean;
    readonly taints?: readonly { readonly effect: string }[];
  };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly nodeInfo?: { readonly kernelVersion?: string };
  };
}

/** What is read of a node, and nothing else: its images alone can be tens of kilobytes. */
export const keptOfNode = ({ status, ...node }: Node): Node => {
  const { spec, metadata, ...rest } = node;
  const { annotations: _annotations, ...kept } = metadata;
  return {
    ...rest,
    metadata: kept,
    spec: {
      ...(spec?.unschedulable === true ? { unschedulable: true } : {}),
      ...(spec?.taints === undefined ? {} : { taints: spec.taints.map(({ effect }) => ({ effect })) }),
    },
    status: {
      conditions: (status?.conditions ?? [])
        .filter(({ type }) => type === 'Ready')
        .map(({ type, status: is }) => ({ type, status: is })),
      nodeInfo: { kernelVersion: status?.nodeInfo?.kernelVersion ?? '' },
    },
  };
};

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
export interface Pod extends KubeObject {
  readonly spec?: { readonly nodeName?: string; readonly affinity?: unknown };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: object;
  readonly terminated?: {
    readonly exitCode: number;
    readonly reason?: string;
    readonly message?: string;
  };
}

/** What is read of an agent's pod: it has a container for each architecture, and there is one a node. */
export const keptOfPod = ({ spec, ...pod }: Pod): Pod => ({
  ...pod,
  spec: {
    ...(spec?.nodeName === undefined ? { affinity: spec?.affinity } : { nodeName: spec.nodeName }),
  },
});

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/daemon-set-v1/ */
export interface DaemonSet extends KubeObject {
  readonly status?: {
    readonly observedGeneration?: number;
    readonly desiredNumberScheduled?: number;
    readonly updatedNumberScheduled?: number;
  };
}
