import type { EdgeBuild } from '../api/edgebuild.ts';
import { platformOf, type PlatformName } from '../api/platforms.ts';
import type { Destination } from '../engines/local/destinations.ts';
import { BuildFailure, isWorthARetry } from '../engines/failure.ts';
import { type LocalEngine, openLocalEngine, thisMachine } from '../engines/local/engine.ts';
import type { Progress, Report } from '../engines/progress.ts';
import { type ExecutionPlan, planExecution } from './execution.ts';
import type { Facts } from './facts.ts';
import {
  factsOf,
  failed,
  impossible,
  isImpossible,
  type PlatformOutcome,
  type Possible,
  succeeded,
} from './outcome.ts';
import { publishable } from './publication.ts';
import { statusOf } from './status.ts';

export type { Destination } from '../engines/local/destinations.ts';
export type { PlatformOutcome } from './outcome.ts';
export { pruneCache } from '../engines/local/prune.ts';

export interface LocalBuildOptions {
  readonly edgeBuild: EdgeBuild;
  readonly destination: Destination;
  /** `--base TEXT=REF`: what stands after FROM, and the containers-transports reference to use for it. */
  readonly bases: ReadonlyMap<string, string>;
  /** `--context DIR`: a folder of the machine instead of `spec.source.git`. */
  readonly context?: string;
  /** How many platforms are built at once; at least 1. */
  readonly jobs: number;
  readonly noCache: boolean;
  /** `--authfile`, for pulls and the push; default: the user's own. */
  readonly authfile?: string;
  readonly cacheDirectory: string;
  /** The whole environment of git and skopeo. */
  readonly environment: Readonly<Record<string, string>>;
  /** Interrupts: everything ends within 10 s, and the outcome's state is Cancelled. */
  readonly signal: AbortSignal;
  readonly report: Report;
}

export interface LocalBuildOutcome {
  /** The object, status filled as a cluster would show it. */
  readonly edgeBuild: EdgeBuild;
  readonly platforms: readonly PlatformOutcome[];
  /** Everything asked was built, verified and published. */
  readonly ready: boolean;
}

/**
 * Builds one EdgeBuild on this machine: plan, build, verify, publish, report.
 *
 * @throws EnvironmentError if the machine lacks something. Any other failure is in the outcome.
 */
export const buildOnThisMachine = async (options: LocalBuildOptions): Promise<LocalBuildOutcome> => {
  const { spec } = options.edgeBuild;
  const machines = { native: new Set([thisMachine().name]), where: 'this machine' };
  const plans = spec.platforms.map((name) => planExecution(platformOf(name), spec.execution, machines));
  const emulated = plans.filter(({ execution }) => execution === 'Emulated').map(({ platform }) => platform);
  const watched = remembering(options.report);
  let engine: LocalEngine | undefined;
  let emulationProven = false;
  try {
    engine = await openLocalEngine({ ...options, spec, report: watched.report });
    await engine.proveEmulation(emulated);
    emulationProven = true;
    await fetchSource(engine, options);
    const outcomes = await buildAll(engine, plans, { ...options, last: watched.last });
    for (const text of engine.unusedBases()) {
      options.report({ kind: 'warning', text: `--base ${text}: no FROM of the Dockerfile is ${text}` });
    }
    return await publishAndReport(engine, outcomes, options);
  } catch (error) {
    const failure = failureOf(error, options.signal);
    const outcomes = plans.map((plan) => (isImpossible(plan) ? impossible(plan) : failed(plan, failure, {})));
    return report(outcomes, { emulationProven }, options);
  } finally {
    await engine?.close();
  }
};

/** What ended a build, as a failure; errors that are nobody's input are thrown on. */
const failureOf = (error: unknown, interrupt: AbortSignal): BuildFailure => {
  if (interrupt.aborted) return new BuildFailure('Cancelled', 'interrupted');
  if (error instanceof BuildFailure) return error;
  if ((error as NodeJS.ErrnoException | null)?.code === 'ENOSPC') {
    return new BuildFailure('DiskFull', `no space is left: ${(error as Error).message}`);
  }
  throw error;
};

/** `timeoutSeconds`, told apart from an interruption. */
const timeLimit = ({ edgeBuild, signal }: LocalBuildOptions) => {
  const timeout = AbortSignal.timeout(edgeBuild.spec.timeoutSeconds * 1000);
  return {
    signal: AbortSignal.any([signal, timeout]),
    isOver: (): boolean => timeout.aborted && !signal.aborted,
  };
};

const fetchSource = async (engine: LocalEngine, options: LocalBuildOptions): Promise<void> => {
  const limit = timeLimit(options);
  try {
    await engine.fetchSource(limit.signal);
  } catch (error) {
    if (!limit.isOver()) throw error;
    const { timeoutSeconds } = options.edgeBuild.spec;
    throw new BuildFailure('TimedOut', `the source was not fetched in timeoutSeconds (${timeoutSeconds})`);
  }
};

interface BuildOptions extends LocalBuildOptions {
  readonly last: (platform: PlatformName) => string;
}

/** Passes progress on, and can say what a platform was at. */
const remembering = (
  report: Report,
): { readonly report: Report; readonly last: (platform: PlatformName) => string } => {
  const latest = new Map<PlatformName, Progress>();
  return {
    report: (progress) => {
      if (progress.platform !== undefined && progress.kind !== 'output')
        latest.set(progress.platform, progress);
      report(progress);
    },
    last: (platform) => {
      const progress = latest.get(platform);
      switch (progress?.kind) {
        case 'step':
          return `; last was step ${progress.step}/${progress.steps}: ${progress.text}`;
        case 'activity':
        case 'warning':
          return `; last was: ${progress.text}`;
        case 'output':
        case undefined:
          return '';
      }
    },
  };
};

/** Builds `jobs` platforms at once, in the order of the spec. */
const buildAll = async (
  engine: LocalEngine,
  plans: readonly ExecutionPlan[],
  options: BuildOptions,
): Promise<PlatformOutcome[]> => {
  const outcomes = new Array<PlatformOutcome>(plans.length);
  const waiting = [...plans.entries()];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, plan] = next;
      outcomes[index] = isImpossible(plan) ? impossible(plan) : await buildOne(engine, plan, options);
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: options.jobs }, worker));
  const broken = workers.find((result) => result.status === 'rejected');
  if (broken !== undefined) throw broken.reason;
  return outcomes;
};

/** Tries a platform until it is built, its failure is not worth another attempt, or its time is over. */
const buildOne = async (
  engine: LocalEngine,
  plan: Possible,
  options: BuildOptions,
): Promise<PlatformOutcome> => {
  const { spec } = options.edgeBuild;
  const began = Date.now();
  const startTime = new Date(began).toISOString();
  const limit = timeLimit(options);
  for (let attempt = 1; ; attempt++) {
    const seconds = (): number => (Date.now() - began) / 1000;
    try {
      const image = await engine.build(plan.platform, plan.execution, limit.signal);
      return succeeded(plan, image, { attempt, startTime, seconds: seconds() });
    } catch (error) {
      const failure = limit.isOver()
        ? new BuildFailure(
            'TimedOut',
            `not built in timeoutSeconds (${spec.timeoutSeconds})${options.last(plan.platform.name)}`,
          )
        : failureOf(error, options.signal);
      if (!isWorthARetry(failure.reason) || attempt > spec.retry.limit) {
        return failed(plan, failure, { attempt, startTime, seconds: seconds() });
      }
      options.report({
        kind: 'warning',
        platform: plan.platform.name,
        text: `${failure.reason}: ${failure.message}; attempt ${attempt + 1} of ${spec.retry.limit + 1}`,
      });
    }
  }
};

const publishAndReport = async (
  engine: LocalEngine,
  outcomes: readonly PlatformOutcome[],
  options: LocalBuildOptions,
): Promise<LocalBuildOutcome> => {
  const { spec, metadata } = options.edgeBuild;
  const chosen = publishable(spec.publish, outcomes);
  if (chosen.length === 0) return report(outcomes, { emulationProven: true }, options);
  const name = spec.output.image ?? `localhost/${metadata.name}:latest`;
  options.report({ kind: 'activity', text: `publishing ${chosen.join(', ')}` });
  try {
    const { reference, digest } = await engine.publish(chosen.map(platformOf), options.destination, name);
    const published = { reference, digest, publishedAt: new Date().toISOString() };
    return report(outcomes, { emulationProven: true, published }, options);
  } catch (error) {
    const publishFailure = failureOf(error, options.signal);
    return report(outcomes, { emulationProven: true, publishFailure }, options);
  }
};

/** Status is computed once, at the end, from all that is known. */
const report = (
  outcomes: readonly PlatformOutcome[],
  known: Pick<Facts, 'emulationProven' | 'published' | 'publishFailure'>,
  { edgeBuild }: LocalBuildOptions,
): LocalBuildOutcome => {
  const facts: Facts = {
    generation: edgeBuild.metadata.generation ?? 1,
    spec: edgeBuild.spec,
    platforms: outcomes.map(factsOf),
    ...known,
  };
  const status = statusOf(facts, edgeBuild.status, new Date().toISOString());
  const ready = status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  return { edgeBuild: { ...edgeBuild, status }, platforms: outcomes, ready };
};
