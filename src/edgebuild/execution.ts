import type { EdgeBuildSpec } from '../api/edgebuild.ts';
import type { Reason } from '../api/conditions.ts';
import type { Platform, PlatformName } from '../api/platforms.ts';

/** How a platform is built, or why it cannot be. */
export type ExecutionPlan =
  | { readonly platform: Platform; readonly execution: 'Native' | 'Emulated' }
  | {
      readonly platform: Platform;
      readonly execution: 'Impossible';
      readonly reason: Reason;
      readonly message: string;
    };

/** Where builds can run. */
export interface Machines {
  /** The platforms of machines that are there. */
  readonly native: ReadonlySet<PlatformName>;
  /** For messages: "this machine", "the cluster". */
  readonly where: string;
}

/** Every platform is decided alone. Emulating a machine's own platform would break every program on it: never. */
export const planExecution = (
  platform: Platform,
  wanted: EdgeBuildSpec['execution'],
  machines: Machines,
): ExecutionPlan => {
  const isNative = machines.native.has(platform.name);
  const own = [...machines.native].join(', ');
  if (isNative && wanted !== 'Emulated') return { platform, execution: 'Native' };
  if (!isNative && wanted !== 'Native') return { platform, execution: 'Emulated' };
  if (isNative) {
    return {
      platform,
      execution: 'Impossible',
      reason: 'EmulationUnavailable',
      message: `execution is Emulated, and ${platform.name} is the platform of ${machines.where} itself: use PreferNative`,
    };
  }
  return {
    platform,
    execution: 'Impossible',
    reason: 'NativeUnavailable',
    message: `execution is Native, and ${machines.where} is ${own}, not ${platform.name}: use PreferNative`,
  };
};
