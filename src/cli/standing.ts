import type { StoredEdgeBuild } from '../edgebuild/kinds.ts';
import type { EdgeBuildStatus, PlatformStatus } from '../api/edgebuild.ts';
import type { ConditionType } from '../api/conditions.ts';

/** How an EdgeBuild of a cluster stands, in one word. */
export type Verdict =
  /** It is being deleted. */
  | 'Deleting'
  /** The operator has not looked at it, ever. */
  | 'Unseen'
  /** The operator has not looked at its latest change. */
  | 'Outdated'
  | 'Ready'
  /** Nothing goes on before a person has acted. */
  | 'Stalled'
  /** Held up by something that is not done yet. */
  | 'Waiting'
  | 'Working'
  /** Not ready, and nothing is under way. */
  | 'Over';

export type StatusCondition = NonNullable<EdgeBuildStatus['conditions']>[number];

export const conditionOf = ({ status }: StoredEdgeBuild, type: ConditionType): StatusCondition | undefined =>
  status?.conditions?.find((one) => one.type === type);

/** What was found of an older generation counts for nothing. */
export const verdictOf = (object: StoredEdgeBuild): Verdict => {
  const { metadata, status } = object;
  const is = (type: ConditionType): boolean => conditionOf(object, type)?.status === 'True';
  if (metadata.deletionTimestamp !== undefined) return 'Deleting';
  if (status?.conditions === undefined) return 'Unseen';
  if (status.observedGeneration !== metadata.generation) return 'Outdated';
  if (is('Ready')) return 'Ready';
  if (is('Stalled')) return 'Stalled';
  if (!is('Reconciling')) return 'Over';
  return (status.platforms ?? []).some(isHeldUp) ? 'Waiting' : 'Working';
};

const isHeldUp = ({ state, reason }: PlatformStatus): boolean =>
  state === 'Waiting' && !['Pending', 'Building', 'BaseImagesPending'].includes(reason);

/** It is as it will be: nothing more comes by itself. */
export const isSettled = (verdict: Verdict): boolean => ['Ready', 'Stalled', 'Over'].includes(verdict);
