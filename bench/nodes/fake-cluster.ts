import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  agentName,
  agentNamespace,
  daemonSets,
  nodeEmulations,
  nodes,
  pods,
} from '../../src/emulation/kinds.ts';
import type { Pod, StoredNodeEmulation } from '../../src/emulation/kinds.ts';
import { labelOf } from '../../src/emulation/labels.ts';
import { edgeBuilds } from '../../src/edgebuild/kinds.ts';
import { type Client, createClient } from '../../src/kube/client.ts';
import { openConnection } from '../../src/kube/connection.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { type ControlPlane, startControlPlane } from '../../test/cluster/control-plane.ts';
import { type Answer, fakeNode, fakeStatus } from '../../test/faults/fake-nodes.ts';

/**
 * Nodes and agents that are none, on a real API server: so many that the real controller of DaemonSets would take longer
 * than the benchmark. What it would write, and what kubelets would, is written here.
 */
export interface FakeCluster {
  readonly plane: ControlPlane;
  readonly client: Client;
  readonly count: number;
  readonly nameOf: (index: number) => string;
  readonly addNodes: () => Promise<void>;
  /** The operator has applied it. */
  readonly daemonSet: () => Promise<AgentDaemonSet>;
  readonly addPods: () => Promise<void>;
  /** As the kubelet writes it, and then the controller of DaemonSets. */
  readonly agentSays: (index: number, answer: Answer) => Promise<void>;
  readonly heartbeat: (index: number) => Promise<void>;
  /** The reason of the NodeEmulation's condition Ready. */
  readonly ready: () => Promise<string>;
  /** How many nodes are. */
  readonly labelled: () => Promise<number>;
  readonly close: () => Promise<void>;
}

interface AgentDaemonSet extends KubeObject {
  readonly spec: {
    readonly template: { readonly metadata: object & { readonly labels: object }; readonly spec: object };
  };
}

/** As many at once as an API server answers quickly. */
const together = 40;
const forAll = async (count: number, work: (index: number) => Promise<unknown>): Promise<void> => {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: together }, worker));
};

const repository = join(import.meta.dirname, '../..');

export const openFakeCluster = async (count: number): Promise<FakeCluster> => {
  const logs = join(repository, '.cache/bench-nodes/scale-logs');
  mkdirSync(logs, { recursive: true });
  // The audit log is read by position: it must not be rotated.
  const plane = await startControlPlane({ audit: true, logs, apiServerFlags: ['--audit-log-maxsize=4000'] });
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
  const connection = openConnection(loadKubeConfig({ kubeconfig: plane.kubeconfig }), 'fake-cluster');
  const client = createClient({ connection, fieldManager: 'fake-cluster' });
  const nameOf = (index: number): string => `node-${String(index).padStart(5, '0')}`;
  const agents: Pod[] = [];
  const failing = new Set<number>();

  const daemonSet = (): Promise<AgentDaemonSet> =>
    client.get<AgentDaemonSet>(daemonSets, { namespace: agentNamespace, name: agentName });

  const writeStatus = async (index: number, answer: Answer): Promise<void> => {
    const pod = agents[index];
    if (pod === undefined) throw new Error(`there is no agent ${String(index)}`);
    const { name, namespace = '', uid = '' } = pod.metadata;
    const metadata = { namespace, name, uid };
    const status = fakeStatus(pod, () => answer);
    await client.patchStatus(pods, { apiVersion: 'v1', kind: 'Pod', metadata, status });
  };

  const writeCounts = async (ready: number): Promise<void> => {
    const { metadata } = await daemonSet();
    await client.patchStatus(daemonSets, {
      ...{ apiVersion: 'apps/v1', kind: 'DaemonSet' },
      metadata: { namespace: agentNamespace, name: agentName },
      status: {
        ...{ observedGeneration: metadata.generation, desiredNumberScheduled: count, numberMisscheduled: 0 },
        ...{ currentNumberScheduled: count, updatedNumberScheduled: count, numberReady: ready },
        ...{ numberAvailable: ready, numberUnavailable: count - ready },
      },
    });
  };

  return {
    ...{ plane, client, count, nameOf, daemonSet },
    addNodes: () => forAll(count, (index) => client.create(nodes, fakeNode(nameOf(index)))),
    addPods: async () => {
      const { metadata, spec } = await daemonSet();
      await forAll(count, async (index) => {
        const pod = podOf(metadata, spec.template, nameOf(index));
        agents[index] = await client.create<Pod>(pods, pod);
        await writeStatus(index, 'Well');
      });
      await writeCounts(count);
    },
    agentSays: async (index, answer) => {
      await writeStatus(index, answer);
      if (answer === 'Well') failing.delete(index);
      else failing.add(index);
      await writeCounts(count - failing.size);
    },
    heartbeat: async (index) => {
      const { status } = fakeNode(nameOf(index));
      const { conditions } = status as { readonly conditions: readonly object[] };
      const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: nameOf(index) }, status: { conditions } };
      await client.patchStatus(nodes, node);
    },
    ready: async () => {
      const { status } = await client.get<StoredNodeEmulation>(nodeEmulations, { name: 'cluster' });
      return status?.conditions?.find(({ type }) => type === 'Ready')?.reason ?? '';
    },
    labelled: async () => {
      let found = 0;
      for await (const { items } of client.list(nodes, { labelSelector: `${labelOf('arm64')}=ready` }))
        found += items.length;
      return found;
    },
    close: async () => {
      await connection.close();
      await plane.stop();
    },
  }; // prettier-ignore
};

export const askForArm64 = async (client: Client): Promise<void> => {
  await client.apply(edgeBuilds, {
    ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata: { namespace: 'default', name: 'web' } },
    spec: { source: { dockerfile: 'FROM scratch' }, platforms: ['linux/arm64'] },
  } as KubeObject); // prettier-ignore
};

/** Until it is so; how long that took, in milliseconds. */
export const when = async (look: () => Promise<boolean>, patienceMs = 1_800_000): Promise<number> => {
  const began = performance.now();
  for (;;) {
    if (await look().catch(() => false)) return performance.now() - began;
    if (performance.now() - began > patienceMs) throw new Error('what was waited for did not come');
    await pause(500);
  }
};

/** As the controller of DaemonSets makes it, bound already. */
const podOf = (
  { uid = '' }: KubeObject['metadata'],
  template: AgentDaemonSet['spec']['template'],
  node: string,
): KubeObject & { readonly spec: object } => {
  const values = [node];
  const exists = (key: string, effect: string): object => ({ key, operator: 'Exists', effect });
  const pressures = ['disk-pressure', 'memory-pressure', 'pid-pressure', 'unschedulable'];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...template.metadata,
      ...{ namespace: agentNamespace, name: `${agentName}-${node}` },
      labels: {
        ...template.metadata.labels,
        ...{ 'controller-revision-hash': '7d9f8c6b5', 'pod-template-generation': '1' },
      },
      ownerReferences: [
        {
          ...{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: agentName, uid },
          ...{ controller: true, blockOwnerDeletion: true },
        },
      ],
    },
    spec: {
      ...template.spec,
      nodeName: node,
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values }] }],
          },
        },
      },
      tolerations: [
        ...['not-ready', 'unreachable'].map((key) => exists(`node.kubernetes.io/${key}`, 'NoExecute')),
        ...pressures.map((key) => exists(`node.kubernetes.io/${key}`, 'NoSchedule')),
      ],
    },
  };
};
