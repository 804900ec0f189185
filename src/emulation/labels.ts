import type { EmulatedName } from '../api/architecture-names.ts';
import type { ProblemReason } from '../api/node-emulation-words.ts';
import type { Store } from '../kube/store.ts';
import type { Request } from '../runtime/controller.ts';
import type { RecordEvent } from '../runtime/events.ts';
import { done, type Outcome, waiting } from '../runtime/outcome.ts';
import { type AgentFacts, agentOf, isReady, provenOn, type Trouble } from './agents.ts';
import { type Node, nodes, type Pod, type StoredNodeEmulation } from './kinds.ts';

/** Build pods select on `emulation.edgebuild.io/<architecture>: ready`. */
export const labelPrefix = 'emulation.edgebuild.io/';
export const labelOf = (name: EmulatedName): string => `${labelPrefix}${name}`;

/** What is to be changed on a node: null takes a label off. Undefined: nothing. */
export const labelChanges = (
  node: Node,
  proven: ReadonlySet<EmulatedName>,
): Readonly<Record<string, 'ready' | null>> | undefined => {
  const { labels = {} } = node.metadata;
  const wanted = new Set([...proven].map(labelOf));
  const all = [
    ...[...wanted].filter((key) => labels[key] !== 'ready').map((key) => [key, 'ready'] as const),
    ...Object.keys(labels)
      .filter((key) => key.startsWith(labelPrefix) && !wanted.has(key))
      .map((key) => [key, null] as const),
  ];
  return all.length === 0 ? undefined : Object.fromEntries(all);
};

export interface LabelSettings {
  readonly pods: Store<Pod>;
  readonly nodeEmulations: Store<StoredNodeEmulation>;
  readonly record: RecordEvent;
  /** A node proves again what it did not, and why it did not. */
  readonly onRepair: (reason: ProblemReason) => void;
}

/** Keeps the labels of one node to what is proven on it: whoever put others there, they go. */
export const createLabelReconcile = ({ pods, nodeEmulations, record, onRepair }: LabelSettings) => {
  // Why a node lost a label: counted when it has it again.
  const lost = new Map<string, ProblemReason>();

  return async ({ object, client, log }: Request<Node>): Promise<Outcome> => {
    const emulation = nodeEmulations.list().at(0);
    if (isUnmanaged(emulation)) return done;
    if (pods.unavailable() !== undefined) return waiting('the pods of agents');

    const { name, uid } = object.metadata;
    const agents = pods.byIndex('node', name).flatMap((pod) => agentOf(pod) ?? []);
    const changes = labelChanges(object, provenOn(object, agents));
    if (changes === undefined) return done;
    const patch = { name, ...(uid && { uid }), labels: changes };
    await client.mergePatch(nodes, { metadata: patch });

    for (const [label, value] of Object.entries(changes)) {
      const architecture = label.slice(labelPrefix.length);
      const key = `${name} ${architecture}`;
      if (value === 'ready') {
        const before = lost.get(key);
        lost.delete(key);
        if (before !== undefined) onRepair(before);
        log.info('a node is labelled', { label, repaired: before });
        const note = `${name}: programs of ${architecture} run${before === undefined ? '' : ' again'}`;
        await record(client, emulation, { type: 'Normal', reason: 'Proven', action: 'Label', note });
      } else {
        const { reason, message } = whyNot(object, agents, architecture);
        lost.set(key, reason);
        log.warn('a node lost a label', { label, reason, message });
        const note = `${name}: programs of ${architecture} are not proven any more: ${message}`;
        await record(client, emulation, { type: 'Warning', reason, action: 'Unlabel', note });
      }
    }
    return done;
  };
};

const isUnmanaged = (emulation: StoredNodeEmulation | undefined): boolean =>
  (emulation?.spec as { readonly managementState?: unknown } | undefined)?.managementState === 'Unmanaged';

const whyNot = (node: Node, agents: readonly AgentFacts[], architecture: string): Trouble => {
  if (!isReady(node)) return { reason: 'NodeNotReady', message: 'the node is not Ready' };
  const agent = agents.find(({ isLeaving }) => !isLeaving);
  const standing = agent?.standings.get(architecture as EmulatedName);
  if (typeof standing === 'object') return standing;
  return (
    agent?.trouble ?? { reason: 'AgentNotRunning', message: 'its agent leaves, starts, or is not there' }
  );
};
