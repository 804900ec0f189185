import { buildState, isOver } from '../engines/openshift/build-state.ts';
import type { Build } from '../engines/openshift/types.ts';
import type { BuildMetrics } from '../ops/metrics.ts';
import { wordsDueMs } from './build-verdict.ts';
import type { ObservedPlatform } from './observe.ts';

const results = { Succeeded: 'success', Failed: 'failure', Cancelled: 'cancelled' } as const;

/**
 * Counts builds that have ended since this process began, each once, whoever started it and whatever follows. When it
 * ended, and of what it failed, may be said later than that it did: it is counted when both are known.
 *
 * @param since milliseconds since 1970.
 */
export const countBuilds = (metrics: BuildMetrics, since: number) => {
  const counted = new Set<string>();
  const count = (build: Build, { state, reason, execution }: ReturnType<typeof buildState>): void => {
    const { startTimestamp, completionTimestamp = '' } = build.status ?? {};
    if (!(Date.parse(completionTimestamp) >= since)) return;
    if (state === 'Waiting' || state === 'Building') return;
    const ran =
      startTimestamp === undefined ? undefined : secondsBetween(startTimestamp, completionTimestamp);
    metrics.ended({ result: results[state], class: reason, execution }, ran);
    const made = build.metadata.creationTimestamp;
    if (made !== undefined && startTimestamp !== undefined)
      metrics.queued(secondsBetween(made, startTimestamp));
  };
  return ({ platforms }: { readonly platforms: readonly Seen[] }, now: string): void => {
    for (const { platform, builds, pods } of platforms)
      for (const build of builds) {
        const id = build.metadata.uid ?? build.metadata.name;
        if (!isToldInFull(build, now) || counted.has(id)) continue;
        if (counted.size >= maxCounted) counted.clear();
        counted.add(id);
        count(build, buildState(build, pods.get(build.metadata.name), platform));
      }
  };
};

type Seen = Pick<ObservedPlatform, 'platform' | 'builds' | 'pods'>;

const isToldInFull = (build: Build, now: string): boolean =>
  isOver(build) && build.status?.completionTimestamp !== undefined && wordsDueMs(build, now) === 0;

/** Far more than are kept: what is forgotten ended long ago, unless that many end within one history. */
const maxCounted = 100_000;

const secondsBetween = (from: string, to: string): number =>
  Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
