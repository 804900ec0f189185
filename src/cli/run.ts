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
import { createRecordEvent } from '../runtime/events.ts';
import { createEmulationControllers } from '../emulation/controllers.ts';
import type { EmulationCaches } from '../emulation/observe.ts';
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
import {
  buildIndexes,
  createEdgeBuildController,
  edgeBuildIndexes,
  keptOfBuildPod,
  keptOfOthers,
  podIndexes,
} from '../edgebuild/controllers.ts';
import * as kinds from '../edgebuild/kinds.ts';
import type { StoredEdgeBuild } from '../edgebuild/kinds.ts';
import type { EdgeBuildCaches } from '../edgebuild/observe.ts';
import type { Build, BuildConfig, BuildPod, ImageStream } from '../engines/openshift/types.ts';
import type { Deployment } from '../edgebuild/deployment.ts';
import { createSecretWatch } from '../edgebuild/secrets.ts';
import { accountFile, createPutIndex } from '../edgebuild/registry.ts';
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
  const record = createRecordEvent({ instance: config.identity, log });
  const shared = {
    workers: config.maxConcurrentReconciles,
    timeoutMs: config.reconcileTimeoutMs,
    log,
    metrics,
  };
  const ofNodes = emulationCachesOf(caches);
  const secrets = createSecretWatch(client, ofNodes.edgeBuilds);
  const controllers = [
    createEdgeBuildController({
      caches: { ...edgeBuildCachesOf(caches), ...pick(ofNodes), secrets },
      now: nowInSeconds,
      putIndex: createPutIndex({
        token: accountFile('token'),
        ca: accountFile('service-ca.crt'),
        isPlainHttp: config.isRegistryPlainHttp,
      }),
      ...{ record, ...shared },
    }),
    ...createEmulationControllers({
      caches: ofNodes,
      shipped: config.agent,
      now: nowInSeconds,
      ...{ record, ...shared },
    }),
  ];

  const servers = await startServers(config, metrics, caches.checks, log);
  const stop = onSignals(log);
  log.info('edgebuild runs', { version, server: connection.host, identity: config.identity });
  const ended = new AbortController();
  const following = Promise.all([caches.run(ended.signal), secrets.run(ended.signal)]);
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

type NodeCaches = Pick<EdgeBuildCaches, 'edgeBuilds' | 'nodes' | 'nodeEmulations'>;

/** Both controllers look at the same. */
const pick = ({ edgeBuilds, nodes: all, nodeEmulations: emulations }: EmulationCachesOfRun): NodeCaches => ({
  edgeBuilds,
  nodes: all,
  nodeEmulations: emulations,
});

/** What of OpenShift's is followed: all that bears a name that ours could have, whoever made it. */
export const edgeBuildCachesOf = (
  caches: Pick<Caches, 'of'>,
): Omit<EdgeBuildCaches, keyof NodeCaches | 'secrets'> => {
  const needed = false;
  const buildConfigs = caches.of<KubeObject & BuildConfig>(kinds.buildConfigs, {
    needed,
    keep: keptOfOthers,
  });
  // Where there are no builds, these are nobody's business, and none may read them.
  const withBuilds = { needed, after: buildConfigs, keep: keptOfOthers };
  return {
    buildConfigs,
    // Whole: one of ours whose label somebody took off is known by what it holds.
    imageStreams: caches.of<KubeObject & ImageStream>(kinds.imageStreams, { needed }),
    builds: caches.of<KubeObject & Build>(kinds.builds, {
      needed,
      labelSelector: 'app.kubernetes.io/managed-by=edgebuild',
      indexes: buildIndexes,
    }),
    pods: caches.of<KubeObject & BuildPod>(kinds.pods, {
      ...withBuilds,
      called: 'BuildPod',
      labelSelector: 'openshift.io/build.name',
      keep: keptOfBuildPod,
      indexes: podIndexes,
    }),
    deployments: caches.of<KubeObject & Deployment>(kinds.deployments, withBuilds),
    services: caches.of<KubeObject>(kinds.services, withBuilds),
    routes: caches.of<KubeObject>(kinds.routes, withBuilds),
  };
};

/** Nodes are everybody's: they are looked after whatever namespaces the operator watches. */
const emulationCachesOf = (caches: Caches): EmulationCachesOfRun => {
  const inAgentNamespace = { needed: true, namespaces: [agentNamespace] };
  return {
    nodeEmulations: caches.of<StoredNodeEmulation>(nodeEmulations, {
      needed: true,
      whenNotServed: installCrds,
    }),
    edgeBuilds: caches.of<StoredEdgeBuild>(kinds.edgeBuilds, {
      needed: true,
      whenNotServed: installCrds,
      indexes: edgeBuildIndexes,
    }),
    daemonSets: caches.of<DaemonSet>(daemonSets, inAgentNamespace),
    pods: caches.of<Pod>(pods, {
      ...inAgentNamespace,
      labelSelector: `app.kubernetes.io/name=${agentName}`,
      keep: keptOfPod,
      indexes: { node: ({ spec }) => (spec?.nodeName === undefined ? [] : [spec.nodeName]) },
    }),
    nodes: caches.of<Node>(nodes, { needed: true, keep: keptOfNode }),
  };
};

interface EmulationCachesOfRun extends Omit<EmulationCaches, 'edgeBuilds'> {
  readonly edgeBuilds: Store<StoredEdgeBuild>;
}

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
