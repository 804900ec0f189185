import type { EmulatedName } from '../api/architecture-names.ts';
import { platformOf, platformNames, type PlatformName } from '../api/platforms.ts';
import { architectureOfPlatform, nameOf, runsNatively } from './architectures.ts';
import type { StoredEdgeBuild } from './kinds.ts';

/** `uname -m` of the nodes that get an agent. */
const nodeMachine = 'x86_64';

const isPlatform = (name: string): name is PlatformName => platformNames.some((known) => known === name);

const isNeededFor = (platform: PlatformName): readonly EmulatedName[] => {
  const architecture = architectureOfPlatform(platformOf(platform));
  const isForeign = architecture !== undefined && runsNatively(architecture, nodeMachine) === 'no';
  return isForeign ? [nameOf(architecture)] : [];
};

/**
 * What EdgeBuilds may need by emulation, read from their specs alone: where nodes of the platform exist it may turn out
 * not to be needed, but nobody has to wait then. Sorted, none twice.
 */
export const architecturesNeeded = (edgeBuilds: readonly StoredEdgeBuild[]): readonly EmulatedName[] => {
  const wanted = edgeBuilds
    .filter(({ metadata, spec }) => metadata.deletionTimestamp === undefined && spec?.execution !== 'Native')
    .flatMap(({ spec }) => spec?.platforms ?? [])
    .filter(isPlatform)
    .flatMap(isNeededFor);
  return [...new Set(wanted)].sort();
};
