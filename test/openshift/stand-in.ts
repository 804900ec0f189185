/**
 * A stand-in for OpenShift on a real API server, for tests and for the demo. A test double: no part of the product.
 * See README.md for what it does as OpenShift does, and what not.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createClient } from '../../src/kube/client.ts';
import { openConnection } from '../../src/kube/connection.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import { authority, certificatesIn, type Certificates } from '../cluster/certificates.ts';
import { admissionServer } from './admission.ts';
import { type Api, openApi } from './api.ts';
import { startBuildController } from './builds/controller.ts';
import type { OpenApi } from './discovery.ts';
import { followerName } from './follow.ts';
import type { Watches } from './forward.ts';
import { gatewayServer } from './gateway.ts';
import { allGroups } from './groups.ts';
import { startHistory } from './history.ts';
import { startImports } from './imports.ts';
import { install, untilServed, type Where } from './installation.ts';
import { listen, type Listening } from './listening.ts';
import { orUndefined, readImageStream } from './paths.ts';
import { createRegistryClient, type RegistryClient } from './registry-client.ts';
import { registryFront } from './registry-front.ts';
import { startTriggers } from './triggers.ts';

export interface OpenShiftSettings {
  /** Path, of a cluster-admin. */
  readonly kubeconfig: string;
  /** Of the control plane: the aggregator's authority, and new ones for the servers here. */
  readonly certificates: Certificates;
  /** host:port of a docker-registry, plain HTTP: the outside's images and the internal registry's lie there. */
  readonly registry: string;
  /** Whether Builds run: a node and the programs that build are needed. Otherwise they stay New. */
  readonly buildsRun: boolean;
  /** Where the API server reaches this process; 127.0.0.1 without it. */
  readonly address?: string;
  /** Of the internal registry; loopback and any free port without them. */
  readonly internalRegistry?: {
    /** Where it listens: 0.0.0.0 for pods. */
    readonly address?: string;
    readonly port?: number;
    /** host:port under which images are known; its address and port otherwise. */
    readonly name?: string;
  };
  /** More hosts with ports that speak plain HTTP. */
  readonly insecureRegistries?: readonly string[];
}

export interface OpenShift {
  /** host:port of the internal registry, as ImageStreams name it. */
  readonly registry: string;
  /** Both groups stop answering: new requests are refused, watches stay open and silent. */
  readonly outage: () => void;
  /** Returns once both groups are served again; silent watches have ended. */
  readonly restore: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const service = { namespace: 'openshift-apiserver', name: 'api' };

/** Returns once both groups are served and all controllers follow. */
export const startOpenShift = async (settings: OpenShiftSettings): Promise<OpenShift> => {
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.reverse().splice(0)) await closer();
  };
  try {
    const parts = await openParts(settings, closers);
    const { api, gateway, watches, documents } = parts;
    await install(api, { ...parts.where, service }, documents);
    closers.push(await startControllers(settings, parts));
    return {
      registry: parts.registry,
      outage: () => {
        watches.silent = true;
        gateway.stop(watches.ports);
      },
      restore: async () => {
        await gateway.start();
        watches.silent = false;
        for (const { name } of allGroups) await untilServed(api, name);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};

interface Parts {
  readonly api: Api;
  readonly registryClient: RegistryClient;
  readonly watches: Watches;
  readonly gateway: Listening;
  readonly documents: OpenApi;
  /** Of the internal registry. */
  readonly registry: string;
  /** Hosts with ports that speak plain HTTP. */
  readonly plain: readonly string[];
  readonly where: Omit<Where, 'service'>;
}

/** Everything that listens. */
const openParts = async (
  settings: OpenShiftSettings,
  closers: (() => Promise<void> | void)[],
): Promise<Parts> => {
  const { certificates, address = '127.0.0.1', registry: backend, internalRegistry = {} } = settings;
  const tls = await servingCertificate(certificates, address);
  const api = await openApi(settings.kubeconfig);
  closers.push(api.close);
  const plain = [backend, ...(settings.insecureRegistries ?? [])];
  const registryClient = createRegistryClient(plain);
  closers.push(registryClient.close);
  const open = async (...args: Parameters<typeof listen>): Promise<Listening> => {
    const listening = await listen(...args);
    closers.push(() => {
      listening.stop();
    });
    return listening;
  };
  const known = { name: internalRegistry.name ?? '' };
  const front = registryFront({ api, registryClient, backend, name: () => known.name });
  const { port } = await open(front, internalRegistry.address ?? '127.0.0.1', internalRegistry.port);
  if (known.name === '') known.name = `127.0.0.1:${port}`;
  plain.push(known.name);
  const watches: Watches = { ports: new Set(), silent: false };
  const ca = readFileSync(certificates.certificate('front-proxy-ca'));
  const documents: OpenApi = new Map();
  const shared = { api, registryClient, watches, documents };
  const gateway = await open(gatewayServer({ ...shared, tls: { ...tls, ca } }), address);
  const find = (namespace: string, name: string) => orUndefined(readImageStream(api, namespace, name));
  const admission = await open(admissionServer(tls, { registry: known.name, find }), address);
  const where = {
    ...{ address, port: gateway.port, admissionUrl: `https://${address}:${admission.port}/admit` },
    authority: readFileSync(certificates.certificate(authority)).toString('base64'),
  };
  return { ...shared, gateway, plain, where, registry: known.name };
};

const servingCertificate = async (
  certificates: Certificates,
  address: string,
): Promise<{ readonly cert: Buffer; readonly key: Buffer }> => {
  const name = 'openshift-apiserver';
  const names = [`DNS:${service.name}.${service.namespace}.svc`, `IP:${address}`];
  await certificates.issue({ name, user: name, names });
  return { cert: readFileSync(certificates.certificate(name)), key: readFileSync(certificates.key(name)) };
};

/** Returns what ends them. */
const startControllers = async (
  { kubeconfig, buildsRun }: OpenShiftSettings,
  { api, registryClient, plain }: Parts,
): Promise<() => Promise<void>> => {
  const connection = openConnection(loadKubeConfig({ kubeconfig }), followerName);
  const client = createClient({ connection, fieldManager: followerName });
  const followers = [
    startImports(api, client, registryClient),
    startTriggers(api, client),
    startHistory(api, client),
  ];
  const building = buildsRun
    ? await startBuildController({ kubeconfig, insecureRegistries: plain })
    : undefined;
  await Promise.all(followers.map(({ ready }) => ready));
  return async () => {
    await Promise.all([...followers.map(({ end }) => end()), building?.close()]);
    await connection.close();
  };
};

/**
 * `node test/openshift/stand-in.ts --kubeconfig FILE --pki DIRECTORY --registry HOST:PORT [--builds]
 * [--internal-registry-port PORT] [--internal-registry-address ADDRESS] [--internal-registry-name HOST:PORT]`, until
 * SIGTERM or SIGINT. A line on its standard output says that it is ready.
 */
const run = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      kubeconfig: { type: 'string' },
      pki: { type: 'string' },
      registry: { type: 'string', default: '127.0.0.1:5000' },
      builds: { type: 'boolean', default: false },
      'internal-registry-address': { type: 'string' },
      'internal-registry-port': { type: 'string' },
      'internal-registry-name': { type: 'string' },
    },
  });
  const { kubeconfig, pki, registry, builds } = values;
  if (kubeconfig === undefined || pki === undefined) throw new Error('--kubeconfig and --pki are needed');
  const { 'internal-registry-address': address, 'internal-registry-port': port, 'internal-registry-name': name } = values; // prettier-ignore
  const openShift = await startOpenShift({
    ...{ kubeconfig, registry, buildsRun: builds, certificates: certificatesIn(pki) },
    internalRegistry: {
      ...(address === undefined ? {} : { address }),
      ...(port === undefined ? {} : { port: Number(port) }),
      ...(name === undefined ? {} : { name }),
    },
  });
  process.stdout.write(`ready: internal registry ${openShift.registry}\n`);
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  await openShift.close();
};

if (import.meta.main) await run();
