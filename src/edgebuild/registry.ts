import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { platformOf, type PlatformName } from '../api/platforms.ts';
import type { IndexWanted } from './output.ts';

export interface RegistrySettings {
  /** Who we are at the internal registry; undefined: nobody. */
  readonly token: () => Promise<string | undefined>;
  /** PEM, beside the machine's own. */
  readonly ca: () => Promise<string | undefined>;
  /** For registries that have no certificate, as in tests. */
  readonly isPlainHttp: boolean;
}

/** An image of several platforms, as the registry takes it. */
export type PutIndex = (index: IndexWanted, signal: AbortSignal) => Promise<void>;

/** A registry said no, or nothing. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
}

const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;

interface Child {
  readonly platform: PlatformName;
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
}

/**
 * Puts an image index to OpenShift's internal registry, beside the images that it names: a BuildConfig makes none.
 *
 * The registry takes any user name with a token as password; it asks whether that may `update imagestreams/layers`.
 * Source: github.com/opencontainers/distribution-spec and image-spec image-index.md.
 *
 * @throws RegistryError.
 */
export const createPutIndex = (settings: RegistrySettings): PutIndex => {
  return async ({ repository, tag, images }, signal) => {
    const [host = '', ...path] = repository.split('/');
    const base = `${settings.isPlainHttp ? 'http' : 'https'}://${host}/v2/${path.join('/')}/manifests/`;
    const [token, ca] = [await settings.token(), await settings.ca()];
    const dispatcher = new Agent(ca === undefined || settings.isPlainHttp ? {} : { connect: { ca } });
    const authorization =
      token === undefined
        ? {}
        : { authorization: `Basic ${Buffer.from(`edgebuild:${token}`).toString('base64')}` };
    const ask = async (method: 'GET' | 'PUT', reference: string, headers: object, body?: string) => {
      const options = { method, dispatcher, signal, headers: { ...authorization, ...headers } };
      const answer = await request(
        `${base}${reference}`,
        body === undefined ? options : { ...options, body },
      );
      const bytes = Buffer.from(await answer.body.arrayBuffer());
      if (answer.statusCode >= 300)
        throw new RegistryError(`${method} ${repository}/manifests/${reference}: ${answer.statusCode}`);
      return { bytes, mediaType: String(answer.headers['content-type'] ?? manifestTypes[0]) };
    };
    try {
      const children: Child[] = [];
      for (const { platform, digest } of images) {
        const { bytes, mediaType } = await ask('GET', digest, { accept: manifestTypes.join(', ') });
        children.push({ platform, digest, mediaType, size: bytes.length });
      }
      const { mediaType, text } = indexOf(children);
      await ask('PUT', tag, { 'content-type': mediaType }, text);
    } catch (error) {
      if (error instanceof RegistryError || signal.aborted) throw error;
      throw new RegistryError(`the registry ${host} does not answer`, { cause: error });
    } finally {
      await dispatcher.close();
    }
  };
};

/** The same for the same images. */
const indexOf = (children: readonly Child[]): { readonly mediaType: string; readonly text: string } => {
  const isDocker = children.every(({ mediaType }) => mediaType === manifestTypes[1]);
  const mediaType = isDocker
    ? 'application/vnd.docker.distribution.manifest.list.v2+json'
    : 'application/vnd.oci.image.index.v1+json';
  const manifests = children.map(({ platform, ...child }) => {
    const { os, architecture, variant } = platformOf(platform);
    return {
      ...{ mediaType: child.mediaType, digest: child.digest, size: child.size },
      platform: { architecture, os, ...(variant === undefined ? {} : { variant }) },
    };
  });
  return { mediaType, text: JSON.stringify({ schemaVersion: 2, mediaType, manifests }) };
};

const account = '/var/run/secrets/kubernetes.io/serviceaccount';

/** A file of the pod's ServiceAccount, read anew each time, since it is rotated; undefined outside of a pod. */
export const accountFile = (name: 'token' | 'service-ca.crt') => async (): Promise<string | undefined> => {
  try {
    return (await readFile(`${account}/${name}`, 'utf8')).trim();
  } catch {
    return undefined;
  }
};
