import type { PlatformName } from '../api/platforms.ts';

/** What an engine tells while it works, for a person to watch. Nothing is decided by it. */
export type Progress =
  /** What is being done now: "fetching debian:bookworm-slim", "verifying". */
  | { readonly kind: 'activity'; readonly platform?: PlatformName; readonly text: string }
  /** A step of the Dockerfile has begun; `step` counts from 1. */
  | {
      readonly kind: 'step';
      readonly platform: PlatformName;
      readonly step: number;
      readonly steps: number;
      readonly text: string;
    }
  /** A line that the build printed. */
  | { readonly kind: 'output'; readonly platform: PlatformName; readonly line: string }
  /** Something a person should know and that fails nothing. */
  | { readonly kind: 'warning'; readonly platform?: PlatformName; readonly text: string };

export type Report = (progress: Progress) => void;
