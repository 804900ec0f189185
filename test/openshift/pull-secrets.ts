/** Credentials for a registry out of a namespace's Secrets: all of them, as OpenShift's importer takes them. */
import type { Api } from './api.ts';
import type { Credentials } from './registry-client.ts';

interface Secret {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

interface Entry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
}

/** @param host as the image's name has it. */
export const credentialsFor = async (
  api: Api,
  namespace: string,
  host: string,
): Promise<readonly Credentials[]> => {
  const { items } = await api.ask<{ readonly items: readonly Secret[] }>(
    'GET',
    `/api/v1/namespaces/${namespace}/secrets`,
  );
  return items.flatMap((secret) =>
    Object.entries(entriesOf(secret))
      .filter(([key]) => hostOf(key) === host)
      .flatMap(([, entry]) => credentialsOf(entry)),
  );
};

const entriesOf = ({ type, data = {} }: Secret): Readonly<Record<string, Entry>> => {
  const read = (key: string): unknown => {
    try {
      return JSON.parse(Buffer.from(data[key] ?? '', 'base64').toString());
    } catch {
      return undefined;
    }
  };
  switch (type) {
    case 'kubernetes.io/dockerconfigjson':
      return (
        (read('.dockerconfigjson') as { readonly auths?: Readonly<Record<string, Entry>> } | undefined)
          ?.auths ?? {}
      );
    case 'kubernetes.io/dockercfg':
      return (read('.dockercfg') as Readonly<Record<string, Entry>> | undefined) ?? {};
    default:
      return {};
  }
};

/** Keys may be URLs, and Docker Hub's is an old one. */
const hostOf = (key: string): string => {
  const host = key.replace(/^https?:\/\//, '').split('/')[0] ?? '';
  return host === 'index.docker.io' ? 'docker.io' : host;
};

const credentialsOf = ({ auth, username, password }: Entry): readonly Credentials[] => {
  if (username !== undefined && password !== undefined) return [{ username, password }];
  const [, user, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(auth ?? '', 'base64').toString()) ?? [];
  return user === undefined || secret === undefined ? [] : [{ username: user, password: secret }];
};
