import type { PlatformStatus } from '../api/edgebuild.ts';
import { platformOf } from '../api/platforms.ts';
import { isWorthARetry } from '../engines/failure.ts';
import { type BuildState, buildState, isOver } from '../engines/openshift/build-state.ts';
import { stagingTag } from '../engines/openshift/names.ts';
import type { Build } from '../engines/openshift/types.ts';
import type { PlatformFacts } from './facts.ts';
import type { Place } from './nodes.ts';
import {
  type Decision,
  lastFacts,
  inputsOf,
  isLost,
  isOtherwiseLimited,
  type PlatformContext,
} from './platform-context.ts';
import { begin, heldUp, start } from './starting.ts';

/** Between a failure and the next attempt, in milliseconds: what was wrong for a moment is over then. */
const retryDelayMs = 10_000;

/** What follows from the newest build of what is wanted: how it goes, whether its image is right, whether it is tried again. */
export const ofBuild = (context: PlatformContext, build: Build): Decision => {
  const { one } = context;
  const state = buildState(build, one.pods.get(build.metadata.name), one.platform);
  const { before } = one;
  // What was found of a build that is over does not change, whatever is cleared away meanwhile.
  // Of a step that failed the Build's last words, which may come later, can say more.
  const isKnown =
    before?.build === state.name &&
    before.state === state.state &&
    before.reason !== 'DockerfileStepFailed' &&
    isOver(build);
  // But when it ended may be said later than that it did.
  const { completionTime } = state;
  const known = isKnown ? { ...lastFacts(before), ...(completionTime && { completionTime }) } : undefined;
  const facts = { ...(known ?? plainFacts(context, state)), inputs: inputsOf(build) };
  switch (state.state) {
    case 'Waiting':
    case 'Building':
    case 'Cancelled':
      return { facts };
    case 'Succeeded':
      if (before?.build === state.name && isLost(context, before)) return anew(context, before);
      return isKnown && isJudged(context, before) ? { facts } : verify(context, build, state, facts);
    case 'Failed':
      return unsaid(context, build, facts) ?? retry(context, build, facts);
  }
};

/** For how long a failed build may keep its last words to itself, in milliseconds. */
const lastWordsMs = 10_000;

/**
 * That a build failed is said before what it printed last, which is what a failure is classed by.
 *
 * @param now RFC 3339.
 * @returns for how long that may still come, in milliseconds; 0: it is classed for good.
 */
export const wordsDueMs = ({ status }: Build, now: string): number => {
  const { phase, reason = '', logSnippet, completionTimestamp = now } = status ?? {};
  const isClassed = !['DockerBuildFailed', 'FetchSourceFailed', 'PullBuilderImageFailed'].includes(reason);
  if (phase !== 'Failed' || isClassed || logSnippet !== undefined) return 0;
  return Math.max(0, Date.parse(completionTimestamp) + lastWordsMs - Date.parse(now));
};

const unsaid = ({ now }: PlatformContext, build: Build, facts: PlatformFacts): Decision | undefined => {
  const againMs = wordsDueMs(build, now);
  if (againMs === 0) return undefined;
  const message = `build ${facts.build ?? ''} has failed, and is about to say of what`;
  return { facts: { ...facts, state: 'Building', reason: 'Building', message }, againMs };
};

const plainFacts = (
  { one }: PlatformContext,
  { name, digest, startTime, completionTime, ...state }: BuildState,
): PlatformFacts => ({
  ...state,
  platform: one.platform,
  build: name,
  ...(digest === undefined ? {} : { digest }),
  ...(startTime === undefined ? {} : { startTime }),
  ...(completionTime === undefined ? {} : { completionTime }),
});

/** Its image is gone: made again, as soon as that may be. */
const anew = (context: PlatformContext, before: PlatformStatus): Decision => {
  const decision = begin(context, 'its image is gone');
  const { state, reason, message } = decision.facts;
  // What was lost stays known: by that it is seen that it is lost.
  return { ...decision, facts: { ...lastFacts(before), state, reason, message } };
};

/** Whether what is asked for was looked at. */
const isJudged = ({ observed }: PlatformContext, before: PlatformStatus | undefined): boolean =>
  before?.verified === true || (before?.verified === false && observed.spec.verify.architecture === 'Skip');

/** A build that ended well made an image: that is looked at before anybody gets it. */
const verify = (
  context: PlatformContext,
  build: Build,
  state: BuildState,
  facts: PlatformFacts,
): Decision => {
  const { observed, one } = context;
  const tag = stagingTag(observed.destination, one.platform);
  // Some builds do not say which image they made: then it is what their tag holds.
  const identity = build.metadata.uid ?? state.name;
  const pushed = observed.pushed(`${observed.namespace}/${identity}`);
  if (pushed === gone) return retry(context, build, { ...facts, ...lost(tag) });
  const digest = state.digest ?? pushed;
  const image = digest === undefined ? undefined : observed.image(digest);
  if (digest === undefined || image === undefined) {
    const pending = {
      state: 'Building',
      reason: 'VerificationPending',
      message: 'reading the built image',
    } as const;
    const { stream } = observed.destination;
    const unread = { stream, tag, build: identity, ...(digest === undefined ? {} : { digest }) };
    return { facts: { ...facts, ...pending }, unread: [unread] };
  }
  const found = { ...facts, digest, architecture: image.architecture };
  if (observed.spec.verify.architecture === 'Skip') return { facts: { ...found, verified: false } };
  const wanted = platformOf(one.platform).architecture;
  if (image.architecture === wanted) return { facts: { ...found, verified: true } };
  const message = `the image says that it is ${image.architecture}, not ${wanted}: its base image says so; name another one in spec.baseImages`;
  return { facts: { ...found, state: 'Failed', verified: false, reason: 'VerificationFailed', message } };
};

/** Said of an image that is not there. */
export const gone = 'gone';

const lost = (tag: string) =>
  ({
    state: 'Failed',
    reason: 'BuilderFailed',
    message: `the build ended well, and its image is not in the stream (${tag})`,
  }) as const;

const retry = (context: PlatformContext, build: Build, facts: PlatformFacts): Decision => {
  const { observed, now } = context;
  const { spec } = observed;
  const attempt = facts.attempt ?? 1;
  const isOther = isOtherwiseLimited(build, context.wanted);
  const isPassing = isWorthARetry(facts.reason) || lostEmulation(facts);
  if (!isOther && !(isPassing && attempt <= spec.retry.limit)) return { facts };
  const wait = heldUp(context, context.place as Exclude<Place, { readonly execution: 'Impossible' }>);
  if (wait !== undefined && wait.reason !== 'WaitingForTrigger')
    return { facts: { ...facts, state: 'Waiting', ...wait } };
  const dueMs = isOther
    ? 0
    : Date.parse(facts.completionTime ?? now) + retryDelayMs * attempt - Date.parse(now);
  const message = `${facts.message}; attempt ${attempt + 1} of ${spec.retry.limit + 1} follows`;
  if (dueMs > 0) return { facts: { ...facts, state: 'Building', message }, againMs: dueMs };
  return start(context, isOther ? 1 : attempt + 1, message);
};

/** A build starts on nodes that prove their emulation: one that then cannot run the programs has lost it. */
const lostEmulation = ({ reason, execution }: PlatformFacts): boolean =>
  reason === 'ExecFormatError' && execution === 'Emulated';
