/** URLs of stored objects. */
import type { Kind } from '../../src/kube/objects.ts';
import { pathOf } from '../../src/kube/calls.ts';
import { notFound, Refusal } from './errors.ts';
import { allGroups, buildConfigs, imageStreams, images, storedImageName } from './groups.ts';
import type { Api } from './api.ts';
import type { BuildConfig, Image, ImageStream } from './shapes.ts';

export const storedAt = (kind: Kind, namespace: string | undefined, name?: string): string =>
  pathOf(kind, { namespace, name });

/** @throws Refusal 404 with the names that clients know. */
const read = async <T>(api: Api, kind: Kind, namespace: string | undefined, name: string): Promise<T> => {
  try {
    return await api.ask<T>('GET', storedAt(kind, namespace, name));
  } catch (error) {
    if (!(error instanceof Refusal) || error.status.code !== 404) throw error;
    const group = allGroups.find(({ shadow }) => shadow === kind.group)?.name ?? kind.group;
    throw notFound({ group, plural: kind.plural }, name);
  }
};

export const readBuildConfig = (api: Api, namespace: string, name: string): Promise<BuildConfig> =>
  read(api, buildConfigs, namespace, name);

export const readImageStream = (api: Api, namespace: string, name: string): Promise<ImageStream> =>
  read(api, imageStreams, namespace, name);

/** As clients know it: named by its digest. */
export const readImage = async (api: Api, digest: string): Promise<Image> => {
  const image = await read<Image>(api, images, undefined, storedImageName(digest));
  const { generation: _, ...metadata } = image.metadata;
  return { ...image, metadata: { ...metadata, name: digest } };
};

export const orUndefined = async <T>(reading: Promise<T>): Promise<T | undefined> => {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Refusal && error.status.code === 404) return undefined;
    throw error;
  }
};

export const isConflict = (error: unknown): boolean => error instanceof Refusal && error.status.code === 409;
