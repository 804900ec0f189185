import type { Reason } from '../api/conditions.ts';
import { numberOf } from '../engines/openshift/build-state.ts';
import { areOfSameSpec } from '../engines/openshift/desired/build-config.ts';
import type { Imported } from '../engines/openshift/imported.ts';
import type { Place } from './nodes.ts';
import { bare, type Decision, inputsOf, type PlatformContext, words } from './platform-context.ts';

/** Why no build may begin now; the first that holds. */
export const heldUp = (
  { observed, one, imports, inputs }: PlatformContext,
  place: Exclude<Place, { readonly execution: 'Impossible' }>,
): { readonly reason: Reason; readonly message: string } | undefined => {
  const { spec } = observed;
  const pending = imports.findIndex(({ state }) => state !== 'Ready');
  if (pending >= 0)
    return { reason: 'BaseImagesPending', message: `importing ${one.bases.bases[pending]?.image ?? ''}` };
  if (spec.suspend) return { reason: 'Suspended', message: 'spec.suspend is true: no build is started' };
  if (!place.isThere) return words(place);
  const earlier = [...one.builds.map(inputsOf), one.before?.inputs ?? ''];
  const isNewBase = spec.triggers.onBaseImageChange && earlier.some((made) => areOfSameSpec(made, inputs));
  if (!spec.triggers.onSpecChange && !isNewBase) {
    const command = `oc start-build ${one.buildConfig?.metadata.name ?? 'of its BuildConfig'} -n ${observed.namespace}`;
    return {
      reason: 'WaitingForTrigger',
      message: `triggers.onSpecChange is false: start it with ${command}`,
    };
  }
  return undefined;
};

export const start = (context: PlatformContext, attempt: number, message: string): Decision => ({
  facts: { ...bare(context), state: 'Building', reason: 'Building', message },
  start: {
    buildConfig: context.wanted.metadata.name,
    newest: Math.max(0, ...context.one.builds.map(numberOf)),
    attempt,
  },
});

/** Starts the first build of what is wanted, if it can be now. */
export const begin = (context: PlatformContext, message: string): Decision => {
  const { place } = context;
  const failure = failedImport(context);
  if (failure !== undefined) return failure;
  if (place.execution === 'Impossible')
    return { facts: { ...bare(context), state: 'Failed', ...words(place) } };
  const wait = heldUp(context, place);
  if (wait !== undefined) return { facts: { ...bare(context), state: 'Waiting', ...wait } };
  return start(context, 1, message);
};

/** For how long a base image that cannot be had is left alone, in milliseconds. */
export const importRetryMs = 300_000;

const failedImport = (context: PlatformContext): Decision | undefined => {
  const failed = context.imports.find(
    (one): one is Extract<Imported, { state: 'Failed' }> => one.state === 'Failed',
  );
  if (failed === undefined) return undefined;
  return { facts: { ...bare(context), state: 'Failed', ...words(failed) }, againMs: importRetryMs };
};
