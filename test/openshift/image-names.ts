/** Names of images and of tags, as OpenShift parses them. */

export interface ImageName {
  /** As written: without a host it is Docker Hub's. */
  readonly host: string;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const host = String.raw`(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?`;
const component = String.raw`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`;
/** https://pkg.go.dev/github.com/distribution/reference */
const reference = new RegExp(
  String.raw`^(?:(${host})/)?(${component}(?:/${component})*)(?::(\w[\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$`,
);

export const isReference = (text: string): boolean => reference.test(text);

/** Undefined for what is no reference. */
export const parseReference = (text: string): ImageName | undefined => {
  const [, found, path = '', tag, digest] = reference.exec(text) ?? [];
  if (path === '') return undefined;
  const isHost = found !== undefined && (/[.:[]/.test(found) || found === 'localhost');
  const where = isHost ? found : 'docker.io';
  const name = isHost || found === undefined ? path : `${found}/${path}`;
  const repository = where === 'docker.io' && !name.includes('/') ? `library/${name}` : name;
  return { host: where, repository, tag: tag ?? (digest === undefined ? 'latest' : undefined), digest };
};

/** The reference by digest, with the host as it was written. */
export const byDigest = (text: string, digest: string): string => `${withoutTag(text)}@${digest}`;

const withoutTag = (text: string): string => text.replace(/@.*$/, '').replace(/:[^/:]*$/, '');

/** As a repository of the internal registry is named: no two separators in a row. */
export const isStreamName = (name: string): boolean => /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/.test(name);

/** With host and tag, or digest, that go without saying. */
export const normalized = ({ host: where, repository, tag, digest }: ImageName): string =>
  `${where}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;

/** `stream:tag`; undefined for anything else. */
export const parseTagName = (name: string): { readonly stream: string; readonly tag: string } | undefined => {
  const [, stream, tag] = /^([^:]+):([^:]+)$/.exec(name) ?? [];
  return stream === undefined || tag === undefined ? undefined : { stream, tag };
};

/** `stream@sha256:…`; undefined for anything else. */
export const parseImageName = (
  name: string,
): { readonly stream: string; readonly digest: string } | undefined => {
  const [, stream, digest] = /^([^@]+)@([^@]+)$/.exec(name) ?? [];
  return stream === undefined || digest === undefined ? undefined : { stream, digest };
};
