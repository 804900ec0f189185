import { type Condition, type ConditionType, conditionTypes, type Reason } from '../api/conditions.ts';
import type { Facts, Finding, PlatformFacts } from './facts.ts';

const yes = (reason: Reason, message: string): Finding => ({ status: 'True', reason, message });
const no = (reason: Reason, message: string): Finding => ({ status: 'False', reason, message });
const unknown = (reason: Reason, message: string): Finding => ({ status: 'Unknown', reason, message });

const describe = ({ platform, message }: PlatformFacts): string => `${platform}: ${message}`;
const all = (platforms: readonly PlatformFacts[]): string => platforms.map(describe).join('; ');
/** Waits for something that is not its turn: an API that is not served, for instance. */
const isHeldUp = ({ state, reason }: PlatformFacts): boolean =>
  state === 'Waiting' && reason !== 'Pending' && reason !== 'Building';
const isOver = ({ state }: PlatformFacts): boolean => state !== 'Waiting' && state !== 'Building';
const hasFailed = ({ state }: PlatformFacts): boolean => state === 'Failed';

const ofBases: readonly Reason[] = [
  'BaseImageUnavailable',
  'RegistryUnreachable',
  'BaseImageWrongArchitecture',
  'BaseImageCorrupt',
];
const ofProof: readonly Reason[] = ['VerificationFailed', 'ProofFailed', 'SmokeCommandFailed'];
/** Failures that come before base images are looked at. */
const ofBeginning: readonly Reason[] = [
  'FetchSourceFailed',
  'DockerfileInvalid',
  'NativeUnavailable',
  'EmulationUnavailable',
  'Cancelled',
];

const emulationReady = ({ platforms, emulation, emulationProven }: Facts): Finding => {
  if (emulation !== undefined) return emulation;
  const undecided = platforms.find(({ execution }) => execution === 'Undecided');
  if (undecided !== undefined)
    return unknown(undecided.reason, `where ${undecided.platform} can be built is not known yet`);
  const emulated = platforms.filter(({ execution }) => execution === 'Emulated');
  if (emulated.length === 0) return yes('EmulationNotNeeded', 'no platform is emulated');
  const names = emulated.map(({ platform }) => platform).join(', ');
  if (emulationProven) return yes('EmulationProven', `programs of ${names} ran`);
  const broken = emulated.find(({ reason }) => reason === 'EmulationUnavailable');
  if (broken !== undefined) return no('EmulationUnavailable', describe(broken));
  return unknown('Pending', `programs of ${names} were not tried yet`);
};

const baseImagesReady = ({ platforms, bases }: Facts): Finding => {
  if (bases !== undefined) return bases;
  const broken = platforms.filter(({ reason }) => ofBases.includes(reason));
  const [first] = broken;
  if (first !== undefined) return no(first.reason, all(broken));
  const early = platforms.find((one) => !isOver(one) || ofBeginning.includes(one.reason));
  if (early !== undefined) return unknown('Pending', `${early.platform}: base images were not looked at`);
  return yes('BaseImagesFound', 'every base image is of its platform');
};

const built = ({ platforms }: Facts): Finding => {
  const failed = platforms.filter((one) => one.state === 'Failed' && !ofProof.includes(one.reason));
  const [first] = failed;
  if (first !== undefined) return no(first.reason, all(failed));
  const cancelled = platforms.find(({ state }) => state === 'Cancelled');
  if (cancelled !== undefined) return no('Cancelled', describe(cancelled));
  const waiting = platforms.find((one) => !isOver(one));
  if (waiting !== undefined) return unknown(waiting.reason, describe(waiting));
  return yes('BuildComplete', `${platforms.length} of ${platforms.length} platforms`);
};

const verified = ({ platforms, spec }: Facts): Finding => {
  const failed = platforms.filter(({ reason }) => ofProof.includes(reason));
  const [first] = failed;
  if (first !== undefined) return no(first.reason, all(failed));
  const unbuilt = platforms.find(({ state }) => state !== 'Succeeded');
  if (unbuilt !== undefined) return unknown(unbuilt.reason, `${unbuilt.platform} has no image to look at`);
  if (spec.verify.architecture === 'Skip')
    return yes('VerificationSkipped', 'spec.verify.architecture is Skip');
  return yes('Verified', all(platforms));
};

const published = ({ platforms, published: image, publishFailure, isPublishing, spec }: Facts): Finding => {
  if (publishFailure !== undefined) return no(publishFailure.reason, publishFailure.message);
  const missing = platforms.filter(({ state }) => state !== 'Succeeded');
  if (image !== undefined && missing.length > 0) return yes('PartlyPublished', `without ${all(missing)}`);
  if (image !== undefined) return yes('Published', image.reference);
  if (isPublishing === true) return unknown('Publishing', 'the tag is about to move');
  if (!platforms.every(isOver)) return unknown('Pending', 'nothing is built yet');
  return no('NotPublished', `publish is ${spec.publish}: the destination is as it was`);
};

/** Only a cluster runs what was built. */
const deployed = ({ deployed: finding }: Facts): Finding | undefined => finding;

const ready = (facts: Facts): Finding => {
  if (facts.blocker !== undefined) return no(facts.blocker.reason, facts.blocker.message);
  const heldUp = facts.platforms.filter(isHeldUp);
  const [first] = heldUp;
  if (first !== undefined) return no(first.reason, all(heldUp));
  if (!facts.platforms.every(isOver)) return no('Building', 'work is under way');
  // What is built needs no emulation and no base images any more: that nodes lose theirs is nothing to it.
  const before = built(facts).status === 'True' ? [] : [emulationReady, baseImagesReady];
  const findings = [...before, built, verified, published, deployed].flatMap((of) => of(facts) ?? []);
  // What is False is a cause; what is Unknown was only not reached because of it.
  const against =
    findings.find(({ status }) => status === 'False') ?? findings.find(({ status }) => status !== 'True');
  if (against !== undefined) return no(against.reason, against.message);
  const { published: image } = facts;
  if (image === undefined) return no('NotPublished', 'nothing was published');
  return yes('Ready', image.reference);
};

const reconciling = (facts: Facts): Finding => {
  const { platforms, blocker } = facts;
  if (blocker !== undefined) return no(blocker.reason, 'nothing goes on before a person has acted');
  const running = deployed(facts);
  const busy = platforms.filter((one) => !isOver(one));
  const reason = busy.find(isHeldUp)?.reason ?? 'Building';
  if (busy.length > 0) return yes(reason, all(busy));
  if (facts.isPublishing === true && facts.published === undefined)
    return yes('Publishing', 'the tag is about to move');
  if (running?.status === 'False' && platforms.every(({ state }) => state === 'Succeeded'))
    return yes(running.reason, running.message);
  return no('Ready', 'nothing is under way');
};

const stalled = (facts: Facts): Finding => {
  const { platforms, publishFailure, blocker } = facts;
  if (blocker !== undefined) return yes(blocker.reason, blocker.message);
  const failed = platforms.filter(hasFailed);
  const [first] = failed;
  const heldUp = platforms.find(isHeldUp);
  if (heldUp !== undefined) return no(heldUp.reason, 'it goes on by itself when that has changed');
  if (!platforms.every(isOver)) return no('Building', 'work is under way');
  if (facts.isPublishing === true && facts.published === undefined)
    return no('Publishing', 'the tag is about to move');
  if (first !== undefined) return yes(first.reason, all(failed));
  if (publishFailure !== undefined) return yes(publishFailure.reason, publishFailure.message);
  if (platforms.some(({ state }) => state === 'Cancelled'))
    return no('Cancelled', 'interrupted: start it again');
  return no('Ready', 'nothing waits for a person');
};

/** Undefined: the condition does not apply. */
const findings: Readonly<Record<ConditionType, (facts: Facts) => Finding | undefined>> = {
  Ready: ready,
  Reconciling: reconciling,
  Stalled: stalled,
  EmulationReady: emulationReady,
  BaseImagesReady: baseImagesReady,
  Built: built,
  Verified: verified,
  Published: published,
  Deployed: deployed,
};

/** An object that cannot be used: nothing of it was looked at. */
const refused = (type: ConditionType, { reason, message }: NonNullable<Facts['refusal']>): Finding => {
  switch (type) {
    case 'Ready':
    case 'Reconciling':
      return no(reason, message);
    case 'Stalled':
      return yes(reason, message);
    case 'EmulationReady':
    case 'BaseImagesReady':
    case 'Built':
    case 'Verified':
    case 'Published':
    case 'Deployed':
      return unknown(reason, 'nothing was begun');
  }
};

/**
 * Every condition, from facts alone. `lastTransitionTime` moves only when a condition's status does.
 *
 * @param now RFC 3339.
 */
export const conditionsOf = (facts: Facts, previous: readonly Condition[], now: string): Condition[] =>
  (Object.keys(conditionTypes) as ConditionType[]).flatMap((type) => {
    const applies = findings[type](facts);
    const finding =
      facts.refusal === undefined || applies === undefined ? applies : refused(type, facts.refusal);
    if (finding === undefined) return [];
    const before = previous.find((condition) => condition.type === type);
    return {
      type,
      ...finding,
      observedGeneration: facts.generation,
      lastTransitionTime: before?.status === finding.status ? before.lastTransitionTime : now,
    };
  });
