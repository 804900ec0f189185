import { randomUUID } from 'node:crypto';
import { accessSync, constants, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { InputError } from './api/errors.ts';
import { readRunEnvironment, type RunEnvironment } from './config.ts';
import { parseBindAddress } from './ops/bind-address.ts';
import { type LogFormat, logFormats, type LogLevel, logLevels } from './ops/log.ts';
import { type AgentConfig, agentConfigOf } from './run-agent.ts';
import { type Asked, asksAt, type FlagReader, flagReader } from './run-flags.ts';

/** The flags of `edgebuild run`, as commander gives them: nothing of them is judged yet. */
export interface RunFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: readonly string[];
  readonly metricsBindAddress?: string;
  readonly healthProbeBindAddress?: string;
  /** True without a value. */
  readonly leaderElect?: string | true;
  readonly leaderElectionNamespace?: string;
  readonly leaderElectionId?: string;
  readonly leaderElectionLeaseDuration?: string;
  readonly leaderElectionRenewDeadline?: string;
  readonly leaderElectionRetryPeriod?: string;
  readonly maxConcurrentReconciles?: string;
  readonly reconcileTimeout?: string;
  readonly gracefulShutdownTimeout?: string;
  readonly kubeApiQps?: string;
  readonly kubeApiBurst?: string;
  /** True without a value. */
  readonly registryPlainHttp?: string | true;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

/** Which Lease, and in whose name; times are in milliseconds, and leaseDurationMs is whole seconds. */
export interface LeaderElectionConfig {
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
}

/** How the operator runs. Frozen, and every value of it has been judged. */
export interface RunConfig {
  /** A path; from KUBECONFIG it may be several, as path.delimiter divides them. Undefined: the cluster it runs in, else ~/.kube/config. */
  readonly kubeconfig: string | undefined;
  /** Of the kubeconfig. Undefined: its current one. */
  readonly context: string | undefined;
  /** Watched namespaces; empty is all. No name twice. */
  readonly namespaces: readonly string[];
  /** As parseBindAddress of src/ops/bind-address.ts reads it: `0` is off. */
  readonly metricsBindAddress: string;
  readonly healthProbeBindAddress: string;
  /** Undefined: this process takes itself for the only one. */
  readonly leaderElection: LeaderElectionConfig | undefined;
  /** Of each controller: 1 to 1000. */
  readonly maxConcurrentReconciles: number;
  readonly reconcileTimeoutMs: number;
  /** 0: work that is going on at the end is not waited for. */
  readonly gracefulShutdownTimeoutMs: number;
  /** Calls to the API server: so many a second, and so many at once after a silence. Undefined: the server limits them. */
  readonly rateLimit: { readonly qps: number; readonly burst: number } | undefined;
  /** The cluster's internal registry has no certificate. */
  readonly isRegistryPlainHttp: boolean;
  readonly log: { readonly level: LogLevel; readonly format: LogFormat };
  /** What AGENT_IMAGE and its companions say. */
  readonly agent: AgentConfig | undefined;
  /** This process among its replicas: the pod's name, or the host's with something random. */
  readonly identity: string;
}

/** What is asked of the machine. */
export interface Machine {
  readonly hostname: () => string;
  readonly canRead: (path: string) => boolean;
  /** Where pods find the namespace they are in; undefined outside a pod. */
  readonly serviceAccountNamespace: () => string | undefined;
}

const canRead = (path: string): boolean => {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
};

const thisMachine: Machine = {
  hostname,
  canRead,
  serviceAccountNamespace: () => {
    const file = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';
    return canRead(file) ? readFileSync(file, 'utf8').trim() : undefined;
  },
};

/**
 * Judges flags and environment before anything starts. A flag goes before the variable. Flags, variables and defaults
 * are those of operators made with controller-runtime and operator-sdk; the times of the election are OpenShift's
 * (library-go pkg/config/leaderelection), which outlive an API server that is away for a minute.
 *
 * @throws InputError with all that is wrong; each issue's path is the flag or the variable.
 */
export const readRunConfig = (
  flags: RunFlags,
  env: RunEnvironment = readRunEnvironment(),
  machine: Machine = thisMachine,
): RunConfig => {
  const reader = flagReader();
  const config: RunConfig = {
    kubeconfig: kubeconfigOf(flags, env, machine, reader),
    context: reader.text(asksAt('--context', flags.context)),
    namespaces: Object.freeze(namespacesOf(flags, env, reader)),
    ...addressesOf(flags, reader),
    leaderElection: leaderElectionOf(flags, env, machine, reader),
    maxConcurrentReconciles: reader.whole(
      asksAt('--max-concurrent-reconciles', flags.maxConcurrentReconciles, '10'),
      { least: 1, most: 1000 },
    ),
    reconcileTimeoutMs: reader.duration(asksAt('--reconcile-timeout', flags.reconcileTimeout, '2m')),
    gracefulShutdownTimeoutMs: reader.duration(
      asksAt('--graceful-shutdown-timeout', flags.gracefulShutdownTimeout, '30s'),
      { mayBeZero: true },
    ),
    rateLimit: rateLimitOf(flags, reader),
    isRegistryPlainHttp:
      reader.choice(
        asksAt(
          '--registry-plain-http',
          flags.registryPlainHttp === true ? 'true' : flags.registryPlainHttp,
          'false',
        ),
        ['false', 'true'],
      ) === 'true',
    log: Object.freeze({
      level: reader.choice(logLevelAsked(flags, env), logLevels),
      format: reader.choice(asksAt('--log-format', flags.logFormat, 'json'), logFormats),
    }),
    agent: agentConfigOf(env, reader),
    identity: env.podName ?? `${machine.hostname()}_${randomUUID()}`,
  };
  if (reader.issues.length > 0) throw new InputError(reader.issues);
  return Object.freeze(config);
};

/** A missing file among several in KUBECONFIG is no fault to kubectl either. */
const kubeconfigOf = (
  { kubeconfig }: RunFlags,
  env: RunEnvironment,
  machine: Machine,
  reader: FlagReader,
): string | undefined => {
  const asked = asksAt('--kubeconfig', kubeconfig);
  const path = reader.text(asked);
  if (path !== undefined && path !== '' && !machine.canRead(path))
    reader.fault(asked, 'cannot be read: give the path of a kubeconfig file');
  return path ?? env.kubeconfig;
};

const namespacesOf = (flags: RunFlags, env: RunEnvironment, reader: FlagReader): readonly string[] => {
  const asked: readonly Asked[] =
    flags.namespace?.map((name) => asksAt('--namespace', name)) ??
    (env.watchNamespace ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => asksAt('WATCH_NAMESPACE', name));
  return [...new Set(asked.map((one) => reader.namespace(one)))];
};

const addressesOf = (
  flags: RunFlags,
  reader: FlagReader,
): Pick<RunConfig, 'metricsBindAddress' | 'healthProbeBindAddress'> => {
  const metrics = asksAt('--metrics-bind-address', flags.metricsBindAddress, ':8080');
  const health = asksAt('--health-probe-bind-address', flags.healthProbeBindAddress, ':8081');
  for (const asked of [metrics, health])
    if (parseBindAddress(asked.text) === undefined)
      reader.fault(
        asked,
        'is no address to listen on: give one such as :8080 or 127.0.0.1:8080, or 0 for none',
      );
  const port = /:([1-9]\d*)$/.exec(metrics.text);
  if (metrics.text === health.text && port !== null)
    reader.fault(metrics, `is the address of ${health.source} too: give them two, or 0 for none`);
  return { metricsBindAddress: metrics.text, healthProbeBindAddress: health.text };
};

const leaderElectionOf = (
  flags: RunFlags,
  env: RunEnvironment,
  machine: Machine,
  reader: FlagReader,
): LeaderElectionConfig | undefined => {
  const name = reader.subdomain(asksAt('--leader-election-id', flags.leaderElectionId, 'edgebuild.io'));
  const times = electionTimesOf(flags, reader);
  const elects = flags.leaderElect === true ? 'true' : flags.leaderElect;
  const isOn = reader.choice(asksAt('--leader-elect', elects, 'false'), ['false', 'true']) === 'true';
  const asked = electionNamespaceAsked(flags, env, machine);
  if (isOn && asked === undefined)
    reader.missing(
      '--leader-election-namespace',
      'is needed with --leader-elect outside a pod: give the namespace of the Lease, or set POD_NAMESPACE',
    );
  if (asked === undefined) return undefined;
  const namespace = reader.namespace(asked);
  return isOn ? Object.freeze({ namespace, name, ...times }) : undefined;
};

const electionNamespaceAsked = (
  { leaderElectionNamespace }: RunFlags,
  { podNamespace }: RunEnvironment,
  machine: Machine,
): Asked | undefined => {
  if (leaderElectionNamespace !== undefined)
    return asksAt('--leader-election-namespace', leaderElectionNamespace);
  if (podNamespace !== undefined) return asksAt('POD_NAMESPACE', podNamespace);
  const own = machine.serviceAccountNamespace();
  return own === undefined ? undefined : asksAt('--leader-election-namespace', own);
};

/** client-go's JitterFactor: a retry may come so much later than its period. */
const jitter = 1.2;

/** client-go tools/leaderelection refuses other times: a leader must know that it is none before others take over. */
const electionTimesOf = (
  flags: RunFlags,
  reader: FlagReader,
): Omit<LeaderElectionConfig, 'namespace' | 'name'> => {
  const lease = asksAt('--leader-election-lease-duration', flags.leaderElectionLeaseDuration, '137s');
  const renew = asksAt('--leader-election-renew-deadline', flags.leaderElectionRenewDeadline, '107s');
  const retry = asksAt('--leader-election-retry-period', flags.leaderElectionRetryPeriod, '26s');
  const leaseDurationMs = reader.duration(lease);
  const renewDeadlineMs = reader.duration(renew);
  const retryPeriodMs = reader.duration(retry);
  if (leaseDurationMs % 1000 > 0) reader.fault(lease, 'is no whole number of seconds, as a Lease counts');
  if (leaseDurationMs <= renewDeadlineMs)
    reader.fault(lease, `must be longer than ${renew.source}, which is ${renew.text}`);
  if (renewDeadlineMs <= retryPeriodMs * jitter)
    reader.fault(renew, `must be longer than ${jitter} times ${retry.source}, which is ${retry.text}`);
  return { leaseDurationMs, renewDeadlineMs, retryPeriodMs };
};

const rateLimitOf = (flags: RunFlags, reader: FlagReader): RunConfig['rateLimit'] => {
  const qps = reader.decimal(asksAt('--kube-api-qps', flags.kubeApiQps, '0'), { least: 0, most: 100_000 });
  // Twice the rate, as Kubernetes' own controllers: 50 and 100.
  const asked = asksAt('--kube-api-burst', flags.kubeApiBurst, String(Math.max(1, Math.ceil(2 * qps))));
  const burst = reader.whole(asked, { least: 1, most: 200_000 });
  if (qps === 0 && flags.kubeApiBurst !== undefined)
    reader.fault(asked, 'limits nothing while --kube-api-qps is 0: set that too, or leave the burst away');
  return qps === 0 ? undefined : Object.freeze({ qps, burst });
};

const logLevelAsked = (flags: RunFlags, env: RunEnvironment): Asked =>
  flags.logLevel === undefined && env.logLevel !== undefined
    ? asksAt('LOG_LEVEL', env.logLevel)
    : asksAt('--log-level', flags.logLevel, 'info');
