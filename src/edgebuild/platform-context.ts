import type { Reason } from '../api/conditions.ts';
import type { PlatformStatus } from '../api/edgebuild.ts';
import { areOfSameSpec } from '../engines/openshift/desired/build-config.ts';
import type { Imported } from '../engines/openshift/imported.ts';
import { labelKeys, limitsLabel } from '../engines/openshift/names.ts';
import { holds } from '../engines/openshift/streams.ts';
import type { Build, BuildConfig, OpenShiftObject } from '../engines/openshift/types.ts';
import type { PlatformFacts } from './facts.ts';
import type { Unread } from './images.ts';
import type { Place } from './nodes.ts';
import type { Observed, ObservedPlatform } from './observe.ts';

/** What a decision on one platform looks at. */
export interface PlatformContext {
  readonly observed: Observed;
  readonly one: ObservedPlatform;
  readonly place: Place;
  readonly imports: readonly Imported[];
  /** As it is applied before a build is started. */
  readonly wanted: BuildConfig;
  readonly inputs: string;
  readonly now: string;
}

/** A build to be started, unless its BuildConfig has made another one since the newest that is seen. */
export interface Start {
  readonly buildConfig: string;
  /** The number of the newest Build that is seen; 0: there is none. */
  readonly newest: number;
  readonly attempt: number;
}

/** What was decided: what is so, and the one thing to be done now. */
export interface Decision {
  readonly facts: PlatformFacts;
  readonly start?: Start;
  readonly unread?: readonly Unread[];
  /** Look again after this time, in milliseconds. */
  readonly againMs?: number;
}

/** From what something was, or is to be, built. */
export const inputsOf = ({ metadata }: OpenShiftObject): string => metadata.labels?.[labelKeys.inputs] ?? '';

/** Whether something is what is wanted now. Who wants no build for a newer base image takes any. */
export const isWanted = ({ observed, inputs }: PlatformContext, made: string): boolean =>
  observed.spec.triggers.onBaseImageChange ? made === inputs : areOfSameSpec(made, inputs);

/** Time or resources were changed since: for a build that failed for want of them it is another one. */
export const isOtherwiseLimited = (build: Build, config: BuildConfig): boolean => {
  const [then, now] = [build, config].map((one) => one.metadata.labels?.[limitsLabel]);
  return then !== undefined && now !== undefined && then !== now;
};
/** It was published once, and its ImageStream has it no more: somebody deleted that. */
export const isLost = (
  { observed }: PlatformContext,
  { digest, completionTime = '' }: PlatformStatus,
): boolean => {
  const published = observed.status?.image;
  return (
    digest !== undefined &&
    published !== undefined &&
    published.publishedAt >= completionTime &&
    !holds(observed.outputStream, digest)
  );
};

/** As facts have them. */
export const words = ({ reason, message }: { readonly reason: Reason; readonly message: string }) => ({
  reason,
  message,
});

/** Of a platform of which there is no build. */
export const bare = ({ one, place }: PlatformContext): Pick<PlatformFacts, 'platform' | 'execution'> => ({
  platform: one.platform,
  execution: place.execution,
});

/** What the status says of a platform. */
export const lastFacts = ({ execution, ...before }: PlatformStatus): PlatformFacts => ({
  ...before,
  execution: execution ?? 'Undecided',
});
