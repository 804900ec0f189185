import type { Running } from '../engines/openshift/desired/deployment.ts';
import { runningDigest } from './deployment.ts';
import type { Observed } from './observe.ts';
import type { PlatformPlan } from './platform-plan.ts';

/** Which of what is published runs, and where. */
export type PublishedRun = Omit<Running, 'name' | 'spec' | 'deploy'>;

/** Of several platforms the first that runs on its own nodes, else the first. */
export const runOf = (
  observed: Observed,
  platforms: readonly PlatformPlan[],
  published: string | undefined,
): PublishedRun | undefined => {
  const { outputStream: stream, destination } = observed;
  if (observed.spec.deploy === undefined || published === undefined) return undefined;
  const done = platforms.flatMap(({ facts, runs }) =>
    facts.state === 'Succeeded' && facts.digest !== undefined && runs.execution !== 'Impossible'
      ? [{ platform: facts.platform, digest: facts.digest, execution: runs.execution }]
      : [],
  );
  const digest = runningDigest(observed.deployment) ?? '';
  // It is still published: that a later build of its platform has failed takes it from nobody.
  const stays = observed.index(published)?.includes(digest) === true;
  if (stays && done.every((one) => one.digest !== digest)) return undefined;
  const chosen = done.find(({ execution }) => execution === 'Native') ?? done.at(0);
  const repository = stream?.status?.dockerImageRepository;
  if (chosen === undefined || repository === undefined) return undefined;
  return {
    image: `${repository}@${chosen.digest}`,
    platform: chosen.platform,
    execution: chosen.execution,
    base: observed.platforms.find(({ platform }) => platform === chosen.platform)?.bases.lastImage,
    imageStreamTag: chosen.digest === published ? `${destination.stream}:${destination.tag}` : undefined,
  };
};
