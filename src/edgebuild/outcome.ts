import type { Reason } from '../api/conditions.ts';
import type { BuildFailure } from '../engines/failure.ts';
import type { ProvenImage } from '../engines/local/proof.ts';
import type { ExecutionPlan } from './execution.ts';
import type { PlatformFacts } from './facts.ts';

/** What became of one platform, for the summary table. */
export interface PlatformOutcome extends PlatformFacts {
  /** What the in-image proof answered: "uname -m: aarch64", or why there is none. */
  readonly proof?: string;
  /** Bytes of all layers, compressed. */
  readonly size?: number;
  readonly seconds: number;
  /** The last lines that a failed build printed. */
  readonly output: readonly string[];
}

type Impossible = Extract<ExecutionPlan, { execution: 'Impossible' }>;
export type Possible = Exclude<ExecutionPlan, { execution: 'Impossible' }>;

export const isImpossible = (plan: ExecutionPlan): plan is Impossible => plan.execution === 'Impossible';

export const impossible = ({ platform, reason, message }: Impossible): PlatformOutcome => ({
  platform: platform.name,
  execution: 'Impossible',
  state: 'Failed',
  reason,
  message,
  seconds: 0,
  output: [],
});

export const failed = (
  { platform, execution }: Possible,
  { reason, message, output }: BuildFailure,
  timing: { readonly attempt?: number; readonly startTime?: string; readonly seconds?: number },
): PlatformOutcome => ({
  platform: platform.name,
  execution,
  state: reason === 'Cancelled' ? 'Cancelled' : 'Failed',
  reason,
  message,
  seconds: 0,
  output,
  ...(isProof(reason) ? { verified: false } : {}),
  ...timing,
  ...(timing.startTime === undefined ? {} : { completionTime: new Date().toISOString() }),
});

const isProof = (reason: Reason): boolean =>
  reason === 'VerificationFailed' || reason === 'ProofFailed' || reason === 'SmokeCommandFailed';

export const succeeded = (
  { platform, execution }: Possible,
  image: ProvenImage,
  timing: { readonly attempt: number; readonly startTime: string; readonly seconds: number },
): PlatformOutcome => ({
  platform: platform.name,
  execution,
  state: 'Succeeded',
  reason: 'BuildComplete',
  message: `built in ${Math.round(timing.seconds)}s ${execution === 'Native' ? 'natively' : 'under emulation'} on this machine`,
  digest: image.digest,
  architecture: image.architecture,
  verified: image.proof !== undefined,
  size: image.size,
  proof: image.proof ?? 'skipped',
  output: [],
  ...timing,
  completionTime: new Date().toISOString(),
});

/** The facts that status is made of. */
export const factsOf = ({ proof, size, seconds, output, ...facts }: PlatformOutcome): PlatformFacts => facts;
