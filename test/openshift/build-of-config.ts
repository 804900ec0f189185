/** The Build that a BuildConfig stands for: names, labels, and images by digest. */
import type { Api } from './api.ts';
import { now } from './admission.ts';
import { builds, groups } from './groups.ts';
import { resolveImage } from './references.ts';
import type {
  Build,
  BuildConfig,
  BuildRequest,
  CommonSpec,
  EnvVar,
  ObjectReference,
  Strategy,
} from './shapes.ts';

/**
 * @param config with the status that it will have: its lastVersion is the Build's number.
 * @throws Refusal 422 where an image cannot be resolved.
 */
export const buildOf = async (api: Api, config: BuildConfig, request: BuildRequest): Promise<Build> => {
  const { name, namespace = '', uid = '', labels } = config.metadata;
  const number = String(config.status?.lastVersion ?? 1);
  const runPolicy = config.spec?.runPolicy ?? 'Serial';
  return {
    apiVersion: `${builds.group}/v1`,
    kind: 'Build',
    metadata: {
      ...{ namespace, name: nameWithin(name, number) },
      // The Build's own win.
      labels: {
        ...request.metadata?.labels,
        ...labels,
        buildconfig: labelValue(name),
        'openshift.io/build-config.name': labelValue(name),
        'openshift.io/build.start-policy': runPolicy,
      },
      annotations: {
        ...request.metadata?.annotations,
        'openshift.io/build-config.name': name,
        'openshift.io/build.number': number,
      },
      // As clients know it: the garbage collector looks the owner up there.
      ownerReferences: [
        { apiVersion: `${groups.build.name}/v1`, kind: 'BuildConfig', name, uid, controller: true },
      ],
    },
    spec: await specOf(api, config, request),
    status: {
      phase: 'New',
      config: { kind: 'BuildConfig', namespace, name },
      output: {},
      conditions: [{ type: 'New', status: 'True', lastUpdateTime: now(), lastTransitionTime: now() }],
    },
  };
};

/** Cut until it may be a label's value: 63 characters, and no separator at its end. */
const labelValue = (text: string): string => text.slice(0, 63).replace(/[-._]+$/, '');

const longestName = 253;

/** `name-suffix`, and where that is too long, the name cut and its hash between. */
const nameWithin = (name: string, suffix: string): string => {
  const whole = `${name}-${suffix}`;
  if (whole.length <= longestName) return whole;
  return `${name.slice(0, longestName - 10 - suffix.length)}-${fnv32a(name)}-${suffix}`;
};

const fnv32a = (text: string): string => {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, '0');
};

const specOf = async (
  api: Api,
  { metadata, spec = {} }: BuildConfig,
  request: BuildRequest,
): Promise<NonNullable<Build['spec']>> => {
  const { triggers: _, runPolicy: __, successfulBuildsHistoryLimit: ___, failedBuildsHistoryLimit: ____, ...common } = spec; // prettier-ignore
  const namespace = metadata.namespace ?? '';
  const resolved = async (from: ObjectReference): Promise<ObjectReference> => ({
    kind: 'DockerImage',
    name: await resolveImage(api, namespace, from),
  });
  const images = await Promise.all(
    (common.source?.images ?? []).map(async (image) => ({
      ...image,
      ...(image.from === undefined ? {} : { from: await resolved(image.from) }),
    })),
  );
  const from = common.strategy?.dockerStrategy?.from;
  const base = from === undefined ? undefined : await resolved(from);
  return {
    ...common,
    serviceAccount: (common.serviceAccount ?? '') === '' ? 'builder' : (common.serviceAccount ?? ''),
    ...(request.revision === undefined ? {} : { revision: request.revision }),
    source: { ...common.source, ...(images.length === 0 ? {} : { images }) },
    strategy: strategyOf(common, request, base),
    triggeredBy: request.triggeredBy ?? [],
  };
};

const strategyOf = (
  { strategy = {} }: CommonSpec,
  { env, dockerStrategyOptions }: BuildRequest,
  from: ObjectReference | undefined,
): Strategy => {
  const { dockerStrategy } = strategy;
  if (dockerStrategy === undefined) return strategy;
  const { buildArgs, noCache } = dockerStrategyOptions ?? {};
  return {
    ...strategy,
    dockerStrategy: {
      ...dockerStrategy,
      ...(from === undefined ? {} : { from }),
      ...listField('env', dockerStrategy.env, env),
      ...listField('buildArgs', dockerStrategy.buildArgs, buildArgs),
      ...(typeof noCache === 'boolean' ? { noCache } : {}),
    },
  };
};

/** The request's win, and stand behind. */
const listField = (
  field: 'env' | 'buildArgs',
  own: readonly EnvVar[] | null | undefined,
  given: readonly EnvVar[] | null | undefined,
): object => {
  const names = new Set((given ?? []).map(({ name }) => name));
  const all = [...(own ?? []).filter(({ name }) => !names.has(name)), ...(given ?? [])];
  return all.length === 0 ? {} : { [field]: all };
};
