import { proverOf } from '../../src/emulation/desired/daemon-set.ts';
import type { EmulatedName } from '../../src/api/architecture-names.ts';
import type { ProblemReason } from '../../src/api/node-emulation-words.ts';
import { agentNamespace, nodes, type Pod, pods } from '../../src/emulation/kinds.ts';
import { createClient, type Client } from '../../src/kube/client.ts';
import { openConnection, type Connection } from '../../src/kube/connection.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { createStore } from '../../src/kube/store.ts';

/** How the fake agent of a node stands, or that of one architecture on it. */
export type Answer =
  /** Foreign programs run, or: all was taken away. */
  | 'Well'
  /** Its containers run, and have said nothing yet. */
  | 'Starting'
  /** What its prover ended with. */
  | { readonly reason: ProblemReason; readonly message: string }
  /** The agent's own container ends with this message again and again. */
  | { readonly crash: string }
  /** Nothing on the node answers: its pods neither change nor go. */
  | 'Dead';

/**
 * Nodes that are none, on a real API server: Node objects, and for all of them one fake kubelet. It runs nothing: it
 * writes to the status of agents' pods what a kubelet would, and lets pods go that are deleted.
 */
export interface FakeNodes {
  readonly add: (name: string, options?: FakeNodeOptions) => Promise<void>;
  readonly setReady: (name: string, isReady: boolean) => Promise<void>;
  /** From now on; without an architecture the answer is that of all. */
  readonly says: (name: string, answer: Answer, architecture?: EmulatedName) => void;
  readonly remove: (name: string) => Promise<void>;
  readonly end: () => Promise<void>;
}

export interface FakeNodeOptions {
  readonly architecture?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly isReady?: boolean;
}

const readyCondition = (isReady: boolean): object => ({
  ...{ type: 'Ready', status: isReady ? 'True' : 'Unknown', reason: 'Fake', message: 'a fake node' },
  ...{ lastHeartbeatTime: new Date().toISOString(), lastTransitionTime: new Date().toISOString() },
});

/** With as much in it as a real one has, but for images and annotations. */
export const fakeNode = (
  name: string,
  { architecture = 'amd64', labels = {}, isReady = true }: FakeNodeOptions = {},
): KubeObject & { readonly status: object } => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name,
    labels: {
      ...{ 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': architecture, 'kubernetes.io/hostname': name },
      ...labels,
    },
  },
  status: {
    conditions: [readyCondition(isReady)],
    capacity: { cpu: '4', memory: '8Gi', pods: '110' },
    allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
    nodeInfo: {
      ...{ machineID: name, systemUUID: name, bootID: name, osImage: 'fake', architecture },
      ...{ kernelVersion: '6.1.0-fake', operatingSystem: 'linux', containerRuntimeVersion: 'fake://1' },
      ...{ kubeletVersion: 'v1.36.3', kubeProxyVersion: '' },
    },
  },
});

const provers = 'prove-';
const failing = { exitCode: 1, reason: 'Error' } as const;

interface AgentPod extends Pod {
  readonly spec: {
    readonly nodeName?: string;
    readonly containers: readonly { readonly name: string; readonly image: string }[];
    readonly initContainers?: readonly { readonly name: string; readonly image: string }[];
  };
}

/** `status` of an agent's pod, as a kubelet would write it. */
export const fakeStatus = (pod: Pod, answerOf: (container: string) => Answer): object => {
  const { containers, initContainers = [] } = (pod as AgentPod).spec;
  const all = containers.map(({ name, image }) => {
    const answer = answerOf(name);
    const isProver = name.startsWith(provers);
    const base = { name, image, imageID: image, restartCount: 0, started: true };
    const running = { state: { running: {} } };
    if (typeof answer !== 'object') {
      const isReady = answer === 'Well' || (answer === 'Starting' && !isProver && name === 'agent');
      return { ...base, ready: isReady, ...running };
    }
    if ('crash' in answer) {
      if (isProver) return { ...base, ready: false, ...running };
      const lastState = { terminated: { ...failing, exitCode: 2, message: answer.crash } };
      const state = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off restarting' } };
      return { ...base, ready: false, restartCount: 1, state, lastState };
    }
    if (!isProver) return { ...base, ready: true, ...running };
    const message = `${answer.reason} ${answer.message}`;
    return { ...base, ready: false, restartCount: 1, ...running, lastState: { terminated: { ...failing, message } } };
  }); // prettier-ignore
  return {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: all.every(({ ready }) => ready) ? 'True' : 'False' }],
    containerStatuses: all,
    ...(initContainers.length === 0
      ? {}
      : {
          initContainerStatuses: initContainers.map(({ name, image }) => ({
            ...{ name, image, imageID: image, restartCount: 0, ready: true, started: false },
            state: { terminated: { exitCode: 0, reason: 'Completed' } },
          })),
        }),
  };
};

export const startFakeNodes = async (kubeconfig: string): Promise<FakeNodes> => {
  const connection = openConnection(loadKubeConfig({ kubeconfig }), 'fake-kubelet');
  const client = createClient({ connection, fieldManager: 'fake-kubelet' });
  const stop = new AbortController();
  const names = new Set<string>();
  const answers = new Map<string, Answer>();
  const store = createStore<Pod>(client, pods, {
    ...{ fieldManager: 'fake-kubelet', namespace: agentNamespace },
    indexes: { node: ({ spec }) => (spec?.nodeName === undefined ? [] : [spec.nodeName]) },
  });
  const written = new Map<string, string>();
  // One after the other for each pod, so that the last answer is the last that is written.
  const chains = new Map<string, Promise<void>>();

  const answerOf = (node: string, container: string): Answer => {
    const own = [...answers].find(([key]) => {
      const [of, name] = key.split(' ');
      return of === node && name !== undefined && proverOf(name as EmulatedName) === container;
    });
    return own?.[1] ?? answers.get(node) ?? 'Well';
  };

  const look = async (key: string): Promise<void> => {
    const pod = store.get(key);
    const node = pod?.spec?.nodeName;
    if (pod === undefined || node === undefined || !names.has(node) || answers.get(node) === 'Dead') return;
    const { name, namespace = '', uid = '' } = pod.metadata;
    if (pod.metadata.deletionTimestamp !== undefined) {
      await deleteNow(connection, { namespace, name, uid });
      return;
    }
    const status = fakeStatus(pod, (container) => answerOf(node, container));
    const text = JSON.stringify(status);
    if (written.get(uid) === text) return;
    const metadata = { namespace, name, uid };
    await client.patchStatus(pods, { apiVersion: 'v1', kind: 'Pod', metadata, status });
    written.set(uid, text);
  };

  const lookLater = (key: string): void => {
    const before = chains.get(key) ?? Promise.resolve();
    // It is gone, or another than it was: the watch tells.
    chains.set(key, before.then(() => look(key)).catch(() => undefined)); // prettier-ignore
  };
  store.onChange((change) => {
    if (change.type === 'added' || change.type === 'updated')
      lookLater(`${agentNamespace}/${change.object.metadata.name}`);
  });
  const following = store.run(stop.signal);
  await store.settled(stop.signal);

  return {
    add: async (name, options) => {
      names.add(name);
      await client.create(nodes, fakeNode(name, options));
    },
    setReady: async (name, isReady) => {
      const status = { conditions: [readyCondition(isReady)] };
      await client.patchStatus(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name }, status });
    },
    says: (name, answer, architecture) => {
      answers.set(architecture === undefined ? name : `${name} ${architecture}`, answer);
      for (const { metadata } of store.byIndex('node', name)) lookLater(`${agentNamespace}/${metadata.name}`);
    },
    remove: async (name) => {
      names.delete(name);
      for (const key of [...answers.keys()]) if (key.split(' ')[0] === name) answers.delete(key);
      await removeNode(client, connection, name, store.byIndex('node', name));
    },
    end: async () => {
      stop.abort();
      await following;
      await Promise.all(chains.values());
      await connection.close();
    },
  };
};

/** As a kubelet when all of a pod has ended: without any grace. */
const deleteNow = async (
  connection: Connection,
  { namespace, name, uid }: { readonly namespace: string; readonly name: string; readonly uid: string },
): Promise<void> => {
  const options = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, preconditions: { uid } };
  const answer = await connection.send({
    ...{ method: 'DELETE', path: `/api/v1/namespaces/${namespace}/pods/${name}`, words: 'delete a pod' },
    ...{ headers: { 'content-type': 'application/json' }, body: JSON.stringify(options), silenceMs: 30_000 },
  });
  await answer.body.text();
};

const removeNode = async (
  client: Client,
  connection: Connection,
  name: string,
  orphans: readonly Pod[],
): Promise<void> => {
  await client.delete(nodes, { name });
  for (const { metadata } of orphans)
    await deleteNow(connection, {
      namespace: metadata.namespace ?? '',
      name: metadata.name,
      uid: metadata.uid ?? '',
    });
};
