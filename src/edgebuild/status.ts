import type { EdgeBuildStatus, PlatformStatus } from '../api/edgebuild.ts';
import { conditionsOf } from './conditions.ts';
import type { Facts, PlatformFacts } from './facts.ts';

/** The whole status, from facts alone: one writer, once. What was published before stays, if nothing newer was. */
export const statusOf = (
  facts: Facts,
  previous: EdgeBuildStatus | undefined,
  now: string,
): EdgeBuildStatus => {
  const image = facts.published ?? previous?.image;
  return {
    observedGeneration: facts.generation,
    conditions: conditionsOf(facts, previous?.conditions ?? [], now),
    ...(image === undefined ? {} : { image }),
    platforms: facts.platforms.map(platformStatus),
    ...(facts.webhooks === undefined || facts.webhooks.length === 0 ? {} : { webhooks: facts.webhooks }),
  };
};

const platformStatus = ({ execution, ...facts }: PlatformFacts): PlatformStatus => ({
  ...facts,
  ...(execution === 'Impossible' || execution === 'Undecided' ? {} : { execution }),
});
