/** Stores Images, and what became of an ImageStream's tags. */
import type { Api } from './api.ts';
import { Refusal } from './errors.ts';
import { images, imageStreams, storedImageName } from './groups.ts';
import { isConflict, readImageStream, storedAt } from './paths.ts';
import type { Image, ImageStream } from './shapes.ts';

/** An image that is known already stays as it is. */
export const recordImages = async (api: Api, all: readonly Image[]): Promise<void> => {
  for (const image of all) {
    const name = storedImageName(image.metadata.name);
    const stored = { ...image, apiVersion: `${images.group}/v1`, metadata: { ...image.metadata, name } };
    try {
      await api.ask('POST', storedAt(images, undefined), stored);
    } catch (error) {
      if (!(error instanceof Refusal) || error.status.code !== 409) throw error;
    }
  }
};

/** Reads, changes and writes it until nobody came between. @throws Refusal 404 where there is none. */
export const changeStream = async (
  api: Api,
  namespace: string,
  name: string,
  change: (stream: ImageStream) => ImageStream,
): Promise<ImageStream> => {
  for (;;) {
    const stream = await readImageStream(api, namespace, name);
    const next = change(stream);
    if (next === stream) return stream;
    try {
      return await api.ask<ImageStream>('PUT', storedAt(imageStreams, namespace, name), next, controllerName);
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }
};

const controllerName = { 'user-agent': 'openshift-controller-manager' };
