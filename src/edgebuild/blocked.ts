import type { ConditionType } from '../api/conditions.ts';
import { baseStreamName } from '../engines/openshift/names.ts';
import { hasLabel, holds } from '../engines/openshift/streams.ts';
import type { ImageStream } from '../engines/openshift/types.ts';
import type { Facts, Finding, PlatformFacts } from './facts.ts';
import { factsOf } from './findings.ts';
import type { Observed } from './observe.ts';
import { lastFacts } from './platform-context.ts';

/** What is said where nothing can be done; undefined: something can. */
export const blockedFacts = (observed: Observed): Facts | undefined => {
  const { refusal, unavailable } = observed;
  if (refusal !== undefined) return factsOf(observed, [], { refusal });
  if (unavailable !== undefined) return doneBefore(observed) ?? factsOf(observed, heldUp(observed));
  const blocker = blockerOf(observed);
  return blocker && factsOf(observed, lastSeen(observed), { blocker });
};

/** What only a person can mend. */
const blockerOf = ({
  name,
  unreadable,
  takenBy,
  destination,
  outputStream: output,
  missingSecrets,
  status,
}: Observed): Facts['blocker'] => {
  const { stream, tag } = destination;
  if (unreadable !== undefined)
    return { reason: 'NotReadable', message: `${unreadable}: give the operator that right` };
  if (stream === baseStreamName(name)) {
    const message = `spec.output.imageStreamTag names ${stream}, where the base images of this EdgeBuild are: name another one`;
    return { reason: 'NameConflict', message };
  }
  if (takenBy !== undefined) {
    const message = `EdgeBuild ${takenBy} is older and writes to ${stream}:${tag}, or to a tag beside it that this one needs: name another tag in spec.output.imageStreamTag`;
    return { reason: 'OutputTaken', message };
  }
  if (output !== undefined && !isOurs(output, status?.image?.digest)) {
    const message = `ImageStream ${stream} exists and is not EdgeBuild's: name another one in spec.output.imageStreamTag, or hand it over with: oc label imagestream ${stream} app.kubernetes.io/managed-by=edgebuild`;
    return { reason: 'NameConflict', message };
  }
  const [missing] = missingSecrets;
  if (missing !== undefined) {
    const message = `Secret ${missing}, which the spec names, is not there: create it; it is noticed at once`;
    return { reason: 'SecretMissing', message };
  }
  return undefined;
};

/** Base images of another EdgeBuild have a controller; what is published has none. What was published there is ours. */
const isOurs = (stream: ImageStream, published: string | undefined): boolean => {
  const isControlled =
    stream.metadata.ownerReferences?.some(({ controller }) => controller === true) ?? false;
  const isKnown = published !== undefined && holds(stream, published);
  return !isControlled && (hasLabel(stream) || isKnown);
};

/** Nothing is seen of builds: what this generation has done already stays done. */
const doneBefore = (observed: Observed): Facts | undefined => {
  const { status, generation } = observed;
  const image = status?.image;
  const find = (type: ConditionType): Finding | undefined =>
    status?.conditions?.find((one) => one.type === type);
  if (status?.observedGeneration !== generation || find('Ready')?.status !== 'True' || image === undefined)
    return undefined;
  const [emulation, bases, deployed] = [find('EmulationReady'), find('BaseImagesReady'), find('Deployed')];
  return factsOf(observed, lastSeen(observed), {
    published: image,
    ...(emulation && { emulation }),
    ...(bases && { bases }),
    ...(deployed && { deployed }),
  });
};

const heldUp = (observed: Observed): readonly PlatformFacts[] => {
  const words = { reason: 'BuildAPIUnavailable', message: observed.unavailable ?? '' } as const;
  return observed.spec.platforms.map((platform) => ({
    ...{ platform, execution: 'Undecided', state: 'Waiting', ...words },
  }));
};

const lastSeen = ({ spec, status }: Observed): readonly PlatformFacts[] =>
  spec.platforms.map((platform) => {
    const before = status?.platforms?.find((one) => one.platform === platform);
    if (before === undefined)
      return { platform, execution: 'Undecided', state: 'Waiting', reason: 'Pending', message: 'not begun' };
    return lastFacts(before);
  });
