import { webhookPath } from '../engines/openshift/desired/build-config.ts';
import type { Facts, Finding, PlatformFacts } from './facts.ts';
import type { Observed } from './observe.ts';
import type { PlatformPlan } from './platform-plan.ts';

/** What is known of an EdgeBuild, and what can be said of it in any case. */
export const factsOf = (
  { generation, spec, namespace, name }: Observed,
  platforms: readonly PlatformFacts[],
  more: Partial<Facts> = {},
): Facts => ({
  ...{ generation, spec, platforms, emulationProven: false },
  webhooks: spec.triggers.webhooks.flatMap(({ type }) =>
    platforms.map(({ platform }) => ({ type, platform, path: webhookPath(namespace, name, platform, type) })),
  ),
  ...more,
});

/** Whether the nodes run what is to be built. */
export const emulationFinding = (platforms: readonly PlatformPlan[]): Finding => {
  const emulated = platforms.filter(({ place }) => place.execution === 'Emulated');
  const impossible = platforms.find(({ place }) => place.execution === 'Impossible');
  if (impossible?.place.execution === 'Impossible')
    return { status: 'False', reason: impossible.place.reason, message: impossible.place.message };
  if (emulated.length === 0)
    return { status: 'True', reason: 'EmulationNotNeeded', message: 'no platform is emulated' };
  for (const { place } of emulated)
    if (place.execution === 'Emulated' && !place.isThere)
      return { status: 'False', reason: 'EmulationUnavailable', message: place.message };
  const names = emulated.map(({ facts }) => facts.platform).join(', ');
  return {
    status: 'True',
    reason: 'EmulationProven',
    message: `nodes prove that they run programs of ${names}`,
  };
};

/** Whether every base image is there, and of its platform. */
export const basesFinding = (
  { platforms: observed }: Observed,
  platforms: readonly PlatformPlan[],
): Finding => {
  const all = platforms.flatMap(({ imports }) => imports);
  const failed = all.find((one) => one.state === 'Failed');
  if (failed?.state === 'Failed') return { status: 'False', reason: failed.reason, message: failed.message };
  const pending = observed.flatMap(({ bases }, at) =>
    bases.bases.filter((_, index) => platforms[at]?.imports[index]?.state !== 'Ready'),
  );
  const [first] = pending;
  if (first !== undefined)
    return { status: 'False', reason: 'BaseImagesPending', message: `importing ${first.image}` };
  const unknown = observed.find(({ bases }) => bases.isUnknown);
  if (unknown !== undefined)
    return {
      status: 'True',
      reason: 'BaseImagesNotNamed',
      message:
        'the Dockerfile is in git, and spec.baseImages names none of its FROMs: each means what it means on the node, and the proof in the build judges what comes out',
    };
  return { status: 'True', reason: 'BaseImagesFound', message: 'every base image is of its platform' };
};
