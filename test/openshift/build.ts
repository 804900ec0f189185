/** What OpenShift does to a Build that is written. */
import { isDeepStrictEqual } from 'node:util';
import { defaultedCommon } from './build-config.ts';
import { commonCauses } from './common-validation.ts';
import { type Cause, invalid, invalidValue } from './errors.ts';
import { groups } from './groups.ts';
import type { Build } from './shapes.ts';

const over = new Set(['Complete', 'Failed', 'Error', 'Cancelled']);

/** Whether nothing more will become of it. */
export const isOver = ({ status }: Build): boolean => over.has(status?.phase ?? '');

/**
 * @param isOwn written by a controller of the stand-in: it may complete the spec.
 * @throws Refusal 422.
 */
export const prepareBuild = (submitted: Build, old: Build | undefined, isOwn: boolean): Build => {
  const spec = defaultedCommon(submitted.spec ?? {});
  const prepared: Build = {
    ...submitted,
    spec,
    status: {
      ...submitted.status,
      ...keptReason(submitted, old),
      phase: submitted.status?.phase ?? 'New',
      output: submitted.status?.['output'] ?? {},
    },
    standin: {
      generation:
        (old?.standin?.generation ?? 0) + (isDeepStrictEqual(counted(spec), counted(old?.spec)) ? 0 : 1),
    },
  };
  const causes = old === undefined ? commonCauses(spec) : updateCauses(prepared, old, isOwn);
  if (causes.length > 0) throw invalid(groups.build.name, 'Build', submitted.metadata.name, causes);
  return prepared;
};

/** Why a build failed is said once; only that it ran out of memory may still be said instead. */
const keptReason = (next: Build, old: Build | undefined): object => {
  if (old?.status?.phase !== 'Failed' || next.status?.['reason'] === 'OutOfMemoryKilled') return {};
  return { reason: old.status['reason'], message: old.status['message'] };
};

const updateCauses = (next: Build, old: Build, isOwn: boolean): readonly Cause[] => {
  const isImmutable = !isOwn && !isDeepStrictEqual(withPushSecretOf(next, old), old.spec);
  return [
    ...(isImmutable
      ? [
          invalidValue(
            'spec',
            'content of spec is not printed out, please refer to the "details"',
            'spec is immutable',
          ),
        ]
      : []),
    ...(isOver(old) && next.status?.phase !== old.status?.phase
      ? [invalidValue('status.phase', next.status?.phase, 'phase cannot be updated from a terminal state')]
      : []),
  ];
};

/** What a build pod finds out, its revision, is no generation of its own. */
const counted = (spec: Build['spec']): object => ({ ...spec, revision: undefined });

/** The one field of the spec that may still change. */
const withPushSecretOf = (next: Build, old: Build): Build['spec'] => {
  const { pushSecret: _, ...output } = next.spec?.output ?? {};
  const before = old.spec?.output?.pushSecret;
  return { ...next.spec, output: { ...output, ...(before === undefined ? {} : { pushSecret: before }) } };
};
