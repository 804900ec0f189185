import { type EmulatedName, emulatedNames } from '../../api/architecture-names.ts';
import { platformOf, type PlatformName } from '../../api/platforms.ts';
import { buildPlatform } from './bases.ts';

/** Node labels: the architecture as the kubelet says it, and what the operator's other half proved on the node. */
export const archLabel = 'kubernetes.io/arch';
export const emulationPrefix = 'emulation.edgebuild.io/';
const emulationLabel = (name: EmulatedName): string => `${emulationPrefix}${name}`;

/** The architecture of nodes that run a platform's programs as their own: x86_64 runs those of 386. */
export const nativeArchitecture = (platform: PlatformName): string =>
  platform === 'linux/386' ? 'amd64' : platformOf(platform).architecture;

/** What an amd64 node must prove for a platform; undefined: it runs the platform's programs as its own. */
export const emulationLabelOf = (platform: PlatformName): string | undefined => {
  if (nativeArchitecture(platform) === buildPlatform.architecture) return undefined;
  const { architecture } = platformOf(platform);
  const name = emulatedNames.find((known) => known === architecture);
  return name === undefined ? undefined : emulationLabel(name);
};

/** Where builds of a platform may run: on its own nodes, or on those that prove that they run its programs. */
export const nodeSelectorOf = (
  platform: PlatformName,
  execution: 'Native' | 'Emulated',
): Readonly<Record<string, string>> => {
  const label = emulationLabelOf(platform);
  return execution === 'Native' || label === undefined
    ? { [archLabel]: nativeArchitecture(platform) }
    : { [archLabel]: buildPlatform.architecture, [label]: 'ready' };
};

/** How a build that is there is run, by where it may run. */
export const executionOf = (
  selector: Readonly<Record<string, string>> | null | undefined,
): 'Native' | 'Emulated' =>
  Object.keys(selector ?? {}).some((key) => key.startsWith(emulationPrefix)) ? 'Emulated' : 'Native';
