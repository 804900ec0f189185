/** Which of a BuildConfig's Builds may run: OpenShift's run policies. */
import { type Build, isOver, phaseOf } from './kinds.ts';

const numberOf = ({ metadata }: Build): number =>
  Number(metadata.annotations?.['openshift.io/build.number'] ?? '0');

const configOf = ({ metadata }: Build): string | undefined =>
  metadata.annotations?.['openshift.io/build-config.name'] ??
  metadata.labels?.['openshift.io/build-config.name'];

/** Of the same namespace and BuildConfig. */
export const siblingsOf = (build: Build, all: readonly Build[]): readonly Build[] => {
  const config = configOf(build);
  if (config === undefined) return [];
  return all.filter(
    (other) =>
      other.metadata.namespace === build.metadata.namespace &&
      other.metadata.name !== build.metadata.name &&
      configOf(other) === config,
  );
};

export interface Turn {
  readonly runs: boolean;
  /** Those that this one makes needless. */
  readonly cancels: readonly Build[];
}

export const turnOf = (build: Build, all: readonly Build[]): Turn => {
  const policy = build.metadata.labels?.['openshift.io/build.start-policy'] ?? 'Serial';
  const others = siblingsOf(build, all).filter((other) => !isOver(phaseOf(other)));
  if (policy === 'Parallel') return { runs: true, cancels: [] };
  const waiting = others.filter((other) => phaseOf(other) === 'New' && other.status?.cancelled !== true);
  const isBusy = others.some((other) => phaseOf(other) !== 'New');
  if (policy === 'SerialLatestOnly') {
    const older = waiting.filter((other) => numberOf(other) < numberOf(build));
    const isLatest = older.length === waiting.length;
    return { runs: isLatest && !isBusy, cancels: isLatest ? older : [] };
  }
  return { runs: !isBusy && waiting.every((other) => numberOf(other) > numberOf(build)), cancels: [] };
}; // prettier-ignore
