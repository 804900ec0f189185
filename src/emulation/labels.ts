import type { EmulatedName } from '../api/architecture-names.ts';
import type { ProblemReason } from '../api/node-emulation-words.ts';
import type { Store } from '../kube/store.ts';
import type { Request } from '../runtime/controller.ts';
import type { Happening, RecordEvent } from '../runtime/events.ts';
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
  readonly nodes: Store<Node>;
  readonly pods: Store<Pod>;
  readonly nodeEmulations: Store<StoredNodeEmulation>;
  readonly record: RecordEvent;
  /** A node proves again what it did not, and why it did not. */
  readonly onRepair: (reason: ProblemReason) => void;
}

/**
 * Keeps the labels of one node to what is proven on it: whoever put others there, they go.
 *
 * Events and the count of repairs follow from what this process has seen; a new leader says once more what is wrong.
 */
export const createLabelReconcile = ({
  nodes: all,
  pods,
  nodeEmulations,
  record,
  onRepair,
}: LabelSettings) => {
  // By node and architecture: why it is not proven.
  const known = new Map<string, ProblemReason>();

  return async ({ object, client, log }: Request<Node>): Promise<Outcome> => {
    const emulation = nodeEmulations.list().at(0);
    if (isUnmanaged(emulation)) return done;
    if (pods.unavailable() !== undefined) return waiting('the pods of agents');

    const { name, uid } = object.metadata;
    const agents = pods.byIndex('node', name).flatMap((pod) => agentOf(pod) ?? []);
    const changes = labelChanges(object, provenOn(object, agents));
    if (changes !== undefined) {
      const patch = { name, ...(uid && { uid }), labels: changes };
      all.learn(await client.mergePatch<Node>(nodes, { metadata: patch }));
      log.info('labels of a node changed', { labels: changes });
    }

    const happenings = [
      ...Object.entries(changes ?? {}).map(([label, value]) => {
        const architecture = label.slice(labelPrefix.length);
        return value === 'ready' ? proven(name, architecture) : lost(object, agents, architecture);
      }),
      ...troubles(object, agents),
    ];
    for (const { architecture, trouble, ...event } of happenings) {
      const key = `${name} ${architecture}`;
      const before = known.get(key);
      if (trouble !== undefined && trouble === before) continue;
      if (trouble === undefined) known.delete(key);
      else known.set(key, trouble);
      if (event.reason === 'Proven' && before !== undefined) onRepair(before);
      if (event.type === 'Warning')
        log.warn('a node is not proven', { reason: event.reason, note: event.note });
      await record(client, emulation, event);
    }
    return done;
  };
};

interface NodeHappening extends Happening {
  readonly architecture: string;
  /** What is wrong from now on; undefined: nothing. */
  readonly trouble: ProblemReason | undefined;
}

const proven = (node: string, architecture: string): NodeHappening => ({
  ...{ architecture, trouble: undefined, type: 'Normal', reason: 'Proven', action: 'Label' },
  note: `${node}: programs of ${architecture} run`,
});

/** A label went: with its agent, which is no trouble, or for a reason. */
const lost = (node: Node, agents: readonly AgentFacts[], architecture: string): NodeHappening => {
  const { name } = node.metadata;
  const agent = agents.find(({ isLeaving }) => !isLeaving);
  const standing = agent?.standings.get(architecture as EmulatedName);
  const trouble = isReady(node) ? standing : silence;
  if (typeof trouble === 'object') return failed(name, architecture, trouble);
  return {
    ...{ architecture, trouble: undefined, type: 'Normal', reason: 'AgentLeft', action: 'Unlabel' },
    note: `${name}: programs of ${architecture} are not proven while its agent is away`,
  };
};

const silence: Trouble = { reason: 'NodeNotReady', message: 'the node is not Ready' };

const failed = (node: string, architecture: string, { reason, message }: Trouble): NodeHappening => ({
  ...{ architecture, trouble: reason, type: 'Warning', reason, action: 'Prove' },
  note: `${node}: programs of ${architecture} are not proven: ${message}`,
});

/** Of agents that say why not: also where there never was a label. */
const troubles = (node: Node, agents: readonly AgentFacts[]): readonly NodeHappening[] =>
  isReady(node)
    ? agents
        .filter(({ isLeaving }) => !isLeaving)
        .flatMap(({ standings }) => [...standings])
        .flatMap(([architecture, is]) =>
          typeof is === 'object' ? [failed(node.metadata.name, architecture, is)] : [],
        )
    : [];

const isUnmanaged = (emulation: StoredNodeEmulation | undefined): boolean =>
  (emulation?.spec as { readonly managementState?: unknown } | undefined)?.managementState === 'Unmanaged';
