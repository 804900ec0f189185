/**
 * What must not reach a log, told by its name or by its shape. It is a net below code that logs no secret in the first
 * place: a secret without a telling name and shape passes.
 */

/** What stands where a secret was. */
export const redacted = '[redacted]';

/** Compared without case, `-`, `_` and `.`: `client-key-data` and `clientKeyData` are one name. */
const secretWords =
  /passw(or)?d|passphrase|pwd|secret|token|credential|apikey|privatekey|accesskey|signingkey|clientkeydata|clientcertificatedata|dockerc(onfigjson|fg)|cookie|authorization|stringdata|lastappliedconfiguration/;

/** Docker's config.json keeps user and password in `auth`. */
const secretNames = new Set(['auth', 'auths', 'pass', 'clientkey', 'xauthkey']);

/** They name a secret, or say something about it, and a person who looks for a fault needs them. */
const references = /(refs?|names?|namespaces?|files?|paths?|kind|type|count|seconds)$/;

/** Whether what has this name is a secret: `Authorization`, `access_token`, `AWS_SECRET_ACCESS_KEY`; not `pullSecretRef`. */
export const isSecretName = (name: string): boolean => {
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  return secretNames.has(plain) || (secretWords.test(plain) && !references.test(plain));
};

/** Headers come as flat lists too, each name before its value. Words such as `secrets` in a list are no headers. */
export const isSecretHeader = (name: string): boolean =>
  /^((proxy-)?authorization|(set-)?cookie|x-[a-z-]*(token|key|secret)[a-z-]*)$/i.test(name);

/** A name, its closing quote, also in the escaped quotes of JSON within JSON, and what divides it from its value. */
const nameAndDivider = /(?<![\w.-])([\w.-]{1,80})\\{0,8}["']?[ \t]{0,4}[:=][ \t]{0,4}/g;

/**
 * A value in such quotes, up to one escaped as the first is, or up to what ends a word; a part of it may have been taken
 * out for its shape already.
 */
const valueThere =
  /(\\{1,8})".*?(?:(?<!\\)\1"|$)|"(?:[^"\\]|\\.)*(?:"|$)|'[^']*(?:'|$)|(?:\[redacted\]|[^\s,;&"'\\\])}])+/sy;

/** A header's value may hold spaces: `Digest username="…", …`. */
const lineThere = /(\\{1,8})".*?(?:(?<!\\)\1"|$)|"(?:[^"\\]|\\.)*(?:"|$)|[^\r\n]+/sy;

/** What a person writes after the word "bearer" that is no token. `realm` begins the challenge of a registry. */
const bearer =
  /\b(bearer|negotiate)(\s{1,4})(?!realm=)(?!(?:tokens?|realm|auth|authentication|authorization|scheme)(?![\w.~+/=-]))[\w.~+/=-]+/gi;

const basic = /\b(basic)(\s{1,4})([A-Za-z0-9+/_=-]{2,})/gi;

/** RFC 7617: user and password with a colon between; "Basic authentication" is none. */
const isUserAndPassword = (base64: string): boolean =>
  Buffer.from(base64, 'base64').toString('latin1').includes(':');

/** A key whose end was cut off is one, too. */
const privateKey =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/gs;

/** The same in base64, as kubeconfigs and Secrets have it: `-----BEGIN`. Certificates look so as well, and go with them. */
const base64Pem = /LS0tLS1CRUdJT[A-Za-z0-9+/=_-]*/g;

/** JSON in base64 begins so: the parts of a JWT (RFC 7519), the data of a pull secret. Sealed JWTs have five parts. */
const base64Json = /eyJ[A-Za-z0-9+/=_-]{12,}(?:\.[A-Za-z0-9_-]*){0,4}/g;

/** Up to the last @ before a slash: a password that holds an @ goes as a whole. */
const userInUrl = /(:\/\/)[^\s/"<>]*@/g;

/** A password that should have had its slashes escaped; `docker://localhost:5000/web@sha256:…` has a port there. */
const slashInPassword = /(:\/\/)[^\s/@:"<>]{0,80}:(?!\d{1,5}\/)[^\s@"<>]{1,200}@/g;

/** GitHub's, GitLab's and OpenShift's tokens say what they are. */
const tokenPrefixes = /\b(?:gh[pousr]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|sha256~[\w-]{16,})/g;

/** Takes out the value after each secret name, and leaves its quotes: JSON stays JSON. Names are looked for in values, too: `Error: password=…`. */
const redactNamed = (text: string): string => {
  const kept: string[] = [];
  let position = 0;
  for (const { 0: whole, 1: name = '', index } of text.matchAll(nameAndDivider)) {
    if (index < position || !isSecretName(name)) continue;
    const end = index + whole.length;
    const there = isSecretHeader(name) ? lineThere : valueThere;
    there.lastIndex = end;
    const [value] = there.exec(text) ?? [''];
    if (value === '') continue;
    const [quote] = /^\\*["']/.exec(value) ?? [''];
    const isClosed = value.length > quote.length && value.endsWith(quote);
    kept.push(text.slice(position, end), quote, redacted, isClosed ? quote : '');
    position = end + value.length;
  }
  return [...kept, text.slice(position)].join('');
};

/** The text without the secrets in it; see the file's head for what is one. */
export const redactText = (text: string): string =>
  redactNamed(
    text
      .replace(privateKey, redacted)
      .replace(base64Pem, redacted)
      .replace(base64Json, redacted)
      .replace(userInUrl, `$1${redacted}@`)
      .replace(slashInPassword, `$1${redacted}@`)
      .replace(bearer, `$1$2${redacted}`)
      .replace(basic, (whole, scheme: string, space: string, value: string) =>
        isUserAndPassword(value) ? `${scheme}${space}${redacted}` : whole,
      )
      .replace(tokenPrefixes, redacted),
  );
