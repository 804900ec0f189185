import type { EmulatedName } from '../api/architecture-names.ts';
import type { NodeEmulationStatus, NodeProblem } from '../api/node-emulation.ts';
import { architectureCalled } from './architectures.ts';
import { conditionsOf } from './conditions.ts';
import type { Observed } from './observe.ts';
import type { Plan } from './plan.ts';
import { problemsOf, readyNodesOf } from './problems.ts';

/** As many problems as are named; the rest is counted. */
const maxProblems = 20;
const maxKernels = 20;

/** The whole status, from what is observed and planned: one writer, once. */
export const statusOf = (
  observed: Observed,
  plan: Plan,
  refusal: string | undefined,
  now: string,
): NodeEmulationStatus => {
  const previous = observed.emulation?.status;
  // Which nodes could not be reached is known to nobody but the status itself.
  if (plan.type === 'rest' && plan.reason === 'Removed' && isNotRemoved(previous)) return previous;
  const asked = askedIn(observed, plan);
  const problems = problemsIn(observed, plan, asked);
  const architectures = architecturesOf(observed, plan, asked);
  const image = imageIn(observed, plan);
  const isShipped = image !== undefined && image === observed.shipped?.image;
  const kernels = kernelsOf(observed);
  return {
    observedGeneration: observed.emulation?.generation ?? 0,
    conditions: conditionsOf(
      plan,
      {
        generation: observed.emulation?.generation ?? 0,
        architectures,
        problems: problems.length,
        isRolledOut: observed.daemonSet?.isRolledOut ?? false,
        without: Math.max(0, (observed.daemonSet?.desiredNodes ?? 0) - observed.agents.length),
        refusal,
      },
      previous?.conditions ?? [],
      now,
    ),
    ...(image === undefined ? {} : { image }),
    ...(isShipped && observed.shipped.qemuVersion !== undefined
      ? { qemuVersion: observed.shipped.qemuVersion }
      : {}),
    ...(kernels.length === 0 ? {} : { kernelVersions: kernels }),
    ...(architectures.length === 0 ? {} : { architectures }),
    ...(problems.length === 0 ? {} : { problems: problems.slice(0, maxProblems) }),
    ...(problems.length > maxProblems ? { problemsTotal: problems.length } : {}),
  };
};

const isNotRemoved = (status: NodeEmulationStatus | undefined): status is NodeEmulationStatus =>
  status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'NotRemoved') ?? false;

const imageIn = ({ daemonSet }: Observed, plan: Plan): string | undefined => {
  switch (plan.type) {
    case 'register':
    case 'remove':
      return plan.image;
    case 'watch':
      return daemonSet?.image;
    case 'rest':
    case 'refuse':
    case 'create':
    case 'clear':
      return undefined;
  }
};

/** Unmanaged: what the agents that there are say. */
const askedIn = ({ agents }: Observed, plan: Plan): readonly EmulatedName[] => {
  if (plan.type === 'register') return plan.architectures;
  if (plan.type !== 'watch') return [];
  return [...new Set(agents.flatMap(({ standings }) => [...standings.keys()]))].sort();
};

const architecturesOf = (observed: Observed, plan: Plan, asked: readonly EmulatedName[]) => {
  const ready = readyNodesOf(observed);
  const { daemonSet, shipped } = observed;
  const isShipped = imageIn(observed, plan) === shipped?.image;
  return asked.map((architecture) => {
    const digest = isShipped ? shipped?.emulators.get(architectureCalled(architecture).name) : undefined;
    return {
      architecture,
      desiredNodes: daemonSet?.desiredNodes ?? 0,
      readyNodes: ready.get(architecture) ?? 0,
      ...(digest === undefined ? {} : { emulator: `sha256:${digest}` }),
    };
  });
};

const problemsIn = (
  observed: Observed,
  plan: Plan,
  asked: readonly EmulatedName[],
): readonly NodeProblem[] => {
  switch (plan.type) {
    case 'register':
    case 'watch':
    case 'remove':
      return problemsOf(observed, asked);
    case 'clear':
      return plan.reason === 'NotRemoved' ? plan.unreached.map(notRemoved) : [];
    case 'rest':
      // Nobody knows of them any more but this status.
      return (observed.emulation?.status?.problems ?? []).filter(({ reason }) => reason === 'NotRemoved');
    case 'refuse':
    case 'create':
      return [];
  }
};

const notRemoved = (node: string): NodeProblem => ({
  node,
  reason: 'NotRemoved',
  message: 'what was registered may be there still: restart the node, which forgets it, or remove it by hand',
});

const kernelsOf = ({ agents, nodes }: Observed): string[] => {
  const withAgent = new Set(agents.map(({ node }) => node));
  const kernels = nodes
    .filter(({ metadata }) => withAgent.has(metadata.name))
    .map(({ status }) => status?.nodeInfo?.kernelVersion ?? '');
  // Empty until a node's kubelet has spoken.
  return [...new Set(kernels)]
    .filter((kernel) => kernel !== '')
    .sort()
    .slice(0, maxKernels);
};
