/** POST buildconfigs/NAME/instantiate: one Build of a BuildConfig, as OpenShift's build generator makes it. */
import { type Api, inTheNameOf, type Requester } from './api.ts';
import { now } from './admission.ts';
import { buildOf } from './build-of-config.ts';
import { badRequest, forbidden, invalid, Refusal, requiredValue } from './errors.ts';
import { buildConfigs, builds, groups } from './groups.ts';
import { isConflict, readBuildConfig, storedAt } from './paths.ts';
import { resolveImage } from './references.ts';
import type { Target } from './requests.ts';
import type { Build, BuildConfig, BuildRequest, ImageChangeStatus, ObjectReference } from './shapes.ts';
import { checkRight } from './strategy-rights.ts';
import { shown } from './translation.ts';

const resource = { group: groups.build.name, plural: buildConfigs.plural };

/** @throws Refusal with OpenShift's own codes: 403 for a BuildConfig that is not there. */
export const instantiateRequest = async (
  api: Api,
  target: Target,
  requester: Requester,
  body: Buffer,
): Promise<unknown> => {
  const { name: addressed = '', namespace = '' } = target;
  let request: BuildRequest;
  try {
    request = JSON.parse(body.toString()) as BuildRequest;
  } catch {
    throw badRequest('the body of the request was in an unknown format');
  }
  const { name = '' } = request.metadata ?? {};
  if (name === '') {
    const cause = requiredValue('metadata.name', 'name or generateName is required');
    throw invalid(groups.build.name, 'BuildRequest', '', [cause]);
  }
  const config = await readForAdmission(api, namespace, name, addressed);
  await checkRight(api, target, requester, addressed, config.spec?.strategy);
  const triggeredBy =
    (request.triggeredBy ?? []).length > 0 ? request.triggeredBy : [{ message: 'Manually triggered' }];
  const build = await instantiate(api, namespace, { ...request, triggeredBy: triggeredBy ?? [] }, requester);
  return JSON.parse(shown(JSON.stringify(build), 'builds')) as unknown;
};

const readForAdmission = async (
  api: Api,
  namespace: string,
  name: string,
  addressed: string,
): Promise<BuildConfig> => {
  try {
    return await readBuildConfig(api, namespace, name);
  } catch (error) {
    throw error instanceof Refusal ? forbidden(resource, addressed, error.message) : error;
  }
};

const tries = 3;

/** As the stored kind. @throws Refusal 400 where `lastVersion` is not the BuildConfig's. */
export const instantiate = async (
  api: Api,
  namespace: string,
  request: BuildRequest,
  requester?: Requester,
): Promise<Build> => {
  for (let left = tries; ; left -= 1) {
    try {
      return await tryOnce(api, namespace, request, requester);
    } catch (error) {
      if (left === 1 || !isConflict(error)) throw error;
    }
  }
};

const tryOnce = async (
  api: Api,
  namespace: string,
  request: BuildRequest,
  requester: Requester | undefined,
): Promise<Build> => {
  const config = await readBuildConfig(api, namespace, request.metadata?.name ?? '');
  const { name } = config.metadata;
  if (config.metadata.annotations?.['openshift.io/build-config.paused']?.toLowerCase() === 'true')
    throw badRequest(`can't instantiate from BuildConfig ${namespace}/${name}: BuildConfig is paused`);
  const lastVersion = config.status?.lastVersion ?? 0;
  if (typeof request.lastVersion === 'number' && request.lastVersion !== lastVersion) {
    throw badRequest(
      `the LastVersion(${lastVersion}) on build config ${namespace}/${name} does not match the build request LastVersion(${request.lastVersion})`,
    );
  }
  const imageChangeTriggers = await triggersNow(api, namespace, config, request);
  const { imageChangeTriggers: _, ...status } = config.status ?? {};
  const next: BuildConfig = {
    ...config,
    status: {
      ...status,
      lastVersion: lastVersion + 1,
      ...(imageChangeTriggers.length === 0 ? {} : { imageChangeTriggers }),
    },
  };
  const build = await buildOf(api, next, request);
  // The BuildConfig first: of two who want the same number one gets a conflict here, and no Build.
  const headers = {
    ...(requester === undefined ? {} : inTheNameOf(requester)),
    'user-agent': 'openshift-apiserver',
  };
  await api.ask('PUT', storedAt(buildConfigs, namespace, name), next, headers);
  return api.ask<Build>('POST', storedAt(builds, namespace), build, headers);
};

/** Each ImageChange trigger with the image that its tag has now, or that caused the build. */
const triggersNow = async (
  api: Api,
  namespace: string,
  config: BuildConfig,
  request: BuildRequest,
): Promise<readonly ImageChangeStatus[]> => {
  const { spec, status } = config;
  const strategyFrom = spec?.strategy?.dockerStrategy?.from;
  const caused = request.triggeredByImage?.name;
  const isCause = (from: { readonly name?: string; readonly namespace?: string }): boolean =>
    caused !== undefined &&
    from.name === request.from?.name &&
    (from.namespace ?? namespace) === (request.from?.namespace ?? namespace);
  const known = (status?.imageChangeTriggers ?? []).find(({ from }) => isCause(from));
  if (known !== undefined && known.lastTriggeredImageID === caused)
    throw alreadyTriggered(config, caused ?? '');
  const result: ImageChangeStatus[] = [];
  for (const { type, imageChange } of spec?.triggers ?? []) {
    const from = imageChange?.from ?? strategyFrom;
    if (type !== 'ImageChange' || from === undefined) continue;
    const key = {
      ...(from.namespace === undefined ? {} : { namespace: from.namespace }),
      ...(from.name === undefined ? {} : { name: from.name }),
    };
    if (isCause(from)) result.push({ from: key, lastTriggeredImageID: caused ?? '', lastTriggerTime: now() });
    else {
      const isStrategys = imageChange?.from === undefined;
      const image = await resolvedOrEmpty(api, namespace, from, isStrategys);
      result.push({ from: key, lastTriggeredImageID: image, lastTriggerTime: null });
    }
  }
  return result;
};

const alreadyTriggered = ({ metadata: { namespace = '', name } }: BuildConfig, image: string): Refusal => {
  const why = `build config ${namespace}/${name} has already instantiated a build for imageid ${image}`;
  return new Refusal(500, 'InternalError', `Internal error occurred: ${why}`, { causes: [{ message: why }] });
};

/** Only where a build starts from an image must it be there. */
const resolvedOrEmpty = async (
  api: Api,
  namespace: string,
  from: ObjectReference,
  isStrategys: boolean,
): Promise<string> => {
  try {
    return await resolveImage(api, namespace, from);
  } catch (error) {
    if (isStrategys) throw error;
    return '';
  }
};
