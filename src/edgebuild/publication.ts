import type { EdgeBuildSpec } from '../api/edgebuild.ts';
import type { PlatformState } from '../api/conditions.ts';
import type { PlatformName } from '../api/platforms.ts';

/** What may be published now. Empty: nothing, and the destination stays as it is. */
export const publishable = (
  policy: EdgeBuildSpec['publish'],
  platforms: readonly { readonly platform: PlatformName; readonly state: PlatformState }[],
): readonly PlatformName[] => {
  const succeeded = platforms.filter(({ state }) => state === 'Succeeded').map(({ platform }) => platform);
  if (policy === 'Succeeded') return succeeded;
  return succeeded.length === platforms.length ? succeeded : [];
};
