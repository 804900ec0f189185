import type { PlatformStatus } from '../api/edgebuild.ts';
import { isOver, numberIn, numberOf } from '../engines/openshift/build-state.ts';
import { areOfSameSpec, buildConfig } from '../engines/openshift/desired/build-config.ts';
import { importedOf, type Imported } from '../engines/openshift/imported.ts';
import { baseStreamName, labelKeys, supersededAnnotation } from '../engines/openshift/names.ts';
import { archLabel } from '../engines/openshift/where.ts';
import type { Build, BuildConfig, OpenShiftObject } from '../engines/openshift/types.ts';
import { ofBuild } from './build-verdict.ts';
import type { Unread } from './images.ts';
import { type Place, placeOf } from './nodes.ts';
import type { Observed, ObservedPlatform } from './observe.ts';
import {
  type Decision,
  lastFacts,
  inputsOf,
  isLost,
  isOtherwiseLimited,
  isWanted,
  type PlatformContext,
} from './platform-context.ts';
import { begin, heldUp } from './starting.ts';

/** What is to be done for one platform, and what is known of it. */
export interface PlatformPlan extends Decision {
  readonly place: Place;
  /** Where what was built runs: stages of other platforms are no part of it. */
  readonly runs: Place;
  readonly imports: readonly Imported[];
  /** Undefined: it cannot be made yet. */
  readonly buildConfig: (BuildConfig & OpenShiftObject) | undefined;
  readonly cancel: readonly string[];
  readonly unread: readonly Unread[];
}

/**
 * What one platform needs next.
 *
 * There is one build for each {@link labelKeys.inputs}: OpenShift copies that label to each Build, whoever starts it, so
 * that builds of webhooks and of people count like our own.
 *
 * @param now RFC 3339.
 */
export const planPlatform = (observed: Observed, one: ObservedPlatform, now: string): PlatformPlan => {
  const { spec } = observed;
  const place = placeOf(one.platform, spec.execution, observed.nodes, observed.emulation, one.bases.isCross);
  const imports = one.bases.bases.map((base) => importedOf(observed.baseStream, base, observed.image));
  const unread: Unread[] = imports.flatMap((imported, index) =>
    imported.state === 'Unread'
      ? [{ stream: baseStreamName(observed.name), tag: one.bases.bases[index]?.tag ?? '' }]
      : [],
  );
  const wanted = buildConfigOf(observed, one, place, imports);
  const context: PlatformContext = {
    observed,
    one,
    place,
    imports,
    now,
    wanted,
    inputs: wanted.metadata.labels[labelKeys.inputs] ?? '',
  };
  const areBasesReady = imports.every(({ state }) => state === 'Ready');
  const isMade = one.buildConfig !== undefined || areBasesReady;
  return {
    ...{ place, imports, unread, cancel: superseded(context) },
    runs: placeOf(one.platform, spec.execution, observed.nodes, observed.emulation),
    buildConfig: isMade && place.execution !== 'Impossible' ? wanted : undefined,
    ...withUnread(unread, decide(context)),
  };
};

const withUnread = (unread: readonly Unread[], { unread: more = [], ...rest }: Decision) => ({
  ...rest,
  unread: [...unread, ...more],
});

const buildConfigOf = (
  observed: Observed,
  one: ObservedPlatform,
  place: Place,
  imports: readonly Imported[],
) =>
  buildConfig({
    ...{ name: observed.name, spec: observed.spec, platform: one.platform, bases: one.bases },
    destination: observed.destination,
    execution: place.execution === 'Impossible' ? 'Native' : place.execution,
    baseDigests: imports.map((imported) => ('digest' in imported ? imported.digest : '')),
  });

/**
 * Builds for something else than what is wanted now. What has not begun has nothing to lose, and may never begin: builds of
 * a BuildConfig run one after the other, so that the right one would wait for it for ever.
 */
const superseded = (context: PlatformContext): readonly string[] => {
  // What is wanted is not known before all base images are.
  if (context.imports.some(({ state }) => state !== 'Ready')) return [];
  const { cancelSuperseded } = context.observed.spec.triggers;
  return context.one.builds
    .filter((build) => !isOver(build) && build.status?.cancelled !== true)
    .filter((build) => {
      const isOther = !isWanted(context, inputsOf(build));
      return hasBegun(build)
        ? isOther && cancelSuperseded
        : isOther ||
            (isFollowed(context) &&
              (isOtherwiseLimited(build, context.wanted) || isElsewhere(context, build)));
    })
    .map(({ metadata }) => metadata.name);
};

/** Another build would be started now. */
const isFollowed = (context: PlatformContext): boolean =>
  context.place.execution !== 'Impossible' && heldUp(context, context.place) === undefined;

/** No node takes its pod, and it would go to nodes of another kind by now. */
const isElsewhere = ({ wanted, one }: PlatformContext, { metadata, spec }: Build): boolean =>
  spec.nodeSelector?.[archLabel] !== wanted.spec.nodeSelector?.[archLabel] &&
  (one.pods
    .get(metadata.name)
    ?.status?.conditions?.some(({ type, status }) => type === 'PodScheduled' && status === 'False') ??
    false);

const hasBegun = ({ status }: Build): boolean => !['New', 'Pending'].includes(status?.phase ?? 'New');

const decide = (context: PlatformContext): Decision => {
  const { one } = context;
  const newest = one.builds.find((build) => isWanted(context, inputsOf(build)) && counts(build, one.builds));
  const remembered = builtBefore(context) ?? rememberedOf(context, newest);
  // Builds that are over are cleared away; what they made is not, and what was wrong with them is not mended by it.
  if (remembered !== undefined) return { facts: lastFacts(remembered) };
  if (newest !== undefined && !isDropped(context, newest)) return ofBuild(context, newest);
  return begin(context, 'starting a build');
};

/** One that was to follow it was cancelled for a better one, which is not there yet. */
const isDropped = (context: PlatformContext, newest: Build): boolean =>
  context.one.builds.some(
    (build) =>
      numberOf(build) > numberOf(newest) &&
      isWanted(context, inputsOf(build)) &&
      build.status?.phase === 'Cancelled' &&
      build.metadata.annotations?.[supersededAnnotation] !== undefined,
  );

/** What was cancelled for something else, or before it, is no answer when it is wanted again. */
const counts = (build: Build, all: readonly Build[]): boolean =>
  build.status?.phase !== 'Cancelled' ||
  (build.metadata.annotations?.[supersededAnnotation] === undefined &&
    all.every((other) => numberOf(other) <= numberOf(build)));

/** While base images are imported again it is not known that they are others: what was built of the same spec stays. */
const builtBefore = (context: PlatformContext): PlatformStatus | undefined => {
  const { before } = context.one;
  const arePending = context.imports.some(({ state }) => state === 'Pending' || state === 'Unread');
  if (!arePending || before?.state !== 'Succeeded') return undefined;
  return areOfSameSpec(before.inputs ?? '', context.inputs) && !isLost(context, before) ? before : undefined;
};

/** What the status says of a later build than there is. Numbers begin anew with a BuildConfig that was made anew. */
const rememberedOf = (context: PlatformContext, newest: Build | undefined): PlatformStatus | undefined => {
  const { now } = context;
  const { before } = context.one;
  if (before?.build === undefined || !isWanted(context, before.inputs ?? '')) return undefined;
  if (before.state !== 'Succeeded' && before.state !== 'Failed') return undefined;
  const { creationTimestamp = '' } = newest?.metadata ?? {};
  const isLater =
    newest === undefined ||
    (numberIn(before.build) > numberOf(newest) && creationTimestamp <= (before.completionTime ?? now));
  return isLater && !isLost(context, before) ? before : undefined;
};
