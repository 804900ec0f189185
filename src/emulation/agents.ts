import { emulatedNames, type EmulatedName } from '../api/architecture-names.ts';
import { type ProblemReason, problemReasons } from '../api/node-emulation-words.ts';
import type { ContainerStatus, Node, Pod } from './kinds.ts';
import { modeLabel, proverOf, removedContainer } from './desired/daemon-set.ts';

/** What is wrong, in one word and for people. */
export interface Trouble {
  readonly reason: ProblemReason;
  readonly message: string;
}

/** How one architecture stands on a node. */
export type Standing = 'Proven' | 'Starting' | Trouble;

/** What an agent's pod says, without any right of its own: by the states of its containers. */
export interface AgentFacts {
  readonly node: string;
  readonly pod: string;
  readonly mode: 'register' | 'remove';
  /** It is being deleted: nothing that it says counts any more. */
  readonly isLeaving: boolean;
  readonly standings: ReadonlyMap<EmulatedName, Standing>;
  /** Why the agent itself does not run. */
  readonly trouble: Trouble | undefined;
  /** `remove` has succeeded. */
  readonly isRemoved: boolean;
}

/** Objects of a cache are frozen, and there is one a node: each is read once. */
const known = new WeakMap<Pod, AgentFacts>();

/** Undefined for a pod that is for no node. */
export const agentOf = (pod: Pod): AgentFacts | undefined => {
  const before = known.get(pod);
  if (before !== undefined) return before;
  const agent = read(pod);
  if (agent !== undefined && Object.isFrozen(pod)) known.set(pod, agent);
  return agent;
};

const read = (pod: Pod): AgentFacts | undefined => {
  const node = nodeNameOf(pod);
  if (node === undefined) return undefined;
  const containers = pod.status?.containerStatuses ?? [];
  const standings = emulatedNames.flatMap((name) => {
    const prover = containers.find((container) => container.name === proverOf(name));
    return prover === undefined ? [] : [[name, standingOf(prover)] as const];
  });
  return {
    node,
    pod: pod.metadata.name,
    mode: pod.metadata.labels?.[modeLabel] === 'remove' ? 'remove' : 'register',
    isLeaving: pod.metadata.deletionTimestamp !== undefined,
    standings: new Map(standings),
    trouble: troubleOf(pod),
    isRemoved: containers.some(({ name, ready }) => name === removedContainer && ready === true),
  };
};

/** The DaemonSet controller binds a pod to its node by affinity, before the scheduler has. */
const nodeNameOf = ({ spec }: Pod): string | undefined => {
  if (spec?.nodeName !== undefined) return spec.nodeName;
  const affinity = spec?.affinity as
    | {
        readonly nodeAffinity?: {
          readonly requiredDuringSchedulingIgnoredDuringExecution?: {
            readonly nodeSelectorTerms?: readonly {
              readonly matchFields?: readonly { readonly key: string; readonly values?: readonly string[] }[];
            }[];
          };
        };
      }
    | undefined;
  return affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
    ?.flatMap(({ matchFields = [] }) => matchFields)
    .find(({ key }) => key === 'metadata.name')
    ?.values?.at(0);
};

const standingOf = ({ ready, state, lastState }: ContainerStatus): Standing => {
  if (ready === true) return 'Proven';
  const said = saidBy(state?.terminated) ?? saidBy(lastState?.terminated);
  return said ?? 'Starting';
};

/** The termination message of a prover: "Reason and what to do". */
const saidBy = (
  terminated: { readonly exitCode: number; readonly message?: string } | undefined,
): Trouble | undefined => {
  const [, reason, message] = /^([A-Za-z]+) (.+)$/s.exec(terminated?.message ?? '') ?? [];
  if (terminated?.exitCode !== 1 || reason === undefined || message === undefined) return undefined;
  return Object.hasOwn(problemReasons, reason) ? { reason: reason as ProblemReason, message } : undefined;
};

/** Waits that every container begins with, or that only repeat what the exit code says. */
const isUsual = (reason: string | undefined): boolean =>
  reason === undefined || reason === 'ContainerCreating' || reason === 'PodInitializing';

const troubleOf = ({ metadata, status }: Pod): Trouble | undefined => {
  const notRunning = (message: string): Trouble => ({ reason: 'AgentNotRunning', message });
  const unscheduled = status?.conditions?.find(
    ({ type, reason }) => type === 'PodScheduled' && reason === 'Unschedulable',
  );
  if (unscheduled !== undefined)
    return notRunning(`the agent cannot be scheduled: ${unscheduled.message ?? ''}`);
  if (status?.phase === 'Failed')
    return notRunning(
      `the agent was ended by its node: ${status.reason ?? ''} ${status.message ?? ''}`.trim(),
    );
  const own = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].filter(
    ({ name }) => !name.startsWith('prove-'),
  );
  const logs = `kubectl logs --namespace=${metadata.namespace ?? ''} ${metadata.name} shows more`;
  for (const { name, state, lastState } of own) {
    const ended = state?.terminated ?? (state?.waiting === undefined ? undefined : lastState?.terminated);
    if (ended !== undefined && ended.exitCode !== 0) {
      const words = ended.message?.trim() ?? ended.reason ?? '';
      return notRunning(`${name} ended with exit code ${String(ended.exitCode)}: ${words}; ${logs}`);
    }
    if (!isUsual(state?.waiting?.reason))
      return notRunning(
        `${name} waits: ${state?.waiting?.reason ?? ''} ${state?.waiting?.message ?? ''}`.trim(),
      );
  }
  return undefined;
};

export const isReady = ({ status }: Node): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;

/** What is proven on a node, now. */
export const provenOn = (node: Node, agents: readonly AgentFacts[]): ReadonlySet<EmulatedName> =>
  new Set(
    isReady(node)
      ? agents
          .filter(({ isLeaving, node: name }) => !isLeaving && name === node.metadata.name)
          .flatMap(({ standings }) => [...standings].flatMap(([name, is]) => (is === 'Proven' ? [name] : [])))
      : [],
  );
