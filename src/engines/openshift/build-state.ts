import type { PlatformState, Reason } from '../../api/conditions.ts';
import type { PlatformName } from '../../api/platforms.ts';
import { classify } from '../failure.ts';
import { attemptAnnotation } from './names.ts';
import { proofFailure } from './proof.ts';
import type { Build, BuildPod } from './types.ts';
import { executionOf } from './where.ts';

/** How a build stands, in our words. */
export interface BuildState {
  readonly name: string;
  readonly state: PlatformState;
  readonly reason: Reason;
  readonly message: string;
  readonly execution: 'Native' | 'Emulated';
  /** Counted from 1. */
  readonly attempt: number;
  /** Of the image, where the build says it. */
  readonly digest?: string;
  /** RFC 3339. */
  readonly startTime?: string;
  readonly completionTime?: string;
}

/** The number at the end of a build's name. */
export const numberIn = (name: string): number => Number(/-(\d+)$/.exec(name)?.[1] ?? 0);

export const numberOf = ({ metadata }: Build): number =>
  Number(metadata.annotations?.['openshift.io/build.number'] ?? numberIn(metadata.name));

export const isOver = ({ status }: Build): boolean =>
  ['Complete', 'Failed', 'Error', 'Cancelled'].includes(status?.phase ?? 'New');

/**
 * What a Build, and its pod where that says more, mean for its platform. `Succeeded` says that the build ended well:
 * what came out is not looked at here.
 */
export const buildState = (build: Build, pod: BuildPod | undefined, platform: PlatformName): BuildState => {
  const { metadata, spec, status } = build;
  const execution = executionOf(spec.nodeSelector);
  const digest = status?.output?.to?.imageDigest;
  return {
    name: metadata.name,
    execution,
    attempt: Number(metadata.annotations?.[attemptAnnotation] ?? 1),
    ...(digest === undefined ? {} : { digest }),
    ...(status?.startTimestamp === undefined ? {} : { startTime: status.startTimestamp }),
    ...(status?.completionTimestamp === undefined ? {} : { completionTime: status.completionTimestamp }),
    ...standing(build, pod, execution, platform),
  };
};

type Standing = Pick<BuildState, 'state' | 'reason' | 'message'>;

const standing = (
  build: Build,
  pod: BuildPod | undefined,
  execution: 'Native' | 'Emulated',
  platform: PlatformName,
): Standing => {
  const { name, namespace = '' } = build.metadata;
  const phase = build.status?.phase ?? 'New';
  switch (phase) {
    case 'New':
    case 'Pending':
      return pending(build, pod);
    case 'Running':
      return { state: 'Building', reason: 'Building', message: runningWords(execution, pod) };
    case 'Complete':
      return { state: 'Succeeded', reason: 'BuildComplete', message: completeWords(build, execution, pod) };
    case 'Failed':
    case 'Error': {
      const reason = failureOf(build, pod, execution);
      return {
        state: 'Failed',
        reason,
        message: `${wordsOf(reason, build, platform)}; oc logs -n ${namespace} build/${name}`,
      };
    }
    case 'Cancelled':
      return {
        state: 'Cancelled',
        reason: 'Cancelled',
        message: `build ${name} was cancelled; start another one, or change the spec`,
      };
  }
};

/** A build that has not begun says nothing of why: its pod does. */
const pending = (build: Build, pod: BuildPod | undefined): Standing => {
  const { metadata, status } = build;
  const unscheduled = pod?.status?.conditions?.find(
    (one) => one.type === 'PodScheduled' && one.status === 'False',
  );
  if (unscheduled !== undefined) {
    const message = `no node takes the pod of build ${metadata.name}: ${unscheduled.message ?? unscheduled.reason ?? ''}`;
    return { state: 'Waiting', reason: 'WaitingForNode', message };
  }
  const { initContainerStatuses: [first, ...others] = [], containerStatuses = [] } = pod?.status ?? {};
  const waits = [first, ...others, ...containerStatuses].map((one) => one?.state?.waiting?.reason);
  const why = status?.reason ?? waits.find((reason) => reason !== undefined && reason !== 'PodInitializing');
  if (why !== undefined && why !== 'ContainerCreating')
    return {
      state: 'Waiting',
      reason: 'BuildPending',
      message: `build ${metadata.name} cannot begin (${why})`,
    };
  // Nothing of it was started yet: that is for a moment, or for as long as a Secret is missing.
  const isBeingMade = why !== undefined || waits[0] === 'PodInitializing';
  const message = isBeingMade
    ? `the pod of build ${metadata.name} is being made${neededFor(build)}`
    : `build ${metadata.name} is about to begin`;
  return { state: 'Building', reason: 'BuildPending', message };
};

/** The Secrets without which the pod is never made: nothing but a kubelet's Event would name them. */
const neededFor = ({ spec: { source, strategy } }: Build): string => {
  const named = [source?.sourceSecret, strategy?.dockerStrategy?.pullSecret].flatMap(
    (one) => one?.name ?? [],
  );
  const names = [...new Set(named)];
  if (names.length === 0) return '';
  return `; it waits for ${names.map((name) => `Secret ${name}`).join(' and ')} if that is not there`;
};

const runningWords = (execution: 'Native' | 'Emulated', pod: BuildPod | undefined): string =>
  `building ${manner(execution)}${on(pod)}`;

const completeWords = (
  { status }: Build,
  execution: 'Native' | 'Emulated',
  pod: BuildPod | undefined,
): string => `built in ${lengthOf(status?.duration ?? 0)} ${manner(execution)}${on(pod)}`;

const manner = (execution: 'Native' | 'Emulated'): string =>
  execution === 'Native' ? 'natively' : 'under emulation';
const on = (pod: BuildPod | undefined): string =>
  pod?.spec?.nodeName === undefined ? '' : ` on ${pod.spec.nodeName}`;

/** @param duration nanoseconds. */
const lengthOf = (duration: number): string => {
  const seconds = Math.round(duration / 1e9);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
};

/** OpenShift's reasons that say all. */
const plain: ReadonlyMap<string, Reason> = new Map<string, Reason>([
  ['BuildPodDeleted', 'BuildPodDeleted'],
  ['OutOfMemoryKilled', 'OutOfMemory'],
  ['InvalidContextDirectory', 'FetchSourceFailed'],
  ['ManageDockerfileFailed', 'DockerfileInvalid'],
  ['PushImageToRegistryFailed', 'BuilderFailed'],
  ['BuildPodEvicted', 'BuilderFailed'],
  ['NoBuildContainerStatus', 'BuilderFailed'],
]);

const failureOf = (
  { spec, status }: Build,
  pod: BuildPod | undefined,
  execution: 'Native' | 'Emulated',
): Reason => {
  const lines = (status?.logSnippet ?? '').split('\n');
  const said = classify(lines, execution);
  const why = status?.reason ?? '';
  if (isPastDeadline(spec.completionDeadlineSeconds, status?.duration, pod)) return 'TimedOut';
  switch (why) {
    case 'FetchSourceFailed':
      return said === 'NetworkFailed' ? said : 'FetchSourceFailed';
    case 'PullBuilderImageFailed':
      return said === 'NetworkFailed' ? 'RegistryUnreachable' : 'BaseImageUnavailable';
    case 'DockerBuildFailed':
      return said === 'DockerfileStepFailed' ? (proofFailure(lines) ?? syntaxOr(lines, said)) : said;
    default:
      return plain.get(why) ?? 'BuilderFailed';
  }
};

const syntaxOr = (lines: readonly string[], otherwise: Reason): Reason =>
  lines.some((line) => /parse error|unknown instruction|UNHANDLED/i.test(line))
    ? 'DockerfileInvalid'
    : otherwise;

/** The build itself says GenericBuildFailed; only its pod has the word for it. */
const isPastDeadline = (
  deadlineSeconds: number | undefined,
  duration: number | undefined,
  pod: BuildPod | undefined,
): boolean =>
  pod?.status?.reason === 'DeadlineExceeded' ||
  (deadlineSeconds !== undefined && duration !== undefined && duration / 1e9 >= deadlineSeconds);

/** In our words: what a log says may be secret. */
const wordsOf = (reason: Reason, { metadata, spec }: Build, platform: PlatformName): string => {
  const name = `build ${metadata.name}`;
  switch (reason) {
    case 'TimedOut':
      return `${name} took longer than ${spec.completionDeadlineSeconds ?? 0} s: raise spec.timeoutSeconds`;
    case 'FetchSourceFailed':
      return `${name} could not read the source: check git.uri, git.ref, contextDir and secretRef`;
    case 'NetworkFailed':
      return `${name} met a network that did not answer`;
    case 'RegistryUnreachable':
      return `${name} could not reach the registry of a base image`;
    case 'BaseImageUnavailable':
      return `${name} could not pull a base image for ${platform}: name it in spec.baseImages`;
    case 'DockerfileInvalid':
      return `${name} could not read the Dockerfile`;
    case 'ProofFailed':
      return `${name}: uname -m in the built image does not answer as ${platform}, or the image has no shell to ask with (then spec.verify.architecture: Skip)`;
    case 'SmokeCommandFailed':
      return `${name}: spec.verify.command failed in the built image`;
    case 'ExecFormatError':
      return `${name} started a program that this node cannot run: a base or a copied file is not of ${platform}, or the node has lost its emulation`;
    case 'EmulatorCrashed':
      return `${name}: a program crashed under emulation`;
    case 'OutOfMemory':
      return `${name} ran out of memory: raise spec.resources.limits.memory`;
    case 'DiskFull':
      return `${name}: the node's disk is full`;
    case 'BuildPodDeleted':
      return `the pod of ${name} was deleted`;
    case 'DockerfileStepFailed':
      return `a step of the Dockerfile failed in ${name}`;
    default:
      return `${name} failed in the builder (${reason})`;
  }
};
