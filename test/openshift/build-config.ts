/** What OpenShift does to a BuildConfig that is written: what it fills in, cleans, drops and refuses. */
import { isDeepStrictEqual } from 'node:util';
import { posix } from 'node:path';
import { commonCauses } from './common-validation.ts';
import { type Cause, invalid, invalidValue } from './errors.ts';
import { groups } from './groups.ts';
import type { BuildConfig, CommonSpec, Trigger } from './shapes.ts';
import { triggerCauses } from './trigger-validation.ts';

/**
 * The BuildConfig as it is stored.
 *
 * @param old undefined where it is created.
 * @throws Refusal 422.
 */
export const prepareBuildConfig = (submitted: BuildConfig, old: BuildConfig | undefined): BuildConfig => {
  const name = submitted.metadata.name;
  const spec = defaultedSpec(submitted, old === undefined);
  const causes = [
    ...triggerCauses(spec),
    ...runPolicyCauses(spec.runPolicy),
    ...limitCauses('successfulBuildsHistoryLimit', spec.successfulBuildsHistoryLimit),
    ...limitCauses('failedBuildsHistoryLimit', spec.failedBuildsHistoryLimit),
    ...commonCauses(spec),
  ];
  if (causes.length > 0) throw invalid(groups.build.name, 'BuildConfig', name, causes);
  const lastVersion = Math.max(submitted.status?.lastVersion ?? 0, old?.status?.lastVersion ?? 0);
  // The generation is decided before paths are cleaned: that is why a path that is not clean raises it each time.
  const isNew = !isDeepStrictEqual(spec, old?.spec) || lastVersion !== old?.status?.lastVersion;
  return {
    ...submitted,
    spec: cleanedPaths(spec),
    status: { ...submitted.status, lastVersion },
    standin: { generation: (old?.standin?.generation ?? 0) + (isNew ? 1 : 0) },
  };
};

type Spec = NonNullable<BuildConfig['spec']>;

const defaultedSpec = ({ spec = {} }: BuildConfig, isCreated: boolean): Spec => ({
  ...defaultedCommon(spec),
  ...withKnownTriggers(spec),
  runPolicy: spec.runPolicy === undefined || spec.runPolicy === '' ? 'Serial' : spec.runPolicy,
  ...(isCreated ? { successfulBuildsHistoryLimit: spec.successfulBuildsHistoryLimit ?? 5 } : {}),
  ...(isCreated ? { failedBuildsHistoryLimit: spec.failedBuildsHistoryLimit ?? 5 } : {}),
});

/** Go's zero values, and the `type` of each union. */
export const defaultedCommon = <Spec extends CommonSpec>(spec: Spec): Spec => ({
  ...spec,
  source: { ...spec.source, type: sourceType(spec.source) },
  strategy: defaultedStrategy(spec.strategy),
  output: spec.output ?? {},
  postCommit: spec.postCommit ?? {},
  resources: spec.resources ?? {},
  nodeSelector: spec.nodeSelector ?? null,
});

const sourceType = ({
  git,
  binary,
  dockerfile,
  images,
  type,
}: CommonSpec['source'] & object = {}): string => {
  if (git !== undefined) return 'Git';
  if (binary !== undefined) return 'Binary';
  if (dockerfile !== undefined) return 'Dockerfile';
  if ((images ?? []).length > 0) return 'Image';
  return type ?? 'None';
};

const defaultedStrategy = (strategy: NonNullable<CommonSpec['strategy']> = {}): typeof strategy => {
  const { dockerStrategy, sourceStrategy, customStrategy, jenkinsPipelineStrategy } = strategy;
  const type =
    (dockerStrategy === undefined ? undefined : 'Docker') ??
    (sourceStrategy === undefined ? undefined : 'Source') ??
    (customStrategy === undefined ? undefined : 'Custom') ??
    (jenkinsPipelineStrategy === undefined ? undefined : 'JenkinsPipeline');
  const from = dockerStrategy?.from;
  const withKind =
    from === undefined || (from.kind ?? '') !== ''
      ? {}
      : { dockerStrategy: { ...dockerStrategy, from: { ...from, kind: 'ImageStreamTag' } } };
  return { ...strategy, ...withKind, ...(type === undefined ? {} : { type }) };
};

const knownTriggers = new Set([
  ...['GitHub', 'GitLab', 'Bitbucket', 'Generic', 'ImageChange', 'ConfigChange'],
  // Old spellings.
  ...['github', 'generic', 'imageChange'],
]);

/** Unknown ones are dropped without a word. */
const withKnownTriggers = ({ triggers }: Spec): Pick<Spec, 'triggers'> => {
  if (triggers === undefined || triggers === null) return {};
  const known = triggers.filter(({ type = '' }) => knownTriggers.has(type));
  return known.length === 0 ? { triggers: undefined as never } : { triggers: known.map(defaultedTrigger) };
};

const defaultedTrigger = (trigger: Trigger): Trigger =>
  trigger.type === 'ImageChange' && trigger.imageChange === undefined
    ? { ...trigger, imageChange: {} }
    : trigger;

const cleaned = (path: string): string =>
  posix
    .normalize(path)
    .replace(/(.)\/$/, '$1')
    .replace(/^\.$/, '');

const cleanedPaths = (spec: Spec): Spec => {
  const { source = {}, strategy = {} } = spec;
  const docker = strategy.dockerStrategy;
  return {
    ...spec,
    source: { ...source, ...pathField('contextDir', source.contextDir) },
    strategy: {
      ...strategy,
      ...(docker === undefined
        ? {}
        : { dockerStrategy: { ...docker, ...pathField('dockerfilePath', docker.dockerfilePath) } }),
    },
  };
};

const pathField = (name: string, path: string | undefined): object => {
  if (path === undefined) return {};
  const clean = cleaned(path);
  return { [name]: clean === '' ? undefined : clean };
};

const runPolicyCauses = (policy: string | undefined): readonly Cause[] =>
  ['Serial', 'Parallel', 'SerialLatestOnly'].includes(policy ?? '')
    ? []
    : [invalidValue('spec.runPolicy', policy, 'run policy must Parallel, Serial, or SerialLatestOnly')];

const limitCauses = (field: string, limit: number | undefined): readonly Cause[] =>
  limit === undefined || limit >= 0
    ? []
    : [invalidValue(`spec.${field}`, limit, 'must be greater than or equal to 0')];
