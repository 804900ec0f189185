import { reasons, type Reason } from '../api/conditions.ts';
import type { Destination, LocalBuildOutcome, PlatformOutcome } from '../edgebuild/local.ts';
import { destinationText } from './destination.ts';
import { sanitizeLine } from './sanitize.ts';
import { shellWord } from './shell-word.ts';
import { table } from './table.ts';
import { byteSize, duration, shortDigest } from './units.ts';

const heading = ['PLATFORM', 'RESULT', 'EXECUTION', 'ARCHITECTURE', 'PROOF', 'DIGEST', 'SIZE', 'TIME'];

/** What was built, one line a platform. */
export const summaryTable = (platforms: readonly PlatformOutcome[]): readonly string[] =>
  table([
    heading,
    ...platforms.map((outcome) => [
      outcome.platform,
      outcome.state,
      outcome.execution,
      sanitizeLine(outcome.architecture ?? '-'),
      sanitizeLine(outcome.proof ?? '-'),
      outcome.digest === undefined ? '-' : shortDigest(outcome.digest),
      outcome.size === undefined ? '-' : byteSize(outcome.size),
      duration(outcome.seconds),
    ]),
  ]);

/** Where the image is, and the command that uses it there. */
export const whatNext = (destination: Destination): readonly string[] => {
  const place = shellWord(destination.target);
  const next = {
    'oci-archive': `on the device: podman load -i ${place}`,
    'docker-archive': `on the device: podman load -i ${place}, or docker load -i ${place}`,
    oci: `on the device: podman pull oci:${place}`,
    docker: `on the device: podman pull ${place}`,
  };
  return [`image: ${destinationText(destination)}`, next[destination.transport]];
};

const isDone = (outcome: PlatformOutcome): boolean => outcome.state === 'Succeeded';

/** Why it is not done: each platform that failed, then the object as a whole if that has a reason of its own. */
export const failureLines = ({ edgeBuild, platforms, ready }: LocalBuildOutcome): readonly string[] => {
  const failed = platforms.filter((outcome) => !isDone(outcome));
  const told = new Set<Reason>(failed.map((outcome) => outcome.reason));
  const whole = edgeBuild.status?.conditions?.find((condition) => condition.type === 'Ready');
  return [
    ...failed.flatMap(platformFailure),
    ...(ready || whole === undefined || told.has(whole.reason)
      ? []
      : [`${edgeBuild.metadata.name}: ${whole.reason}: ${whole.message}`, ...remedyLines(whole.reason)]),
  ];
};

/** The output stands behind a bar, for the same reason as in progress.ts. */
const platformFailure = (outcome: PlatformOutcome): readonly string[] => [
  `${outcome.platform}: ${outcome.reason}: ${outcome.message}`,
  ...(outcome.output.length === 0
    ? []
    : ['  its last output:', ...outcome.output.map((line) => `  | ${sanitizeLine(line)}`)]),
  ...remedyLines(outcome.reason),
];

/** Whoever interrupted a build needs no advice. */
const remedyLines = (reason: Reason): readonly string[] =>
  reason === 'Cancelled' ? [] : [`  ${reason} means: ${reasons[reason]}`];
