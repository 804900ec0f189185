import type { KubeObject } from '../kube/objects.ts';
import { createClient } from '../kube/client.ts';
import { openConnection } from '../kube/connection.ts';
import { loadKubeConfig } from '../kube/kubeconfig.ts';
import { createLeaderElection } from '../kube/leader.ts';
import { createLimiter } from '../kube/limiter.ts';
import { createLogger, type Logger } from '../ops/log.ts';
import { createMetrics, type Metrics } from '../ops/metrics.ts';
import { healthRoutes, metricsRoutes, type RunningServer, startServer } from '../ops/health.ts';
import type { Store } from '../kube/store.ts';
import { type Controller, createController } from '../runtime/controller.ts';
import { createRecordEvent } from '../runtime/events.ts';
import { createEmulationControllers } from '../emulation/controllers.ts';
import {
  agentName,
  agentNamespace,
  type DaemonSet,
  daemonSets,
  keptOfNode,
  keptOfPod,
  type Node,
  nodeEmulations,
  nodes,
  type Pod,
  pods,
  type StoredNodeEmulation,
} from '../emulation/kinds.ts';
import { lead, type Terms } from '../runtime/lead.ts';
import { buildConfigs, edgeBuilds } from '../edgebuild/kinds.ts';
import { createReconcile, type StoredEdgeBuild } from '../edgebuild/reconcile.ts';
import { readRunConfig, type RunConfig, type RunFlags } from '../run-config.ts';
import { type Caches, createCaches } from './caches.ts';
import { exits, type Exit } from './exit.ts';

const installCrds = 'install its CRD with `edgebuild crds | kubectl apply -f -`';

/**
 * `edgebuild run`: wires everything, and works until SIGTERM or SIGINT. Then what is under way may end, the lease is
 * given up, and it ends with 0.
 *
 * @throws InputError, EnvironmentError: before anything has begun.
 */
export const run = async (flags: RunFlags, version: string): Promise<Exit> => {
  const config = readRunConfig(flags);
  const kubeConfig = loadKubeConfig(config);
  const log = createLogger(config.log);
  const metrics = createMetrics();
  const connection = openConnection(kubeConfig, `edgebuild/${version}`);
  const client = createClient({
    connection,
    fieldManager: 'edgebuild',
    onRequest: (seen) => {
      metrics.request(seen);
    },
    ...(config.rateLimit === undefined
      ? {}
      : { limit: createLimiter(config.rateLimit.qps, config.rateLimit.burst) }),
  });

  const caches = createCaches({ client, log, metrics, namespaces: config.namespaces });
  const roots = caches.of<StoredEdgeBuild>(edgeBuilds, {
    needed: true,
    whenNotServed: installCrds,
  });
  const builds = caches.of<KubeObject>(buildConfigs, { needed: false });
  const controller = createController<StoredEdgeBuild>({
    name: 'edgebuild',
    root: roots,
    owned: [builds],
    reconcile: createReconcile({ edgeBuilds: roots, buildConfigs: builds }, nowInSeconds),
    workers: config.maxConcurrentReconciles,
    timeoutMs: config.reconcileTimeoutMs,
    log,
    metrics,
  });

  const emulations = emulationControllersOf({ config, caches, roots, log, metrics });
  const controllers = [controller, ...emulations];

  const servers = await startServers(config, metrics, caches.checks, log);
  const stop = onSignals(log);
  log.info('edgebuild runs', { version, server: connection.host, identity: config.identity });
  const ended = new AbortController();
  const following = caches.run(ended.signal);
  try {
    const leading = lead({
      stop,
      graceMs: config.gracefulShutdownTimeoutMs,
      terms: termsOf(config, client, metrics, log),
      work: async (fence, over, abandon) => {
        const writer = fence === undefined ? client : client.fencedBy(fence);
        await Promise.all(controllers.map((one) => one.run(writer, over, abandon)));
      },
      log,
    });
    // Neither ends by itself before `stop`: what follows the kinds can only throw, and that is a bug.
    await Promise.race([leading, following.then(() => leading)]);
    log.info('edgebuild ends');
    return exits.done;
  } finally {
    ended.abort();
    await Promise.all(servers.map((server) => server.close()));
    await connection.close();
  }
};

/** Nodes are everybody's: they are looked after whatever namespaces the operator watches. */
const emulationControllersOf = ({
  config,
  caches,
  roots,
  log,
  metrics,
}: {
  readonly config: RunConfig;
  readonly caches: Caches;
  readonly roots: Store<KubeObject>;
  readonly log: Logger;
  readonly metrics: Metrics;
}): readonly Controller[] => {
  const inAgentNamespace = { needed: true, namespaces: [agentNamespace] };
  return createEmulationControllers({
    caches: {
      nodeEmulations: caches.of<StoredNodeEmulation>(nodeEmulations, {
        needed: true,
        whenNotServed: installCrds,
      }),
      edgeBuilds: roots,
      daemonSets: caches.of<DaemonSet>(daemonSets, inAgentNamespace),
      pods: caches.of<Pod>(pods, {
        ...inAgentNamespace,
        labelSelector: `app.kubernetes.io/name=${agentName}`,
        keep: keptOfPod,
        indexes: { node: ({ spec }) => (spec?.nodeName === undefined ? [] : [spec.nodeName]) },
      }),
      nodes: caches.of<Node>(nodes, { needed: true, keep: keptOfNode }),
    },
    shipped: config.agent,
    now: nowInSeconds,
    record: createRecordEvent({ instance: config.identity, log }),
    ...{ workers: config.maxConcurrentReconciles, timeoutMs: config.reconcileTimeoutMs, log, metrics },
  });
};

/** Kubernetes writes times of conditions in whole seconds. */
const nowInSeconds = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

const startServers = async (
  config: RunConfig,
  metrics: Metrics,
  ready: ReturnType<typeof createCaches>['checks'],
  log: Logger,
): Promise<readonly RunningServer[]> => {
  const onError = (error: unknown): void => {
    log.error('an HTTP answer failed', { error });
  };
  const health = await startServer({
    address: config.healthProbeBindAddress,
    flag: '--health-probe-bind-address',
    routes: healthRoutes({ live: { ping: () => undefined }, ready }),
    onError,
  });
  try {
    const numbers = await startServer({
      address: config.metricsBindAddress,
      flag: '--metrics-bind-address',
      routes: metricsRoutes(metrics.registry),
      onError,
    });
    return [health, numbers];
  } catch (error) {
    await health.close();
    throw error;
  }
};

/** Aborted by the first SIGTERM or SIGINT. A second one ends the process as if there were no handler. */
const onSignals = (log: Logger): AbortSignal => {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.once(name, () => {
      log.info('stopping', { signal: name });
      stop.abort(new DOMException(`${name} was received`, 'AbortError'));
    });
  return stop.signal;
};

const termsOf = (
  { leaderElection, identity }: RunConfig,
  client: Parameters<typeof createLeaderElection>[0],
  metrics: Metrics,
  log: Logger,
): Terms | undefined => {
  if (leaderElection === undefined) return undefined;
  const { namespace, name, ...times } = leaderElection;
  metrics.leader(name, false);
  return createLeaderElection(client, {
    ...times,
    name: { namespace, name },
    identity,
    onChange: (isLeader) => {
      metrics.leader(name, isLeader);
      log.info(isLeader ? 'leading' : 'leading no more', { lease: `${namespace}/${name}`, identity });
    },
    onError: (error) => {
      log.warn('the lease could not be read or renewed', { error });
    },
  });
};
