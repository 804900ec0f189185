import type { EdgeBuildStatus, PlatformStatus } from '../api/edgebuild.ts';
import type { Happening } from '../runtime/events.ts';

/** What a person should be told of once: the difference between one status and the next. */
export const happeningsOf = (
  status: EdgeBuildStatus,
  before: EdgeBuildStatus | undefined,
): readonly Happening[] => [
  ...(status.platforms ?? []).flatMap((platform) =>
    ofPlatform(
      platform,
      before?.platforms?.find((one) => one.platform === platform.platform),
    ),
  ),
  ...ofImage(status, before),
  ...ofStall(status, before),
];

const ofPlatform = (now: PlatformStatus, before: PlatformStatus | undefined): readonly Happening[] => {
  const { platform, state, build = '', message } = now;
  const isNews = before?.state !== state || before.build !== now.build;
  if (!isNews || now.build === undefined) return [];
  const note = `${platform}: ${message}`;
  switch (state) {
    case 'Building':
      if (before?.build === now.build) return [];
      return [
        { type: 'Normal', reason: 'BuildStarted', action: 'Build', note: `${platform}: build ${build}` },
      ];
    case 'Succeeded':
      return [{ type: 'Normal', reason: 'BuildSucceeded', action: 'Build', note }];
    case 'Failed':
      return [{ type: 'Warning', reason: now.reason, action: 'Build', note }];
    case 'Cancelled':
      return [{ type: 'Normal', reason: 'BuildCancelled', action: 'Build', note }];
    case 'Waiting':
      return [];
  }
};

const ofImage = ({ image }: EdgeBuildStatus, before: EdgeBuildStatus | undefined): readonly Happening[] =>
  image === undefined || image.digest === before?.image?.digest
    ? []
    : [{ type: 'Normal', reason: 'Published', action: 'Publish', note: image.reference }];

/** What waits for a person, unless a platform has said it. */
const ofStall = (
  { conditions, platforms }: EdgeBuildStatus,
  before: EdgeBuildStatus | undefined,
): readonly Happening[] => {
  const find = (status: EdgeBuildStatus | undefined) =>
    status?.conditions?.find(({ type, status: is }) => type === 'Stalled' && is === 'True');
  const stalled = find({ ...(conditions && { conditions }) });
  if (stalled === undefined || stalled.reason === find(before)?.reason) return [];
  if (platforms?.some(({ state, build }) => state === 'Failed' && build !== undefined) === true) return [];
  return [{ type: 'Warning', reason: stalled.reason, action: 'Reconcile', note: stalled.message }];
};
