/** Starts the first build of a BuildConfig, and one whenever the image of a tag that it follows changes. */
import type { Client } from '../../src/kube/client.ts';
import type { Api } from './api.ts';
import { Refusal } from './errors.ts';
import { type Follower, followEach } from './follow.ts';
import { buildConfigs, imageStreams } from './groups.ts';
import { instantiate } from './instantiate.ts';
import { parseTagName } from './image-names.ts';
import { orUndefined, readBuildConfig, readImageStream } from './paths.ts';
import type { BuildConfig, BuildRequest, ImageStream, ObjectReference } from './shapes.ts';
import { pullSpecOf } from './tag-events.ts';

/** Two controllers in one, as BuildConfigs and ImageStreams change: by name, what is read is never old. */
export const startTriggers = (api: Api, client: Client): Follower => {
  const configs = new Map<string, BuildConfig>();
  const byConfig = followEach<BuildConfig>(client, buildConfigs, async ({ metadata }) => {
    const { namespace = '', name } = metadata;
    const config = await orUndefined(readBuildConfig(api, namespace, name));
    if (config === undefined) {
      configs.delete(`${namespace}/${name}`);
      return;
    }
    configs.set(`${namespace}/${name}`, config);
    await startIfDue(api, config);
  });
  const byStream = followEach<ImageStream>(client, imageStreams, ({ metadata }) => {
    const { namespace = '', name } = metadata;
    for (const [key, config] of configs)
      if (followed(config).some((from) => isOf(from, config, namespace, name))) byConfig.visit(key);
    return Promise.resolve();
  });
  return {
    ready: Promise.all([byConfig.ready, byStream.ready]).then(() => undefined),
    visit: byConfig.visit,
    end: async () => {
      await Promise.all([byConfig.end(), byStream.end()]);
    },
  };
};

const isOf = (from: ObjectReference, config: BuildConfig, namespace: string, stream: string): boolean =>
  (from.namespace ?? config.metadata.namespace) === namespace &&
  parseTagName(from.name ?? '')?.stream === stream;

/** The tags of its ImageChange triggers that are not paused. */
const followed = ({ spec }: BuildConfig): readonly ObjectReference[] =>
  (spec?.triggers ?? []).flatMap(({ type, imageChange }) => {
    const from = imageChange?.from ?? spec?.strategy?.dockerStrategy?.from;
    return type === 'ImageChange' && from !== undefined && imageChange?.paused !== true ? [from] : [];
  });

const startIfDue = async (api: Api, config: BuildConfig): Promise<void> => {
  const request = (await imageChange(api, config)) ?? configChange(config);
  if (request === undefined) return;
  const { namespace = '', name } = config.metadata;
  const lastVersion = config.status?.lastVersion ?? 0;
  try {
    await instantiate(api, namespace, { metadata: { name }, lastVersion, ...request });
  } catch (error) {
    // Somebody was faster; or its image is not there yet, and the ImageStream will tell.
    if (error instanceof Refusal && [400, 404, 422, 500].includes(error.status.code ?? 0)) return;
    throw error;
  }
};

const imageChange = async (api: Api, config: BuildConfig): Promise<BuildRequest | undefined> => {
  const { namespace = '' } = config.metadata;
  for (const from of followed(config)) {
    const parsed = parseTagName(from.name ?? '');
    if (from.kind !== 'ImageStreamTag' || parsed === undefined) continue;
    const stream = await orUndefined(readImageStream(api, from.namespace ?? namespace, parsed.stream));
    const image = stream === undefined ? undefined : pullSpecOf(stream, parsed.tag);
    const known = (config.status?.imageChangeTriggers ?? []).find(
      (one) => one.from.name === from.name && one.from.namespace === from.namespace,
    );
    if (image === undefined || image === known?.lastTriggeredImageID) continue;
    return {
      from,
      triggeredByImage: { kind: 'DockerImage', name: image },
      triggeredBy: [{ message: 'Image change', imageChangeBuild: { imageID: image, fromRef: from } }],
    };
  }
  return undefined;
};

/** Once in a BuildConfig's life; where its base is not imported yet, instantiate refuses. */
const configChange = ({ spec, status }: BuildConfig): BuildRequest | undefined =>
  (spec?.triggers ?? []).some(({ type }) => type === 'ConfigChange') && (status?.lastVersion ?? 0) === 0
    ? { triggeredBy: [{ message: 'Build configuration change' }] }
    : undefined;
