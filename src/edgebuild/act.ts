import {
  attemptAnnotation,
  fieldManagerOf,
  labelKeys,
  managedBy,
  supersededAnnotation,
} from '../engines/openshift/names.ts';
import type { Build, BuildConfig, OpenShiftObject, TagReference } from '../engines/openshift/types.ts';
import type { Client } from '../kube/client.ts';
import { isInvalid, isNotFound } from '../kube/errors.ts';
import { keyOf, type KubeObject } from '../kube/objects.ts';
import type { Desired } from '../runtime/children.ts';
import { buildConfigs, builds, imageStreamImports, imageStreams, type StoredEdgeBuild } from './kinds.ts';
import type { EdgeBuildCaches } from './observe.ts';
import type { Children } from './plan.ts';
import type { Start } from './platform-context.ts';
import { importRetryMs } from './starting.ts';

/** Each child with the cache of its kind. */
export const desiredOf = (children: Children, caches: EdgeBuildCaches): readonly Desired[] => {
  const of = (store: Desired['store'], object: OpenShiftObject | undefined): readonly Desired[] =>
    object === undefined ? [] : [{ store, object }];
  return [
    ...of(caches.imageStreams, children.baseStream),
    ...children.buildConfigs.flatMap((object) => of(caches.buildConfigs, object)),
    ...of(caches.deployments, children.deployment),
    ...of(caches.services, children.service),
    ...of(caches.routes, children.route),
  ];
};

/**
 * Starts a build, unless another one was started meanwhile: the server compares `lastVersion` with its own count. What the
 * BuildConfig has counted and is not seen may be on its way to the cache.
 */
export const startBuild = async (
  client: Client,
  { metadata: { namespace = '' } }: StoredEdgeBuild,
  { buildConfig, newest, attempt }: Start,
  caches: EdgeBuildCaches,
): Promise<void> => {
  const name = { namespace, name: buildConfig };
  const live = caches.buildConfigs.get(keyOf(name));
  const lastVersion = live?.status?.lastVersion ?? 0;
  if (
    lastVersion > newest &&
    (await isOnItsWay(client, { namespace, name: `${buildConfig}-${lastVersion}` }))
  )
    return;
  const body = {
    ...{ apiVersion: 'build.openshift.io/v1', kind: 'BuildRequest' },
    metadata: { name: buildConfig, annotations: { [attemptAnnotation]: String(attempt) } },
    lastVersion,
    triggeredBy: [{ message: `EdgeBuild, for ${live?.metadata.labels?.[labelKeys.inputs] ?? buildConfig}` }],
  };
  try {
    const build = await client.postSubresource<KubeObject & Build>(buildConfigs, name, 'instantiate', body);
    caches.builds.learn({ ...build, apiVersion: 'build.openshift.io/v1', kind: 'Build' });
  } catch (error) {
    // Why a request is bad is said in words alone. That the count is another one is seen: then a watch tells of the build.
    const now = isInvalid(error) ? await client.get<KubeObject & BuildConfig>(buildConfigs, name) : undefined;
    if (now === undefined || (now.status?.lastVersion ?? 0) === lastVersion) throw error;
    caches.buildConfigs.learn(now);
  }
};

/** It is there, and bears the label without which it is not seen. */
const isOnItsWay = async (
  client: Client,
  name: { readonly namespace: string; readonly name: string },
): Promise<boolean> => {
  try {
    const { metadata } = await client.get(builds, name);
    return Object.entries(managedBy).every(([key, value]) => metadata.labels?.[key] === value);
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
};

export const cancelBuild = async (client: Client, namespace: string, name: string): Promise<void> => {
  const annotations = { [supersededAnnotation]: 'true' };
  const patch = { metadata: { namespace, name, annotations }, status: { cancelled: true } };
  await client.mergePatch(builds, patch);
};

/** Applies the part of the output ImageStream that is this EdgeBuild's, and nobody else's: others publish to it, too. */
export const applyOutput = async (
  client: Client,
  { metadata: { namespace = '', name } }: StoredEdgeBuild,
  stream: OpenShiftObject,
  caches: EdgeBuildCaches,
): Promise<void> => {
  const object = { ...stream, metadata: { ...stream.metadata, namespace } };
  caches.imageStreams.learn(await client.apply(imageStreams, object, { fieldManager: fieldManagerOf(name) }));
};

/** Tags that somebody made mean another architecture: that alone makes OpenShift import nothing again, here or there. */
export const misdirected = (
  { metadata, spec }: OpenShiftObject & { readonly spec?: { readonly tags?: readonly TagReference[] } },
  namespace: string,
  caches: EdgeBuildCaches,
): readonly string[] => {
  const live = caches.imageStreams.get(keyOf({ ...metadata, namespace }));
  return (spec?.tags ?? []).flatMap(({ name, annotations }) => {
    const now = live?.spec?.tags?.find((tag) => tag.name === name);
    const isSame = Object.entries(annotations ?? {}).every(
      ([key, value]) => now?.annotations?.[key] === value,
    );
    return now === undefined || isSame ? [] : [name];
  });
};

/** Asks for base images again: at once for those that were misdirected, at most once in {@link importRetryMs} where it failed. */
export const createReimport = (now: () => number = Date.now) => {
  const tried = new Map<string, number>();
  return async (
    client: Client,
    { metadata: { namespace = '' } }: StoredEdgeBuild,
    stream: OpenShiftObject & { readonly spec?: { readonly tags?: readonly TagReference[] } },
    failed: readonly string[],
    wrong: readonly string[] = [],
  ): Promise<void> => {
    const key = (tag: string): string => `${namespace}/${stream.metadata.name}:${tag}`;
    const later = failed.filter((tag) => {
      const last = tried.get(key(tag));
      if (last === undefined || now() - last >= importRetryMs) tried.set(key(tag), now());
      return last !== undefined && now() - last >= importRetryMs;
    });
    const due = [...new Set([...wrong, ...later])];
    if (due.length === 0) return;
    const wanted = (stream.spec?.tags ?? []).filter(({ name }) => due.includes(name));
    await client.create(imageStreamImports, {
      ...{ apiVersion: 'image.openshift.io/v1', kind: 'ImageStreamImport' },
      metadata: { namespace, name: stream.metadata.name },
      spec: {
        import: true,
        images: wanted.map(({ from, name, importPolicy, referencePolicy }) => ({
          ...{ from, to: { name }, importPolicy, referencePolicy },
        })),
      },
    } as KubeObject);
  };
};
