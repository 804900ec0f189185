/** What becomes of a Build, seeing its pod: pure, with the words of OpenShift's build controller. */
import {
  type Build,
  type BuildStatus,
  type Condition,
  isOver,
  type Phase,
  phaseOf,
  type Pod,
} from './kinds.ts';

/** What changes in a status. Empty texts take away. */
export interface Update {
  readonly phase?: Phase;
  readonly reason?: string;
  readonly message?: string;
  readonly startTimestamp?: string;
  readonly outputDockerImageReference?: string;
}

export const transition = (phase: Phase, reason = '', message = ''): Update => ({ phase, reason, message });

const deleted = transition(
  ...([
    'Error',
    'BuildPodDeleted',
    'The pod for this build was deleted before the build completed.',
  ] as const),
);
export const podExists = transition(
  ...([
    'Error',
    'BuildPodExists',
    'The pod for this build already exists and is older than the build.',
  ] as const),
);
export const cancelled = transition('Cancelled', 'CancelledBuild', 'The build was cancelled by the user.');
const outOfMemory = transition(
  ...([
    'Failed',
    'OutOfMemoryKilled',
    'The build pod was killed due to an out of memory condition.',
  ] as const),
);

const containersOf = ({ status }: Pod) => [
  ...(status?.initContainerStatuses ?? []),
  ...(status?.containerStatuses ?? []),
];

const isOomKilled = (pod: Pod): boolean =>
  pod.status?.reason === 'OOMKilled' ||
  containersOf(pod).some(({ state }) => state?.terminated?.reason === 'OOMKilled');

/** A Build runs as soon as its source is fetched, though its pod is said to be pending until then. */
const podPhaseOf = ({ status = {} }: Pod) => {
  const { phase = 'Pending', initContainerStatuses = [] } = status;
  const fetches = initContainerStatuses.some(
    ({ name, state }) => name === 'git-clone' && (state?.running ?? state?.terminated) !== undefined,
  );
  return phase === 'Pending' && fetches ? 'Running' : phase;
};

/** Of a Build that is New, Pending or Running, and has had a pod. */
export const active = (
  build: Build,
  pod: Pod | undefined,
  hasSecret: (name: string) => boolean,
): Update | undefined => {
  if (pod === undefined) return deleted;
  const phase = phaseOf(build);
  switch (podPhaseOf(pod)) {
    case 'Pending':
      return pending(build, hasSecret);
    case 'Running': {
      const { startTime } = pod.status ?? {};
      if (phase === 'Running') return undefined;
      return { ...transition('Running'), ...(startTime === undefined ? {} : { startTimestamp: startTime }) };
    }
    case 'Succeeded':
      return transition('Complete');
    case 'Failed':
      return failed(pod);
    default:
      return undefined;
  }
};

const pending = (build: Build, hasSecret: (name: string) => boolean): Update | undefined => {
  const { pushSecret } = build.spec.output;
  if (phaseOf(build) === 'New') return transition('Pending');
  const isMissing = pushSecret !== undefined && !hasSecret(pushSecret.name);
  if (!isMissing || phaseOf(build) === 'Running' || build.status?.reason === 'MissingPushSecret')
    return undefined;
  return transition('Pending', 'MissingPushSecret', 'Missing push secret.');
};

const failed = (pod: Pod): Update => {
  if (isOomKilled(pod)) return outOfMemory;
  if (pod.status?.reason === 'Evicted')
    return transition('Failed', 'BuildPodEvicted', pod.status.message ?? '');
  if (pod.metadata.deletionTimestamp !== undefined) return deleted;
  return transition('Failed', 'GenericBuildFailed', 'Generic Build failure - check logs for details.');
};

/** Of a Build that is over: its pod may have said so, and leaves the rest to us. */
export const completed = (build: Build, pod: Pod | undefined): Update | undefined => {
  const { phase, completionTimestamp, logSnippet = '', reason } = build.status ?? {};
  if (phase === 'Failed' && pod !== undefined && isOomKilled(pod) && reason !== outOfMemory.reason)
    return outOfMemory;
  if (completionTimestamp === undefined) return {};
  return phase === 'Failed' && logSnippet === '' && snippetOf(pod) !== '' ? {} : undefined;
};

const [longestLine, mostLines] = [120, 5];

/** The last lines of what the first container that has ended said; long ones without their middle. */
export const snippetOf = (pod: Pod | undefined): string => {
  const { containerStatuses: [main] = [], initContainerStatuses = [] } = pod?.status ?? {};
  const ended =
    main?.state?.terminated ??
    initContainerStatuses.find(({ state }) => state?.terminated)?.state?.terminated;
  const lines = (ended?.message ?? '').replace(/\n+$/, '').split('\n').slice(-mostLines);
  return lines
    .map((line) =>
      Buffer.byteLength(line) > longestLine ? `${line.slice(0, 58)}...${line.slice(-59)}` : line,
    )
    .join('\n');
};

/** One condition is true: that of the phase. Each remembers when it last changed. */
const conditionsOf = (
  before: readonly Condition[],
  status: BuildStatus,
  now: string,
): readonly Condition[] => {
  const { phase, reason = '', message = '' } = status;
  const known = before.some(({ type }) => type === phase);
  const words = { ...(reason === '' ? {} : { reason }), ...(message === '' ? {} : { message }) };
  const fresh: Condition = {
    type: phase,
    status: 'True',
    lastUpdateTime: now,
    lastTransitionTime: now,
    ...words,
  };
  const kept = before.map((condition): Condition => {
    if (condition.type === phase) {
      const { lastTransitionTime } = condition.status === 'True' ? condition : fresh;
      const same =
        condition.status === 'True' &&
        condition.reason === words.reason &&
        condition.message === words.message;
      return same ? condition : { ...fresh, lastTransitionTime };
    }
    if (condition.status === 'False') return condition;
    return { type: condition.type, status: 'False', lastUpdateTime: now, lastTransitionTime: now };
  });
  return known ? kept : [...kept, fresh];
};

/**
 * The whole status after an update. What a Build that has failed said why stays, but for a pod that was out of memory.
 *
 * @param now to the second, as the API has times.
 */
export const statusAfter = (
  build: Build,
  update: Update & Partial<BuildStatus>,
  pod: Pod | undefined,
  now: string,
): BuildStatus => {
  const before: BuildStatus = { phase: phaseOf(build), output: {}, ...build.status };
  const keepsWords = before.phase === 'Failed' && update.reason !== outOfMemory.reason;
  const { reason: oldReason, message: oldMessage, ...rest } = before;
  const { reason = oldReason, message = oldMessage, ...change } = update;
  const words = keepsWords
    ? { reason: oldReason ?? '', message: oldMessage ?? '' }
    : { reason: reason ?? '', message: message ?? '' };
  const next: BuildStatus = { ...rest, ...change, ...words };
  const over = isOver(next.phase) ? { ...next, ...completion(next, pod, now) } : next;
  return { ...over, conditions: conditionsOf(before.conditions ?? [], over, now) };
};

const completion = (status: BuildStatus, pod: Pod | undefined, now: string): Partial<BuildStatus> => {
  const startTimestamp = status.startTimestamp ?? pod?.status?.startTime ?? now;
  const completionTimestamp = status.completionTimestamp ?? now;
  const duration = (Date.parse(completionTimestamp) - Date.parse(startTimestamp)) * 1_000_000;
  const isBad = status.phase === 'Failed' || status.phase === 'Error';
  const logSnippet = status.logSnippet ?? (isBad ? snippetOf(pod) : '');
  return {
    ...{ startTimestamp, completionTimestamp },
    ...(duration === 0 ? {} : { duration }),
    ...(logSnippet === '' ? {} : { logSnippet }),
  };
};
