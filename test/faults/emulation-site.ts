import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect } from '@jest/globals';
import { edgeBuilds } from '../../src/edgebuild/kinds.ts';
import { modeLabel } from '../../src/emulation/desired/daemon-set.ts';
import { labelPrefix } from '../../src/emulation/labels.ts';
import {
  agentNamespace,
  daemonSets,
  nodeEmulations,
  nodes,
  pods,
  type StoredNodeEmulation,
} from '../../src/emulation/kinds.ts';
import { createClient, type Client } from '../../src/kube/client.ts';
import { openConnection } from '../../src/kube/connection.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import { keyOf, type Kind, type KubeObject } from '../../src/kube/objects.ts';
import { createStore } from '../../src/kube/store.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { until } from '../support/until.ts';
import { type FakeNodes, startFakeNodes } from './fake-nodes.ts';

const repository = join(import.meta.dirname, '../..');

/** What matters of nodes that emulate, without times, versions and uids. */
export interface EmulationState {
  readonly emulation:
    | {
        readonly isCurrent: boolean;
        /** "True Proven" */
        readonly conditions: Readonly<Record<string, string>>;
        /** "arm64 2/2" */
        readonly architectures: readonly string[];
        /** "one arm64 HandlerForeign" */
        readonly problems: readonly string[];
      }
    | undefined;
  /** The mode of each DaemonSet, whatever its name is. */
  readonly daemonSets: readonly string[];
  /** Nodes of agents that are not being deleted. */
  readonly agents: readonly string[];
  /** "one arm64": labels of ours on nodes. */
  readonly labels: readonly string[];
}

export interface EmulationSite {
  readonly plane: ControlPlane;
  /** Nobody's faults. */
  readonly client: Client;
  readonly fakes: FakeNodes;
  readonly state: () => Promise<EmulationState>;
  /** Asserts that all ends so. */
  readonly ends: (wanted: Partial<EmulationState>) => Promise<void>;
  /** From now on: "one on", "two off". */
  readonly followLabels: () => Promise<{ readonly end: () => Promise<readonly string[]> }>;
  readonly putBuild: (name: string, platforms: readonly string[]) => Promise<void>;
  readonly dropBuild: (name: string) => Promise<void>;
  /** As an admin does. */
  readonly putEmulation: (spec: object) => Promise<KubeObject>;
  readonly uidOf: (kind: Kind, name: string) => Promise<string | undefined>;
  /** Until nothing is left of a test but its nodes. No operator may run. */
  readonly clear: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** For the machine's worst days. */
const patience = 120_000;

/** A control plane with all that the manifests install but the operator, and nodes that are none. */
export const openEmulationSite = async (): Promise<EmulationSite> => {
  const plane = await startControlPlane({
    controllers: true,
    // What would remove the taint that it gives each new node is absent (control-plane-flags.ts).
    apiServerFlags: ['--disable-admission-plugins=TaintNodesByCondition'],
  });
  const base = join(repository, 'manifests/base');
  for (const args of [
    ['apply', '-k', join(repository, 'crds')],
    ['apply', '-f', join(base, 'namespaces.yaml')],
    ['apply', '-f', join(base, 'service-accounts.yaml'), '-f', join(base, 'priority-class.yaml')],
    ['wait', '--for=condition=Established', 'crd', '--all'],
  ]) {
    const { exitCode, stderr } = await plane.kubectl(args);
    if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  }
  const connection = openConnection(loadKubeConfig({ kubeconfig: plane.kubeconfig }), 'admin');
  const client = createClient({ connection, fieldManager: 'admin' });
  const fakes = await startFakeNodes(plane.kubeconfig);
  const state = (): Promise<EmulationState> => stateOf(client);

  return {
    ...{ plane, client, fakes, state },
    ends: async (wanted) => {
      const isSo = (seen: EmulationState): boolean => isDeepStrictEqual({ ...seen, ...wanted }, seen);
      const seen = await until(state, isSo, patience);
      expect(seen).toEqual({ ...seen, ...wanted });
    },
    followLabels: () => followLabels(client),
    putBuild: async (name, platforms) => {
      const spec = { source: { dockerfile: 'FROM scratch' }, platforms };
      const metadata = { namespace: 'default', name };
      const build = { apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata, spec };
      await client.apply(edgeBuilds, build);
    },
    dropBuild: (name) => client.delete(edgeBuilds, { namespace: 'default', name }),
    putEmulation: (spec) => client.apply(nodeEmulations, emulationOf(spec)),
    uidOf: async (kind, name) =>
      (await all(client, kind)).find(({ metadata }) => metadata.name === name)?.metadata.uid,
    clear: () => clear(client),
    close: async () => {
      await fakes.end();
      await connection.close();
      await plane.stop();
    },
  };
};

const ours = ({ metadata }: KubeObject): readonly string[] =>
  Object.keys(metadata.labels ?? {}).filter((key) => key.startsWith(labelPrefix));

const followLabels = async (client: Client): ReturnType<EmulationSite['followLabels']> => {
  const stop = new AbortController();
  const seen: string[] = [];
  const store = createStore<KubeObject>(client, nodes, { fieldManager: 'none' });
  store.onChange((change) => {
    if (change.type !== 'updated') return;
    const [before, after] = [ours(change.previous).length, ours(change.object).length];
    if (before !== after) seen.push(`${change.object.metadata.name} ${after > before ? 'on' : 'off'}`);
  });
  const following = store.run(stop.signal);
  /** Until it has seen what is there now: a watch is later than a list. */
  const sees = async (): Promise<void> => {
    const isSeen = ({ metadata }: KubeObject): boolean =>
      store.get(keyOf(metadata))?.metadata.resourceVersion === metadata.resourceVersion;
    const isUpToDate = async (): Promise<boolean> => (await all(client, nodes)).every(isSeen);
    expect(await until(isUpToDate, (is) => is, patience)).toBe(true);
  };
  await sees();
  return {
    end: async () => {
      await sees();
      stop.abort();
      await following;
      return seen;
    },
  };
};

const emulationOf = (spec: object): KubeObject & { readonly spec: object } => ({
  apiVersion: 'edgebuild.io/v1alpha1',
  kind: 'NodeEmulation',
  metadata: { name: 'cluster' },
  spec,
});

const all = async <T extends KubeObject>(client: Client, kind: Kind): Promise<readonly T[]> => {
  const found: T[] = [];
  const where = kind.namespaced && kind !== edgeBuilds ? { namespace: agentNamespace } : {};
  for await (const { items } of client.list<T>(kind, where)) found.push(...items);
  return found;
};

type WithTemplate = KubeObject & {
  readonly spec: { readonly template: { readonly metadata: { readonly labels: Record<string, string> } } };
};

const stateOf = async (client: Client): Promise<EmulationState> => {
  const [emulation] = await all<StoredNodeEmulation>(client, nodeEmulations);
  const sets = await all<WithTemplate>(client, daemonSets);
  const agents = await all<KubeObject & { readonly spec: { readonly nodeName?: string } }>(client, pods);
  const everyNode = await all(client, nodes);
  return {
    emulation: emulation === undefined ? undefined : emulationState(emulation),
    daemonSets: sets.map(({ spec }) => spec.template.metadata.labels[modeLabel] ?? 'unknown'),
    agents: agents
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .flatMap(({ spec }) => spec.nodeName ?? [])
      .sort(),
    labels: everyNode
      .flatMap(({ metadata: { name, labels = {} } }) =>
        Object.keys(labels)
          .filter((key) => key.startsWith(labelPrefix))
          .map((key) => `${name} ${key.slice(labelPrefix.length)}`),
      )
      .sort(),
  };
};

const emulationState = ({
  metadata,
  status,
}: StoredNodeEmulation): NonNullable<EmulationState['emulation']> => ({
  isCurrent: status?.observedGeneration === metadata.generation,
  conditions: Object.fromEntries(
    (status?.conditions ?? []).map(({ type, status: is, reason }) => [type, `${is} ${reason}`]),
  ),
  architectures: (status?.architectures ?? []).map(
    ({ architecture, readyNodes, desiredNodes }) => `${architecture} ${readyNodes}/${desiredNodes}`,
  ),
  problems: (status?.problems ?? []).map(({ node, architecture, reason }) =>
    [node, architecture, reason].filter((word) => word !== undefined).join(' '),
  ),
});

const clear = async (client: Client): Promise<void> => {
  for (const { metadata } of await all(client, edgeBuilds)) await client.delete(edgeBuilds, metadata);
  for (const { metadata } of await all(client, nodeEmulations)) await client.delete(nodeEmulations, metadata);
  for (const { metadata } of await all(client, daemonSets)) await client.delete(daemonSets, metadata);
  const left = async (): Promise<number> => (await all(client, pods)).length;
  expect(await until(left, (count) => count === 0, patience)).toBe(0);
  for (const one of await all(client, nodes)) {
    const keys = ours(one);
    if (keys.length === 0) continue;
    const labels = Object.fromEntries(keys.map((key) => [key, null])) as unknown as Record<string, string>;
    const patch = { metadata: { name: one.metadata.name, labels } };
    await client.mergePatch(nodes, patch);
  }
};

/** How everything is on nodes that all prove it. */
export const proven = (names: readonly string[], ...architectures: readonly string[]): EmulationState => ({
  emulation: {
    isCurrent: true,
    conditions: { Ready: 'True Proven', Reconciling: 'False Proven', Stalled: 'False Proven' },
    architectures: architectures.map((name) => `${name} ${names.length}/${names.length}`),
    problems: [],
  },
  daemonSets: ['register'],
  agents: names.toSorted(),
  labels: names.flatMap((node) => architectures.map((name) => `${node} ${name}`)).sort(),
});

/** How everything is when nothing of ours is left: "True Removed", or "True NotNeeded". */
export const nothing = (ready: 'Removed' | 'NotNeeded'): EmulationState => ({
  emulation: {
    isCurrent: true,
    conditions: { Ready: `True ${ready}`, Reconciling: `False ${ready}`, Stalled: `False ${ready}` },
    architectures: [],
    problems: [],
  },
  daemonSets: [],
  agents: [],
  labels: [],
});
