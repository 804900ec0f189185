import type { Metrics } from '../ops/metrics.ts';
import type { Logger } from '../ops/log.ts';
import { nodeEmulationName, type NodeEmulationStatus } from '../api/node-emulation.ts';
import type { KubeObject } from '../kube/objects.ts';
import { type Controller, createController } from '../runtime/controller.ts';
import type { RecordEvent } from '../runtime/events.ts';
import { createLabelReconcile } from './labels.ts';
import type { Node } from './kinds.ts';
import type { AgentImage, EmulationCaches } from './observe.ts';
import { createReconcile } from './reconcile.ts';

export interface EmulationControllersSettings {
  readonly caches: EmulationCaches;
  readonly shipped: AgentImage | undefined;
  readonly now: () => string;
  readonly record: RecordEvent;
  readonly workers: number;
  readonly timeoutMs: number;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/**
 * Two controllers: one for the NodeEmulation, its DaemonSet and its status, one for the labels of each node.
 */
export const createEmulationControllers = (settings: EmulationControllersSettings): readonly Controller[] => {
  const { caches, metrics, log, timeoutMs, record } = settings;
  const emulationMetrics = metrics.emulation();
  const onlyOne = (): readonly string[] => [nodeEmulationName];
  const reconcile = createReconcile({
    ...settings,
    onStatus: (status) => {
      emulationMetrics.standing(standingOf(status));
    },
  });
  const emulation = createController({
    name: 'nodeemulation',
    root: caches.nodeEmulations,
    mapped: [
      { store: caches.daemonSets, keys: onlyOne },
      // One of each a node, or thousands: what they say together is counted now and then, not at every word.
      ...[caches.edgeBuilds, caches.pods, caches.nodes].map((store) => ({
        ...{ store, keys: onlyOne, coalesceMs: 200 },
      })),
    ],
    reconcile,
    absent: {
      keys: [nodeEmulationName],
      reconcile: (request) => reconcile({ ...request, object: undefined }),
    },
    ...{ workers: 1, timeoutMs, log, metrics },
  });
  const labels = createController<Node>({
    name: 'nodelabels',
    root: caches.nodes,
    mapped: [
      { store: caches.pods, keys: nodeOf },
      { store: caches.nodeEmulations, keys: onNewSpec(() => caches.nodes.keys()) },
    ],
    reconcile: createLabelReconcile({
      ...{ nodes: caches.nodes, pods: caches.pods, nodeEmulations: caches.nodeEmulations, record },
      onRepair: (reason) => {
        emulationMetrics.repaired(reason);
      },
    }),
    ...{ workers: settings.workers, timeoutMs, log, metrics },
  });
  return [emulation, labels];
};

const nodeOf = (pod: KubeObject): readonly string[] => {
  const { nodeName } = (pod as { readonly spec?: { readonly nodeName?: string } }).spec ?? {};
  return nodeName === undefined ? [] : [nodeName];
};

/** All keys when the spec is another one; none when only the status is. */
const onNewSpec = (keys: () => readonly string[]) => {
  let seen: string | undefined;
  return ({ metadata }: KubeObject): readonly string[] => {
    const now = `${metadata.uid ?? ''} ${String(metadata.generation)}`;
    if (now === seen) return [];
    seen = now;
    return keys();
  };
};

/** For metrics: nodes by architecture and state, and problems with handlers of others. */
const standingOf = (status: NodeEmulationStatus | undefined) => ({
  nodes: (status?.architectures ?? []).map(({ architecture, desiredNodes, readyNodes }) => ({
    architecture,
    ready: readyNodes,
    notReady: Math.max(0, desiredNodes - readyNodes),
  })),
  foreignHandlers: (status?.problems ?? []).filter(
    ({ reason }) => reason === 'HandlerForeign' || reason === 'HandlerShadowed',
  ).length,
});
