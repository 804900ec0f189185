import type { Caches } from '../../src/cli/caches.ts';
import { edgeBuildCachesOf } from '../../src/cli/run.ts';
import { createEdgeBuildController, edgeBuildIndexes } from '../../src/edgebuild/controllers.ts';
import { edgeBuilds, type StoredEdgeBuild } from '../../src/edgebuild/kinds.ts';
import { createPutIndex } from '../../src/edgebuild/registry.ts';
import { createSecretWatch } from '../../src/edgebuild/secrets.ts';
import { keptOfNode, type Node, nodeEmulations, nodes } from '../../src/emulation/kinds.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { createStore, type Store } from '../../src/kube/store.ts';
import type { WatcherTiming } from '../../src/kube/watcher.ts';
import { createLogger } from '../../src/ops/log.ts';
import { createMetrics, type Metrics } from '../../src/ops/metrics.ts';
import { createRecordEvent } from '../../src/runtime/events.ts';
import { clientBy, shortTiming } from './gadgets.ts';

export interface EdgeBuildOperator {
  readonly metrics: Metrics;
  readonly unavailable: (plural: string) => string | undefined;
  /** As a process that is killed: nothing is finished, nothing is given back. */
  readonly kill: () => Promise<void>;
}

export interface EdgeBuildOperatorOptions {
  /** What it looks after; without them all there are. */
  readonly namespaces?: readonly string[];
  readonly timing?: Partial<WatcherTiming>;
  /** Gets each line of the log, as it is written. */
  readonly onLog?: (line: string) => void;
}

/** The operator's controller of EdgeBuilds, as `edgebuild run` wires it, in this process. */
export const startEdgeBuilds = (
  kubeconfig: string,
  { namespaces = [], timing = {}, onLog }: EdgeBuildOperatorOptions = {},
): EdgeBuildOperator => {
  const { client, close } = clientBy(kubeconfig);
  const stores: Store<KubeObject>[] = [];
  const of: Caches['of'] = (kind, { namespaces: _namespaces, ...options }) => {
    const store = createStore(client, kind, {
      ...{ fieldManager: 'edgebuild', timing: { ...shortTiming, relistMs: 600_000, ...timing } },
      ...(kind.namespaced ? { namespaces } : {}),
      ...options,
    });
    stores.push(store);
    return store;
  };
  const log = createLogger({
    ...{ level: onLog === undefined ? 'error' : 'debug', format: 'json' },
    write: (line) => onLog?.(line),
  });
  const metrics = createMetrics();
  const caches = {
    ...edgeBuildCachesOf({ of }),
    edgeBuilds: of<StoredEdgeBuild>(edgeBuilds, { needed: true, indexes: edgeBuildIndexes }),
    nodeEmulations: of<KubeObject>(nodeEmulations, { needed: true }),
    nodes: of<Node>(nodes, { needed: true, keep: keptOfNode }),
  };
  const secrets = createSecretWatch(client, caches.edgeBuilds);
  const controller = createEdgeBuildController({
    caches: { ...caches, secrets },
    now: () => new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    putIndex: createPutIndex({
      ...{ token: () => Promise.resolve(undefined), ca: () => Promise.resolve(undefined) },
      isPlainHttp: true,
    }),
    record: createRecordEvent({ instance: 'test', log }),
    ...{ workers: 4, timeoutMs: 20_000, log, metrics },
  });
  const stop = new AbortController();
  const running = Promise.all([
    ...stores.map((store) => store.run(stop.signal)),
    secrets.run(stop.signal),
    controller.run(client, stop.signal, stop.signal),
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
