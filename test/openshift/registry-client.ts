/** Reads manifests and configurations of images from real registries, as OpenShift's importer does. */
import { Agent, type Dispatcher, fetch } from 'undici';
import type { ImageName } from './image-names.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface Fetched {
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly digest: string | undefined;
}

/** Why there is no image, by metav1's reason. */
export class RegistryError extends Error {
  readonly reason: 'NotFound' | 'Unauthorized' | 'InternalError';

  constructor(reason: RegistryError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface Access {
  /** The importPolicy's: plain HTTP and certificates of nobody will do. */
  readonly insecure: boolean;
  /** Tried in this order, after nothing at all. */
  readonly credentials: readonly Credentials[];
}

export interface RegistryClient {
  /** @param path below `/v2/REPOSITORY/`: `manifests/TAG`, `blobs/DIGEST`. @throws RegistryError */
  readonly read: (name: ImageName, path: string, access: Access) => Promise<Fetched>;
  readonly close: () => Promise<void>;
}

const manifestTypes = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
].join(', ');

/** @param plain hosts with ports that are known to speak plain HTTP. */
export const createRegistryClient = (plain: readonly string[]): RegistryClient => {
  const [strict, lax] = [new Agent(), new Agent({ connect: { rejectUnauthorized: false } })];

  const read: RegistryClient['read'] = async (name, path, { insecure, credentials }) => {
    const isPlain = plain.includes(name.host);
    const schemes = isPlain ? ['http'] : insecure ? ['https', 'http'] : ['https'];
    let problem = new RegistryError('InternalError', 'no registry');
    for (const scheme of schemes) {
      const url = `${scheme}://${apiHost(name.host)}/v2/${name.repository}/${path}`;
      try {
        return await readWith(insecure ? lax : strict, url, credentials);
      } catch (error) {
        if (error instanceof RegistryError) throw error;
        problem = new RegistryError('InternalError', `Get "${url}": ${reasonOf(error)}`);
      }
    }
    throw problem;
  };

  return {
    read,
    close: async () => {
      await Promise.all([strict.destroy(), lax.destroy()]);
    },
  };
};

const apiHost = (host: string): string => (host === 'docker.io' ? 'registry-1.docker.io' : host);

const reasonOf = (error: unknown): string => {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error && cause.message !== '' ? cause.message : 'connection refused';
};

const readWith = async (
  dispatcher: Dispatcher,
  url: string,
  credentials: readonly Credentials[],
): Promise<Fetched> => {
  const get = (authorization: string | undefined) =>
    fetch(url, {
      dispatcher,
      headers: { accept: manifestTypes, ...(authorization === undefined ? {} : { authorization }) },
      signal: AbortSignal.timeout(30_000),
    });
  let answer = await get(undefined);
  for (const one of credentials) {
    if (answer.status !== 401) break;
    const challenge = answer.headers.get('www-authenticate') ?? '';
    await answer.arrayBuffer();
    answer = await get(await authorizationFor(dispatcher, challenge, one));
  }
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (answer.status === 401 || answer.status === 403) throw new RegistryError('Unauthorized', 'unauthorized');
  if (answer.status === 404) throw new RegistryError('NotFound', 'not found');
  if (answer.status !== 200) throw new RegistryError('InternalError', `unexpected status ${answer.status}`);
  return {
    bytes,
    mediaType: (answer.headers.get('content-type') ?? '').split(';')[0] ?? '',
    digest: answer.headers.get('docker-content-digest') ?? undefined,
  };
};

/** https://distribution.github.io/distribution/spec/auth/token/ */
const authorizationFor = async (
  dispatcher: Dispatcher,
  challenge: string,
  { username, password }: Credentials,
): Promise<string> => {
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  if (!/^bearer /i.test(challenge)) return basic;
  const value = (name: string): string | undefined => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
  const url = new URL(value('realm') ?? '');
  for (const name of ['service', 'scope']) {
    const given = value(name);
    if (given !== undefined) url.searchParams.set(name, given);
  }
  const answer = await fetch(url, { dispatcher, headers: { authorization: basic } });
  if (answer.status !== 200) return basic;
  const { token, access_token } = (await answer.json()) as { token?: string; access_token?: string };
  return `Bearer ${token ?? access_token ?? ''}`;
};
