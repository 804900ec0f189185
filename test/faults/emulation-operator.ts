import type { AgentImage } from '../../src/emulation/observe.ts';
import { createEmulationControllers } from '../../src/emulation/controllers.ts';
import {
  agentName,
  agentNamespace,
  type DaemonSet,
  daemonSets,
  keptOfNode,
  type Node,
  nodeEmulations,
  nodes,
  type Pod,
  pods,
  type StoredEdgeBuild,
  type StoredNodeEmulation,
} from '../../src/emulation/kinds.ts';
import { edgeBuilds } from '../../src/edgebuild/kinds.ts';
import type { Kind, KubeObject } from '../../src/kube/objects.ts';
import { createStore, type Store, type StoreSettings } from '../../src/kube/store.ts';
import { createLogger } from '../../src/ops/log.ts';
import { createMetrics, type Metrics } from '../../src/ops/metrics.ts';
import { createRecordEvent } from '../../src/runtime/events.ts';
import { clientBy, type LogLine, shortTiming } from './gadgets.ts';

const shipped: AgentImage = {
  image: 'registry.example/edgebuild/agent@sha256:1111',
  qemuVersion: '7.2',
  emulators: new Map([['aarch64', 'a'.repeat(64)]]),
};

export interface EmulationOperator {
  readonly metrics: Metrics;
  readonly unavailable: (plural: string) => string | undefined;
  /** As a process that is killed: nothing is finished, nothing is given back. */
  readonly kill: () => Promise<void>;
}

export interface EmulationOperatorOptions {
  /** null: it was not told. */
  readonly shipped?: AgentImage | null;
  /** In milliseconds since 1970. */
  readonly now?: () => number;
  readonly onLog?: (line: LogLine) => void;
}

/** The operator's controllers of nodes, as `edgebuild run` wires them, in this process. */
export const startEmulation = (
  kubeconfig: string,
  { shipped: told = shipped, now = Date.now, onLog }: EmulationOperatorOptions = {},
): EmulationOperator => {
  const { client, close } = clientBy(kubeconfig);
  const stores: Store<KubeObject>[] = [];
  const cacheOf = <T extends KubeObject>(kind: Kind, options: Partial<StoreSettings<T>> = {}): Store<T> => {
    const store = createStore<T>(client, kind, {
      ...{ fieldManager: 'edgebuild', timing: { ...shortTiming, relistMs: 600_000 } },
      ...options,
    });
    stores.push(store);
    return store;
  };
  const log = createLogger({
    ...{ level: onLog === undefined ? 'error' : 'debug', format: 'json' },
    write: (line) => onLog?.(JSON.parse(line) as LogLine),
  });
  const metrics = createMetrics();
  const namespaces = [agentNamespace];
  const controllers = createEmulationControllers({
    caches: {
      nodeEmulations: cacheOf<StoredNodeEmulation>(nodeEmulations),
      edgeBuilds: cacheOf<StoredEdgeBuild>(edgeBuilds),
      daemonSets: cacheOf<DaemonSet>(daemonSets, { namespaces }),
      pods: cacheOf<Pod>(pods, {
        ...{ namespaces, labelSelector: `app.kubernetes.io/name=${agentName}` },
        indexes: { node: ({ spec }) => (spec?.nodeName === undefined ? [] : [spec.nodeName]) },
      }),
      nodes: cacheOf<Node>(nodes, { keep: keptOfNode }),
    },
    shipped: told ?? undefined,
    now: () => new Date(now()).toISOString().replace(/\.\d+Z$/, 'Z'),
    record: createRecordEvent({ instance: 'test', log }),
    ...{ workers: 4, timeoutMs: 10_000, log, metrics },
  });
  const stop = new AbortController();
  const running = Promise.all([
    ...stores.map((store) => store.run(stop.signal)),
    ...controllers.map((controller) => controller.run(client, stop.signal, stop.signal)),
  ]);
  return {
    metrics,
    unavailable: (plural) => stores.find(({ kind }) => kind.plural === plural)?.unavailable()?.message,
    kill: async () => {
      stop.abort();
      await close();
      await running;
    },
  };
};
