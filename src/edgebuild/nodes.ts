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

/** Whether the scheduler puts a build on it. OpenShift lets no build tolerate a taint. */
const isUsable = ({ spec, status }: BuildNode): boolean =>
  spec?.unschedulable !== true &&
  (spec?.taints ?? []).every(({ effect }) => effect === 'PreferNoSchedule') &&
  (status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false);

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
  return JSON.stringify([isUsable(node), labels.sort()]);
};
