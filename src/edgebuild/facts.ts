import type { EdgeBuildSpec, EdgeBuildStatus } from '../api/edgebuild.ts';
import type { PlatformState, Reason } from '../api/conditions.ts';
import type { PlatformName } from '../api/platforms.ts';

/** What is known of one platform. */
export interface PlatformFacts {
  readonly platform: PlatformName;
  /** Undecided: it is not known yet which machines there are. */
  readonly execution: 'Native' | 'Emulated' | 'Impossible' | 'Undecided';
  readonly state: PlatformState;
  readonly reason: Reason;
  readonly message: string;
  /** Counted from 1; absent before the first. */
  readonly attempt?: number;
  readonly digest?: string;
  readonly architecture?: string;
  readonly verified?: boolean;
  /** RFC 3339. */
  readonly startTime?: string;
  readonly completionTime?: string;
}

/** All that status is computed from, whatever built it. */
export interface Facts {
  readonly generation: number;
  readonly spec: EdgeBuildSpec;
  /** Why nothing can begin before a person has changed the object; then `platforms` is empty. */
  readonly refusal?: { readonly reason: Reason; readonly message: string };
  readonly platforms: readonly PlatformFacts[];
  /** A foreign program of every emulated platform was seen running. */
  readonly emulationProven: boolean;
  readonly published?: NonNullable<EdgeBuildStatus['image']>;
  readonly publishFailure?: { readonly reason: Reason; readonly message: string };
}
