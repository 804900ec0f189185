import type { EdgeBuildSpec, EdgeBuildStatus } from '../api/edgebuild.ts';
import type { Condition, PlatformState, Reason } from '../api/conditions.ts';
import type { PlatformName } from '../api/platforms.ts';

/** What is known of one platform. */
export interface PlatformFacts {
  readonly platform: PlatformName;
  /** Undecided: it is not known yet which machines there are. */
  readonly execution: 'Native' | 'Emulated' | 'Impossible' | 'Undecided';
  readonly state: PlatformState;
  readonly reason: Reason;
  readonly message: string;
  /** The name of the latest build, on a cluster. */
  readonly build?: string;
  /** A hash of what the latest build was made of, on a cluster. */
  readonly inputs?: string;
  /** Counted from 1; absent before the first. */
  readonly attempt?: number;
  readonly digest?: string;
  readonly architecture?: string;
  readonly verified?: boolean;
  /** RFC 3339. */
  readonly startTime?: string;
  readonly completionTime?: string;
}

/** What a condition says, without its bookkeeping. */
export type Finding = Pick<Condition, 'status' | 'reason' | 'message'>;

/** All that status is computed from, whatever built it. */
export interface Facts {
  readonly generation: number;
  readonly spec: EdgeBuildSpec;
  /** Why nothing can begin before a person has changed the object; then `platforms` is empty. */
  readonly refusal?: { readonly reason: Reason; readonly message: string };
  /** What a person must see to before anything goes on; what there is already is looked at all the same. */
  readonly blocker?: { readonly reason: Reason; readonly message: string };
  readonly platforms: readonly PlatformFacts[];
  /** What is known of emulation, of base images and of what runs, where more is known than the platforms say. */
  readonly emulation?: Finding;
  readonly bases?: Finding;
  readonly deployed?: Finding;
  readonly webhooks?: NonNullable<EdgeBuildStatus['webhooks']>;
  /** A foreign program of every emulated platform was seen running. */
  readonly emulationProven: boolean;
  /** It was decided to publish, and that is not done yet. */
  readonly isPublishing?: boolean;
  readonly published?: NonNullable<EdgeBuildStatus['image']>;
  readonly publishFailure?: { readonly reason: Reason; readonly message: string };
}
