/** Pushes images made by hand to a registry, byte for byte. */
import { type Answer, ask } from '../cluster/answers.ts';
import type { Descriptor } from './image-of-manifest.ts';
import { digestOf } from './image-of-manifest.ts';
import { type ImageRecipe, layoutOf } from '../support/images.ts';

export interface Push {
  /** host:port, plain HTTP. */
  readonly host: string;
  readonly repository: string;
  readonly tag: string;
  /** Of `Authorization`. */
  readonly authorization?: string;
}

interface Sent {
  readonly method: 'POST' | 'PUT';
  readonly body?: Buffer;
  readonly type?: string;
}

const send = async (to: Push, url: string, { method, body, type }: Sent): Promise<Answer> => {
  const { authorization } = to;
  const headers = {
    ...(type === undefined ? {} : { 'content-type': type }),
    ...(authorization === undefined ? {} : { authorization }),
    'content-length': body?.length ?? 0,
  };
  const answer = await ask(url, { method, headers }, body);
  if (answer === undefined || answer.status > 299)
    throw new Error(`${method} ${url}: ${answer?.status ?? 'no answer'} ${answer?.body ?? ''}`);
  return answer;
};

const pushBlob = async (to: Push, bytes: Buffer): Promise<void> => {
  const url = `http://${to.host}/v2/${to.repository}/blobs/uploads/`;
  const begun = await send(to, url, { method: 'POST' });
  const location = new URL(String(begun.headers['location']), url);
  location.searchParams.set('digest', digestOf(bytes));
  await send(to, location.href, { method: 'PUT', body: bytes, type: 'application/octet-stream' });
};

export const pushManifest = async (
  to: Push,
  reference: string,
  bytes: Buffer,
  mediaType: string,
): Promise<void> => {
  const url = `http://${to.host}/v2/${to.repository}/manifests/${reference}`;
  await send(to, url, { method: 'PUT', body: bytes, type: mediaType });
};

export interface Pushed {
  /** Of what the tag names. */
  readonly digest: string;
  /** Of each image, in the order of the recipes. */
  readonly images: readonly string[];
}

/** One image is tagged itself, several by a list. */
export const pushImages = async (to: Push, recipes: readonly ImageRecipe[]): Promise<Pushed> => {
  const stored = layoutOf(recipes);
  const index = JSON.parse(stored.get('index.json')?.toString() ?? '') as {
    readonly manifests: readonly Descriptor[];
  };
  const manifests = new Map(index.manifests.map((one) => [one.digest, one]));
  const blobOf = (digest: string): Buffer => stored.get(`blobs/sha256/${digest.slice(7)}`) ?? Buffer.alloc(0);
  for (const [name, bytes] of stored) {
    const digest = `sha256:${name.replace('blobs/sha256/', '')}`;
    if (name.startsWith('blobs/') && !manifests.has(digest)) await pushBlob(to, bytes);
  }
  const images = index.manifests.map(({ digest }) => digest);
  for (const { digest, mediaType } of index.manifests)
    await pushManifest(to, digest, blobOf(digest), mediaType);
  const [only] = index.manifests;
  if (only === undefined || index.manifests.length > 1) {
    const isDocker = recipes.some(({ docker }) => docker === true);
    const type = isDocker
      ? 'application/vnd.docker.distribution.manifest.list.v2+json'
      : 'application/vnd.oci.image.index.v1+json';
    const list = Buffer.from(JSON.stringify({ ...index, mediaType: type }));
    await pushManifest(to, to.tag, list, type);
    return { digest: digestOf(list), images };
  }
  await pushManifest(to, to.tag, blobOf(only.digest), only.mediaType);
  return { digest: only.digest, images };
};
