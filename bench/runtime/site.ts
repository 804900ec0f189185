import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { edgeBuilds } from '../../src/edgebuild/kinds.ts';
import { type Client, createClient } from '../../src/kube/client.ts';
import { openConnection } from '../../src/kube/connection.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import { type Kind, keyOf, type KubeObject } from '../../src/kube/objects.ts';
import { createStore } from '../../src/kube/store.ts';
import { type ControlPlane, startControlPlane } from '../../test/cluster/control-plane.ts';

/** Where everything is measured: one control plane, and the programs that work on it. */
export interface Site {
  readonly plane: ControlPlane;
  readonly client: Client;
  readonly namespace: (name: string) => Promise<string>;
  readonly start: (who: Contender, namespace: string, count: number) => Running;
  readonly close: () => Promise<void>;
}

export type Contender = 'raw' | 'node' | 'go';
/** How the audit log names them. */
export const agents: Readonly<Record<Contender, string>> = { raw: 'raw', node: 'edgebuild', go: 'twin' };

export interface Running {
  readonly pid: number;
  /** Its caches are filled: it has said so. */
  readonly synced: Promise<void>;
  readonly end: (signal?: NodeJS.Signals) => Promise<void>;
}

const root = join(import.meta.dirname, '../..');
/** Where `make bench-runtime` compiles our programs to: what runs is what users run, not TypeScript. */
export const compiled = (name: string): string[] => [
  process.execPath,
  ...(process.env['NODE_PROFILE'] ?? '').split(' ').filter((flag) => flag !== ''),
  join(root, '.cache/bench', name),
];
const configMaps: Kind = {
  ...{ group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true },
};

const commandOf = (who: Contender, kubeconfig: string, namespace: string, count: number): string[] => {
  const flags = ['--kubeconfig', kubeconfig, '--namespace', namespace];
  switch (who) {
    case 'raw':
      return [...compiled('runtime-raw.js'), ...flags, '--count', String(count)];
    case 'node':
      return [...compiled('runtime-node.js'), ...flags];
    case 'go':
      return [join(root, '.cache/twin'), ...flags];
  }
};

export const run = ([program = '', ...args]: readonly string[]): Running => {
  const child = execa(program, args, { reject: false, buffer: false, stdout: 'pipe', stderr: 'inherit' });
  const synced = Promise.withResolvers<undefined>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (text.includes('synced')) synced.resolve(undefined);
  });
  void child.then(({ exitCode }) => {
    if (exitCode === undefined || exitCode === 0) return;
    console.error(`${program} ${args[0] ?? ''} ended with ${String(exitCode)}`);
    process.exit(1);
  });
  return {
    pid: child.pid ?? 0,
    synced: synced.promise,
    end: async (signal = 'SIGTERM'): Promise<void> => {
      child.kill(signal);
      await child;
    },
  };
};

export const openSite = async (): Promise<Site> => {
  // The log is read by position: it must not be rotated.
  const plane = await startControlPlane({ audit: true, apiServerFlags: ['--audit-log-maxsize=4000'] });
  const connection = openConnection(loadKubeConfig({ kubeconfig: plane.kubeconfig }), 'bench');
  const client = createClient({ connection, fieldManager: 'bench' });
  await plane.kubectl(['apply', '-k', join(root, 'crds')]);
  await plane.kubectl(['wait', '--for=condition=Established', 'crd/edgebuilds.edgebuild.io']);
  return {
    ...{ plane, client },
    namespace: async (name) => {
      await plane.kubectl(['create', 'namespace', name]);
      return name;
    },
    start: (who, namespace, count) => run(commandOf(who, plane.kubeconfig, namespace, count)),
    close: async () => {
      await connection.close();
      await plane.stop();
    },
  };
};

/** An object of the length of a real one. */
export const build = (namespace: string, name: string, version: number): KubeObject & { spec: object } => ({
  apiVersion: 'edgebuild.io/v1alpha1',
  kind: 'EdgeBuild',
  metadata: { namespace, name },
  spec: { source: { dockerfile: `FROM debian:bookworm-slim\nRUN echo ${String(version)}\n` } },
});

/** Objects without children. */
export const fill = async (client: Client, namespace: string, count: number): Promise<void> => {
  const names = Array.from({ length: count }, (_, index) => `b-${String(index)}`);
  const worker = async (): Promise<void> => {
    for (let name = names.pop(); name !== undefined; name = names.pop())
      await client.create(edgeBuilds, build(namespace, name, 0));
  };
  await Promise.all(Array.from({ length: 10 }, worker));
};

type Build = KubeObject & { readonly status?: { readonly observedGeneration?: number } };
const isCurrent = ({ metadata, status }: Build): boolean =>
  status?.observedGeneration === metadata.generation;

/** Follows a namespace beside the contender, the same load for each of them, and knows when all of it has converged. */
export const observe = async (client: Client, namespace: string, count: number) => {
  const stop = new AbortController();
  const builds = createStore<Build>(client, edgeBuilds, { fieldManager: 'none', namespace });
  const maps = createStore<KubeObject>(client, configMaps, { fieldManager: 'none', namespace });
  const converged = Promise.withResolvers<undefined>();
  const current = new Set<string>();
  const children = new Set<string>();
  const look = (): void => {
    if (children.size >= 3 * count && current.size >= count) converged.resolve(undefined);
  };
  builds.onChange((change) => {
    if (change.type === 'availability' || !isCurrent(change.object)) return;
    current.add(keyOf(change.object.metadata));
    look();
  });
  maps.onChange((change) => {
    if (change.type === 'availability' || change.object.metadata.ownerReferences === undefined) return;
    children.add(keyOf(change.object.metadata));
    look();
  });
  const running = Promise.all([builds.run(stop.signal), maps.run(stop.signal)]);
  await Promise.all([builds.settled(stop.signal), maps.settled(stop.signal)]);
  look();
  return {
    converged: converged.promise,
    end: async (): Promise<void> => {
      stop.abort();
      await running;
    },
  };
};

/** A namespace full of objects with children, made by the raw generator. */
export const filled = async (site: Site, name: string, count: number): Promise<string> => {
  const namespace = await site.namespace(name);
  await fill(site.client, namespace, count);
  const seen = await observe(site.client, namespace, count);
  const raw = site.start('raw', namespace, count);
  await seen.converged;
  await raw.end();
  await seen.end();
  return namespace;
};

export const residentMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]) / 1024;

/** The resident memory once it has not moved by more than 1 % in 5 s, twice in a row. */
export const settledMiB = async ({ pid, synced }: Running): Promise<number> => {
  await synced;
  let before = residentMiB(pid);
  for (let calm = 0; calm < 2;) {
    await pause(5000);
    const now = residentMiB(pid);
    calm = Math.abs(now - before) < before / 100 ? calm + 1 : 0;
    before = now;
  }
  return before;
};
