import {
  type EmulationConditionType,
  emulationConditionTypes,
  type EmulationReason,
} from '../api/node-emulation-words.ts';
import type { NodeEmulationStatus } from '../api/node-emulation.ts';
import type { Plan } from './plan.ts';

type Condition = NonNullable<NodeEmulationStatus['conditions']>[number];
type Finding = Pick<Condition, 'status' | 'reason' | 'message'>;

/** What conditions are made from, beside the plan. */
export interface Findings {
  readonly generation: number;
  readonly architectures: NonNullable<NodeEmulationStatus['architectures']>;
  readonly problems: number;
  /** Every agent is of the latest DaemonSet. */
  readonly isRolledOut: boolean;
  /** Nodes that should have an agent, and have not got one yet. */
  readonly without: number;
  /** What the API server said when it refused the DaemonSet. */
  readonly refusal: string | undefined;
}

const yes = (reason: EmulationReason, message: string): Finding => ({ status: 'True', reason, message });
const no = (reason: EmulationReason, message: string): Finding => ({ status: 'False', reason, message });

/** "arm64 2/3, s390x 3/3" */
const counts = ({ architectures }: Findings): string =>
  architectures
    .map(({ architecture, readyNodes, desiredNodes }) => `${architecture} ${readyNodes}/${desiredNodes}`)
    .join(', ');

const atRest = (reason: 'NotNeeded' | 'Removed'): string =>
  reason === 'Removed'
    ? 'nothing of EdgeBuild is left on the nodes'
    : 'no EdgeBuild needs emulation, and spec.architectures is empty';

const proof = (found: Findings): Finding => {
  const { architectures, problems, isRolledOut, refusal } = found;
  if (refusal !== undefined) return no('AgentRefused', refusal);
  if (architectures.every(({ desiredNodes }) => desiredNodes === 0))
    return isRolledOut
      ? no('NoNodes', 'no node is of linux/amd64 and matches spec.nodeSelector')
      : no('Starting', counts(found));
  const isProven = architectures.every(({ readyNodes, desiredNodes }) => readyNodes >= desiredNodes);
  if (isProven && problems === 0) return yes('Proven', counts(found));
  return no(problems > 0 ? 'NodesNotProven' : 'Starting', `${counts(found)}${lacking(found)}`);
};

const lacking = ({ without }: Findings): string =>
  without === 0
    ? ''
    : `; ${without} nodes without agent: see kubectl describe daemonset --namespace=edgebuild-node`;

const ready = (plan: Plan, found: Findings): Finding => {
  switch (plan.type) {
    case 'rest':
      return yes(plan.reason, atRest(plan.reason));
    case 'watch':
      return { status: 'Unknown', reason: 'Unmanaged', message: counts(found) };
    case 'refuse':
      return no(plan.reason, plan.message);
    case 'create':
      return no('Starting', 'being created');
    case 'register':
      return proof(found);
    case 'remove':
      return no('Removing', `waits for ${plan.left.length} nodes`);
    case 'clear':
      return plan.reason === 'NotRemoved'
        ? no('NotRemoved', `not reached: ${named(plan.unreached)}`)
        : yes(plan.reason, atRest(plan.reason));
  }
};

const named = (nodes: readonly string[]): string =>
  nodes.length > 5 ? `${nodes.slice(0, 5).join(', ')} and ${nodes.length - 5} more` : nodes.join(', ');

const reconciling = (plan: Plan, found: Findings): Finding => {
  const { status, reason, message } = ready(plan, found);
  const isBusy =
    plan.type === 'remove' ||
    plan.type === 'create' ||
    (plan.type === 'register' &&
      found.refusal === undefined &&
      (reason === 'Starting' || !found.isRolledOut));
  if (isBusy) return yes(reason === 'Proven' ? 'Starting' : reason, message);
  return no(reason, status === 'True' ? 'nothing is under way' : message);
};

const stalled = (plan: Plan, found: Findings): Finding => {
  const { status, reason, message } = ready(plan, found);
  const waitsForPerson =
    plan.type === 'refuse' || reason === 'AgentRefused' || reason === 'NoNodes' || reason === 'NotRemoved';
  return waitsForPerson
    ? yes(reason, message)
    : no(reason, status === 'True' ? 'nothing waits for a person' : message);
};

const conditionFunctions: Readonly<Record<EmulationConditionType, (plan: Plan, found: Findings) => Finding>> =
  {
    Ready: ready,
    Reconciling: reconciling,
    Stalled: stalled,
  };

/** Every condition. `lastTransitionTime` moves only when a condition's status does. */
export const conditionsOf = (
  plan: Plan,
  found: Findings,
  previous: readonly Condition[],
  now: string,
): Condition[] =>
  (Object.keys(emulationConditionTypes) as EmulationConditionType[]).map((type) => {
    const finding = conditionFunctions[type](plan, found);
    const before = previous.find((condition) => condition.type === type);
    return {
      type,
      ...finding,
      observedGeneration: found.generation,
      lastTransitionTime: before?.status === finding.status ? before.lastTransitionTime : now,
    };
  });
