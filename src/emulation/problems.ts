import type { EmulatedName } from '../api/architecture-names.ts';
import type { NodeProblem } from '../api/node-emulation.ts';
import { type AgentFacts, isReady, provenOn } from './agents.ts';
import type { Observed } from './observe.ts';

/** What is wrong on nodes, sorted by node and architecture. */
export const problemsOf = (
  { agents, nodes }: Pick<Observed, 'agents' | 'nodes'>,
  architectures: readonly EmulatedName[],
): readonly NodeProblem[] => {
  const notReady = new Set(nodes.filter((node) => !isReady(node)).map(({ metadata }) => metadata.name));
  return agents
    .filter(({ isLeaving }) => !isLeaving)
    .flatMap((agent) =>
      notReady.has(agent.node) ? [silent(agent.node)] : problemsOfAgent(agent, architectures),
    )
    .sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
};

const keyOf = ({ node, architecture = '' }: NodeProblem): string => `${node} ${architecture}`;

const silent = (node: string): NodeProblem => ({
  node,
  reason: 'NodeNotReady',
  message: 'the node is not Ready, so nothing is known of it: see kubectl describe node',
});

const problemsOfAgent = (
  { node, trouble, standings }: AgentFacts,
  architectures: readonly EmulatedName[],
): readonly NodeProblem[] => [
  ...(trouble === undefined ? [] : [{ node, ...capped(trouble) }]),
  ...architectures.flatMap((architecture) => {
    const standing = standings.get(architecture);
    return typeof standing === 'object' ? [{ node, architecture, ...capped(standing) }] : [];
  }),
];

/** As long as the schema takes. */
const capped = <T extends { readonly message: string }>(trouble: T): T => ({
  ...trouble,
  message: trouble.message.length > 1000 ? `${trouble.message.slice(0, 1000)}…` : trouble.message,
});

/** On how many nodes each architecture is proven. */
export const readyNodesOf = ({
  agents,
  nodes,
}: Pick<Observed, 'agents' | 'nodes'>): ReadonlyMap<EmulatedName, number> => {
  const byNode = Map.groupBy(agents, ({ node }) => node);
  const counts = new Map<EmulatedName, number>();
  for (const node of nodes)
    for (const name of provenOn(node, byNode.get(node.metadata.name) ?? []))
      counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
};
