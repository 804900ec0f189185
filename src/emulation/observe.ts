import type { EmulatedName } from '../api/architecture-names.ts';
import {
  type NodeEmulationSpec,
  nodeEmulationSpecSchema,
  type NodeEmulationStatus,
} from '../api/node-emulation.ts';
import { pathText } from '../api/words.ts';
import { keyOf } from '../kube/objects.ts';
import type { Store } from '../kube/store.ts';
import { type AgentFacts, agentOf, isReady } from './agents.ts';
import { modeLabel, platformSelector, removalSinceAnnotation } from './desired/daemon-set.ts';
import {
  agentName,
  agentNamespace,
  type DaemonSet,
  type Node,
  type Pod,
  type StoredEdgeBuild,
  type StoredNodeEmulation,
} from './kinds.ts';
import { architecturesNeeded } from './needs.ts';

export interface EmulationCaches {
  readonly nodeEmulations: Store<StoredNodeEmulation>;
  readonly edgeBuilds: Store<StoredEdgeBuild>;
  readonly daemonSets: Store<DaemonSet>;
  /** Those of the agents alone. */
  readonly pods: Store<Pod>;
  readonly nodes: Store<Node>;
}

/** What is known of the image that the operator came with. */
export interface AgentImage {
  readonly image: string;
  readonly qemuVersion?: string;
  /** SHA-256 of each emulator, hexadecimal, by QEMU's name. */
  readonly emulators: ReadonlyMap<string, string>;
}

export interface ObservedDaemonSet {
  readonly live: DaemonSet;
  readonly mode: 'register' | 'remove';
  /** Of mode remove: RFC 3339. */
  readonly since: string | undefined;
  readonly image: string | undefined;
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** Its controller has seen the latest of it, and every pod is of that. */
  readonly isRolledOut: boolean;
  readonly desiredNodes: number;
}

export interface Observed {
  /** Undefined: there is no NodeEmulation. */
  readonly emulation:
    | {
        readonly generation: number;
        readonly spec: NodeEmulationSpec;
        readonly status: NodeEmulationStatus | undefined;
      }
    | undefined;
  /** Which kind cannot be read, and why. What is not seen is not absent: nothing may follow from it. */
  readonly unreadable: string | undefined;
  /** Why the object there is cannot be used. */
  readonly fault: string | undefined;
  readonly needed: readonly EmulatedName[];
  readonly daemonSet: ObservedDaemonSet | undefined;
  readonly agents: readonly AgentFacts[];
  /** Those of linux/amd64. */
  readonly nodes: readonly Node[];
  readonly shipped: AgentImage | undefined;
}

/** All that is known, from the caches, as plain data. */
export const observe = (
  emulation: StoredNodeEmulation | undefined,
  caches: EmulationCaches,
  shipped: AgentImage | undefined,
): Observed => {
  const spec = emulation === undefined ? undefined : nodeEmulationSpecSchema.safeParse(emulation.spec ?? {});
  return {
    emulation:
      emulation === undefined
        ? undefined
        : {
            generation: emulation.metadata.generation ?? 0,
            spec: spec?.data ?? nodeEmulationSpecSchema.parse({}),
            status: emulation.status,
          },
    unreadable: [caches.nodeEmulations, caches.edgeBuilds, caches.daemonSets, caches.pods, caches.nodes]
      .map((store) => store.unavailable()?.message)
      .find((message) => message !== undefined),
    fault: spec?.error?.issues.map(({ path, message }) => `${pathText(['spec', ...path])}: ${message}`).at(0),
    needed: architecturesNeeded(caches.edgeBuilds.list()),
    daemonSet: daemonSetOf(caches.daemonSets.get(keyOf({ namespace: agentNamespace, name: agentName }))),
    agents: caches.pods.list().flatMap((pod) => agentOf(pod) ?? []),
    nodes: caches.nodes.list().filter((node) => matches(node, platformSelector)),
    shipped,
  };
};

export const matches = ({ metadata }: Node, selector: Readonly<Record<string, string>>): boolean =>
  Object.entries(selector).every(([key, value]) => metadata.labels?.[key] === value);

/** Nodes that an agent can be expected to run on. */
export const reachable = (
  nodes: readonly Node[],
  selector: Readonly<Record<string, string>>,
): readonly string[] =>
  nodes.filter((node) => matches(node, selector) && isReady(node)).map(({ metadata }) => metadata.name);

const daemonSetOf = (live: DaemonSet | undefined): ObservedDaemonSet | undefined => {
  if (live === undefined) return undefined;
  const { template } = (live as unknown as { readonly spec: DaemonSetSpec }).spec;
  const { status, metadata } = live;
  const desiredNodes = status?.desiredNumberScheduled ?? 0;
  return {
    live,
    mode: template.metadata?.labels?.[modeLabel] === 'remove' ? 'remove' : 'register',
    since: metadata.annotations?.[removalSinceAnnotation],
    image: template.spec.containers.at(0)?.image,
    nodeSelector: template.spec.nodeSelector ?? {},
    isRolledOut:
      status?.observedGeneration === metadata.generation &&
      (status?.updatedNumberScheduled ?? 0) >= desiredNodes,
    desiredNodes,
  };
};

interface DaemonSetSpec {
  readonly template: {
    readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
    readonly spec: {
      readonly containers: readonly { readonly image?: string }[];
      readonly nodeSelector?: Readonly<Record<string, string>>;
    };
  };
}
