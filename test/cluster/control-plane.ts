/** A real control plane as child processes of the caller: in a box, or directly on the machine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answers } from './answers.ts';
import { authority, makeCertificates, writeKubeconfig, type Certificates } from './certificates.ts';
import {
  apiServerFlags,
  controllerManagerFlags,
  etcdFlags,
  schedulerFlags,
  type Ports,
} from './control-plane-flags.ts';
import { startPart, type Part } from './part.ts';
import { freePorts } from './ports.ts';
import { clusterPrograms } from './programs.ts';

export interface User {
  readonly user: string;
  readonly groups?: readonly string[];
}

export interface ControlPlaneOptions {
  /** Controller manager and scheduler too: without them nothing garbage-collects, and no Deployment makes pods. */
  readonly controllers?: boolean;
  /** Where the API server listens: 127.0.0.1, unless pods are to reach it. */
  readonly address?: string;
  /** Free ports of loopback, where none is given. */
  readonly ports?: Partial<Ports>;
  /** An empty or absent directory for all state, best in memory; one of its own below /dev/shm otherwise. */
  readonly state?: string;
  /** An existing directory for logs; one below the state otherwise, which goes with it. */
  readonly logs?: string;
  /** Writes each answered request to `auditLog`. */
  readonly audit?: boolean;
  /** Bearer tokens: whose each is. */
  readonly tokens?: Readonly<Record<string, User>>;
  /** More flags for kube-apiserver. */
  readonly apiServerFlags?: readonly string[];
  /** Is told when each program is ready. */
  readonly tell?: (line: string) => void;
}

export interface KubectlResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ControlPlane {
  readonly url: string;
  /** Path of the certificate of the authority behind `url`. */
  readonly certificateAuthority: string;
  /** Path of a cluster-admin's. */
  readonly kubeconfig: string;
  /** Path of one that shows a client certificate made for this user. */
  readonly kubeconfigFor: (user: User) => Promise<string>;
  /** Path of one with a certificate that `certificates` has by this name. */
  readonly kubeconfigOf: (certificate: string) => string;
  /** As cluster-admin, unless another kubeconfig is given. Never throws because of what kubectl says. */
  readonly kubectl: (
    args: readonly string[],
    options?: { readonly input?: string; readonly kubeconfig?: string },
  ) => Promise<KubectlResult>;
  readonly stopApiServer: (signal?: NodeJS.Signals) => Promise<void>;
  /** On the same port; returns when it is ready. */
  readonly startApiServer: () => Promise<void>;
  /** Where `controllers` did not: of kinds that come after that, the garbage collector learns only half a minute later. */
  readonly startControllers: () => Promise<void>;
  /** One JSON object (audit.k8s.io/v1 Event) a line, written before the answer's last byte; empty without `audit`. */
  readonly auditLog: string;
  readonly logs: string;
  readonly certificates: Certificates;
  readonly programs: string;
  /** Ends everything, and removes the state. */
  readonly stop: () => Promise<void>;
}

export const startControlPlane = async (options: ControlPlaneOptions = {}): Promise<ControlPlane> => {
  const programs = await clusterPrograms(options.tell === undefined ? {} : { tell: options.tell });
  const state =
    options.state ?? mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'edgebuild-cluster-'));
  const logs = options.logs ?? join(state, 'logs');
  const running = new Map<string, Part>();
  const stop = async (): Promise<void> => {
    // In the order of who needs whom: nobody spends his last seconds on waiting for an answer.
    for (const part of [...running.values()].reverse()) await part.stop();
    rmSync(state, { recursive: true, force: true });
  };
  try {
    for (const name of ['pki', 'kubeconfigs', 'audit', 'logs'])
      mkdirSync(join(state, name), { recursive: true });
    const [ports, certificates] = await Promise.all([
      choosePorts(options.ports),
      makeCertificates(join(state, 'pki')),
    ]);
    const site: Site = { ...{ programs, state, logs, ports, certificates, running } };
    return { ...(await bringUp(site, options)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** Where one control plane lives, and what of it runs. */
interface Site {
  readonly programs: string;
  readonly state: string;
  readonly logs: string;
  readonly ports: Ports;
  readonly certificates: Certificates;
  readonly running: Map<string, Part>;
}

const choosePorts = async (given: Partial<Ports> = {}): Promise<Ports> => {
  const [etcd = 0, etcdPeer = 0, apiServer = 0, controllerManager = 0, scheduler = 0] = await freePorts(5);
  return { etcd, etcdPeer, apiServer, controllerManager, scheduler, ...given };
};

const start = (site: Site, name: string, flags: readonly string[]): Part => {
  const part = startPart({ name, command: [join(site.programs, name), ...flags], logs: site.logs });
  site.running.set(name, part);
  return part;
};

const bringUp = async (site: Site, options: ControlPlaneOptions): Promise<Omit<ControlPlane, 'stop'>> => {
  const { state, ports, certificates, logs, programs } = site;
  const url = `https://127.0.0.1:${ports.apiServer}`;
  const kubeconfig = (name: string): string =>
    writeKubeconfig(join(state, 'kubeconfigs', name), certificates, { url, name });
  const admin = kubeconfig('admin');
  const auditLog = join(state, 'audit/log');
  writeFileSync(auditLog, '');
  const kubectl = kubectlFor(site, admin);
  const startApiServer = apiServerStarter(site, options, auditLog);
  const etcd = start(site, 'etcd', etcdFlags(join(state, 'etcd'), ports, certificates));
  await etcd.ready(() =>
    answers(`https://127.0.0.1:${ports.etcd}/health`, clientOf(certificates, 'etcd-client')),
  );
  options.tell?.('etcd');
  const serving = startApiServer();
  await Promise.all([
    serving.then(() => options.tell?.('kube-apiserver')),
    options.controllers === true
      ? rolesOf(url, certificates, serving).then(() => startControllers(site, kubeconfig, options))
      : undefined,
  ]);
  return {
    ...{ url, kubeconfig: admin, kubectl, auditLog, logs, startApiServer, certificates, programs },
    certificateAuthority: certificates.certificate(authority),
    kubeconfigOf: kubeconfig,
    kubeconfigFor: kubeconfigMaker(certificates, kubeconfig),
    startControllers: () => startControllers(site, kubeconfig, options),
    stopApiServer: async (signal) => {
      await site.running.get('kube-apiserver')?.stop(signal);
    },
  };
};

const kubeconfigMaker =
  (certificates: Certificates, kubeconfig: (name: string) => string): ControlPlane['kubeconfigFor'] =>
  async ({ user, groups = [] }) => {
    const key = createHash('sha256')
      .update(JSON.stringify([user, groups]))
      .digest('hex')
      .slice(0, 16);
    const name = `user-${key}`;
    await certificates.issue({ name, user, groups });
    return kubeconfig(name);
  };

/** Options for a TLS client with this certificate. */
export const clientOf = (
  { certificate, key }: Certificates,
  name: string,
): { ca: Buffer; cert: Buffer; key: Buffer } => ({
  ca: readFileSync(certificate(authority)),
  cert: readFileSync(certificate(name)),
  key: readFileSync(key(name)),
});

const kubectlFor =
  ({ programs, state }: Site, admin: string): ControlPlane['kubectl'] =>
  async (args, { input = '', kubeconfig = admin } = {}) => {
    const { exitCode, stdout, stderr } = await execa(join(programs, 'kubectl'), args, {
      ...{ input, reject: false, stripFinalNewline: false },
      // What it remembers of an API lies in the user's home otherwise.
      env: { KUBECONFIG: kubeconfig, KUBECACHEDIR: join(state, 'kubectl') },
    });
    return { exitCode: exitCode ?? 1, stdout, stderr };
  };

const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted', 'Panic'],
  rules: [{ level: 'Metadata' }],
};

const apiServerStarter = (
  site: Site,
  options: ControlPlaneOptions,
  auditLog: string,
): (() => Promise<void>) => {
  const { state, ports, certificates: pki } = site;
  const path = (name: string): string => join(state, name);
  if (options.tokens !== undefined) writeFileSync(path('tokens.csv'), tokenFile(options.tokens));
  writeFileSync(path('audit/policy'), JSON.stringify(auditPolicy));
  const files = {
    pki,
    tokens: options.tokens === undefined ? undefined : path('tokens.csv'),
    audit: options.audit === true ? { policy: path('audit/policy'), log: auditLog } : undefined,
  };
  const flags = [
    ...apiServerFlags(files, ports, options.address ?? '127.0.0.1'),
    ...(options.apiServerFlags ?? []),
  ];
  return async () => {
    // Listening on a port that its predecessor still holds would fail.
    await site.running.get('kube-apiserver')?.stop();
    const part = start(site, 'kube-apiserver', flags);
    await part.ready(() => answers(`https://127.0.0.1:${ports.apiServer}/readyz`, clientOf(pki, 'admin')));
  };
};

/** https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file */
const tokenFile = (tokens: Readonly<Record<string, User>>): string =>
  Object.entries(tokens)
    .map(([token, { user, groups = [] }]) => `${token},${user},${user},"${groups.join(',')}"\n`)
    .join('');

/**
 * Returns when the API server knows who may do what. On a busy machine that takes longer than the controller manager waits
 * before it gives up.
 */
const rolesOf = async (url: string, certificates: Certificates, serving: Promise<void>): Promise<void> => {
  const over = new AbortController();
  const end = (): void => {
    over.abort();
  };
  serving.then(end, end);
  const admin = clientOf(certificates, 'admin');
  const hook = `${url}/readyz/poststarthook/rbac/bootstrap-roles`;
  while (!over.signal.aborted && !(await answers(hook, admin))) await sleep(50);
};

/** They wait for the rest of the API server by themselves. */
const startControllers = async (
  site: Site,
  kubeconfig: (name: string) => string,
  { tell }: ControlPlaneOptions,
): Promise<void> => {
  const { ports, certificates } = site;
  const [manager, scheduler] = ['kube-controller-manager', 'kube-scheduler'] as const;
  const [first, second] = [
    start(site, manager, controllerManagerFlags(kubeconfig(manager), ports, certificates)),
    start(site, scheduler, schedulerFlags(kubeconfig(scheduler), ports)),
  ];
  const admin = clientOf(certificates, 'admin');
  // Without it no pod is admitted to the namespace.
  const account = `https://127.0.0.1:${ports.apiServer}/api/v1/namespaces/default/serviceaccounts/default`;
  const schedulerHealth = `https://127.0.0.1:${ports.scheduler}/healthz`;
  await Promise.all([
    first.ready(() => answers(account, admin)).then(() => tell?.(manager)),
    second.ready(() => answers(schedulerHealth, { rejectUnauthorized: false })).then(() => tell?.(scheduler)),
  ]);
};
