import type { EdgeBuildSpec } from '../api/edgebuild.ts';
import { platformOf, type PlatformName } from '../api/platforms.ts';
import { buildPlatform } from '../engines/openshift/bases.ts';
import {
  archLabel,
  emulationLabelOf,
  emulationPrefix,
  nativeArchitecture,
} from '../engines/openshift/where.ts';
import type { KubeObject } from '../kube/objects.ts';

/** What is read of a node. */
export interface BuildNode extends KubeObject {
  readonly spec?: {
    readonly unschedulable?: boolean;
    readonly taints?: readonly { readonly effect: string }[];
  };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** Whether the scheduler puts pods on it. */
const isUsable = ({ spec, status }: BuildNode): boolean =>
  spec?.unschedulable !== true &&
  (status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false);

/** Builds have no tolerations of their own; an admin can give them some (Build.config.openshift.io, spec.buildOverrides). */
const hasTaint = ({ spec }: BuildNode): boolean =>
  (spec?.taints ?? []).some(({ effect }) => effect !== 'PreferNoSchedule');

/** Where a platform is built, and whether a node for it is there now. */
export type Place =
  | { readonly execution: 'Native' | 'Emulated'; readonly isThere: true }
  | {
      readonly execution: 'Native' | 'Emulated';
      readonly isThere: false;
      readonly reason: 'NativeUnavailable' | 'EmulationUnavailable';
      readonly message: string;
    }
  | {
      readonly execution: 'Impossible';
      readonly reason: 'NativeUnavailable' | 'EmulationUnavailable';
      readonly message: string;
    };

/**
 * Every platform is decided alone: natively where a node is there for it, else as the author wants it.
 *
 * @param isCross a stage is of another platform: only where both run is it built.
 */
export const placeOf = (
  platform: PlatformName,
  wanted: EdgeBuildSpec['execution'],
  nodes: readonly BuildNode[],
  emulation: string | undefined,
  isCross = false,
): Place => {
  const usable = nodes.filter(isUsable);
  const among = (some: readonly BuildNode[]): Place => placeAmong(platform, wanted, some, emulation, isCross);
  const place = among(usable.filter((node) => !hasTaint(node)));
  // Where there are no others, the scheduler knows whether builds tolerate it.
  return 'isThere' in place && !place.isThere ? among(usable) : place;
};

const placeAmong = (
  platform: PlatformName,
  wanted: EdgeBuildSpec['execution'],
  usable: readonly BuildNode[],
  emulation: string | undefined,
  isCross: boolean,
): Place => {
  const has = (key: string, value: string): ((node: BuildNode) => boolean) => {
    return ({ metadata }) => metadata.labels?.[key] === value;
  };
  const label = emulationLabelOf(platform);
  const isForHosts = isCross && label !== undefined;
  if (isForHosts && wanted === 'Native') {
    const message = `execution is Native, and a stage of the Dockerfile is not of ${platform}: use PreferNative`;
    return { execution: 'Impossible', reason: 'NativeUnavailable', message };
  }
  const isNative = !isForHosts && usable.some(has(archLabel, nativeArchitecture(platform)));
  if (wanted !== 'Emulated' && isNative) return { execution: 'Native', isThere: true };
  if (wanted === 'Native' || (label === undefined && wanted !== 'Emulated')) {
    const message = `no node of ${nativeArchitecture(platform)} is Ready and takes pods`;
    return { execution: 'Native', isThere: false, reason: 'NativeUnavailable', message };
  }
  if (label === undefined) {
    const message = `execution is Emulated, and ${platform} is the nodes' own: use PreferNative`;
    return { execution: 'Impossible', reason: 'EmulationUnavailable', message };
  }
  const hosts = usable.filter(has(archLabel, buildPlatform.architecture));
  if (hosts.some(has(label, 'ready'))) return { execution: 'Emulated', isThere: true };
  const why = emulation === undefined ? 'no NodeEmulation says why' : `NodeEmulation cluster: ${emulation}`;
  const message = `no node proves that it runs programs of ${platformOf(platform).architecture}; ${why}`;
  return { execution: 'Emulated', isThere: false, reason: 'EmulationUnavailable', message };
};

/** What of a node decides where builds may run, in short: most news of a node are of something else. */
export const signatureOf = (node: BuildNode): string => {
  const labels = Object.entries(node.metadata.labels ?? {}).filter(
    ([key]) => key === archLabel || key.startsWith(emulationPrefix),
  );
  return JSON.stringify([isUsable(node), hasTaint(node), labels.sort()]);
};
