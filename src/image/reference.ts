/** A text that is not the name of an image in a registry. Bad input, never a bug. */
export class ImageNameError extends Error {
  override readonly name = 'ImageNameError';
  readonly code = 'ImageNameInvalid';
}

// Source: github.com/distribution/reference regexp.go and normalize.go. No expression repeats what it contains twice.
const pathComponent = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const domain =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
const digestLengths: ReadonlyMap<string, number> = new Map([
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
]);

/** The longest domain and path together, and so a bound for the work of the expressions. */
const longestName = 255;
const longest = 1024;

const check = (holds: boolean, text: string, problem: string): void => {
  if (holds) return;
  const shown = (text.length > 80 ? `${text.slice(0, 80)}…` : text).replace(/\p{C}/gu, '?');
  throw new ImageNameError(`"${shown}" is not the name of an image: ${problem}`);
};

/** Docker's rule: the first component is a registry only if it could not be a part of a path. */
const splitDomain = (name: string): [domain: string, path: string] => {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isRegistry = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  const [host, path] = isRegistry ? [first, name.slice(slash + 1)] : ['docker.io', name];
  const canonical = host === 'index.docker.io' ? 'docker.io' : host;
  return [canonical, canonical === 'docker.io' && !path.includes('/') ? `library/${path}` : path];
};

/**
 * The fully qualified form of an image's name: `debian` is `docker.io/library/debian:latest`. A digest is kept, a tag
 * beside it too; `latest` is added only where there is neither. Throws ImageNameError.
 */
export const normalizeImageName = (text: string): string => {
  check(text.length > 0 && text.length <= longest, text, text === '' ? 'it is empty' : 'it is too long');
  const [beforeDigest = '', digest, more] = text.split('@', 3);
  check(more === undefined, text, 'it has more than one "@"');
  const colon = beforeDigest.lastIndexOf(':');
  const hasTag = colon > beforeDigest.lastIndexOf('/');
  const name = hasTag ? beforeDigest.slice(0, colon) : beforeDigest;
  const tag = hasTag ? beforeDigest.slice(colon + 1) : undefined;

  check(!/^[0-9a-f]{64}$/.test(text), text, 'it is the id of an image');
  const [host, path] = splitDomain(name);
  check(domain.test(host), text, `"${host}" is no registry`);
  check(path === path.toLowerCase(), text, 'the path must be in lower case');
  check(
    path.split('/').every((part) => pathComponent.test(part)),
    text,
    'its path takes letters, digits and single separators between them',
  );
  check(host.length + 1 + path.length <= longestName, text, `it is longer than ${longestName} characters`);
  check(
    tag === undefined || tagPattern.test(tag),
    text,
    'its tag takes up to 128 letters, digits, "_", "." and "-"',
  );
  if (digest !== undefined) {
    const [algorithm = '', hex = ''] = digest.split(':', 2);
    const length = digestLengths.get(algorithm);
    check(digestPattern.test(digest), text, 'its digest is not algorithm:hex');
    check(
      length === undefined || (hex.length === length && hex === hex.toLowerCase()),
      text,
      `its digest is not ${algorithm} in lower case`,
    );
  }
  const ending = tag === undefined && digest === undefined ? ':latest' : '';
  return `${host}/${path}${tag === undefined ? ending : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
};
