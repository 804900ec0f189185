/** Texts that hold a secret of each shape around a canary, which must not be seen. */
export const shapes: Readonly<Record<string, (canary: string) => string>> = {
  'a bearer token': (canary) => `Bearer ${canary}`,
  'a bearer token, in small letters': (canary) => `bearer ${canary}`,
  'an Authorization header': (canary) => `GET / HTTP/1.1\r\nAuthorization: Token ${canary} x\r\nHost: a`,
  'a header as JSON': (canary) => JSON.stringify({ authorization: `Digest a="b", c=${canary}`, host: 'a' }),
  'a header as JSON within JSON': (canary) =>
    JSON.stringify(JSON.stringify({ cookie: `sid="x"; ${canary}` })),
  'a basic auth header': (canary) => `Basic ${Buffer.from(`user:${canary}`).toString('base64')}`,
  'a JWT': (canary) => `${base64url({ alg: 'RS256' })}.${base64url({ sub: canary })}.${canary}`,
  'a JWT in a sentence': (canary) =>
    `token (${base64url({ alg: 'none' })}.${base64url({ sub: 'a' })}.${canary}) is old`,
  'a password in a URL': (canary) => `cannot clone https://user:${canary}@github.com/a/b.git: 403`,
  'a password with an @ in a URL': (canary) => `https://user:a@${canary}@github.com/a/b.git`,
  'a password with a slash in a URL': (canary) => `https://user:a/${canary}@github.com/a/b.git`,
  'a password with a # in a URL': (canary) => `postgres://user:a#${canary}?@db/x`,
  'a token as the user in a URL': (canary) => `https://${canary}@github.com/a/b.git`,
  'a private key': (canary) =>
    `-----BEGIN RSA PRIVATE KEY-----\nMIIE\n${canary}\n-----END RSA PRIVATE KEY-----`,
  'a private key named so': (canary) =>
    `key: -----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----\nmore`,
  'an encrypted key without its end': (canary) =>
    `-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIE\n${canary}\nMIIE`,
  'a private key in one line': (canary) =>
    JSON.stringify({ tls: `-----BEGIN EC PRIVATE KEY-----\n${canary}\n-----END EC PRIVATE KEY-----\n` }),
  'a private key in base64': (canary) =>
    Buffer.from(`-----BEGIN PRIVATE KEY-----\n${canary}\n`).toString('base64'),
  'a pull secret in base64': (canary) =>
    Buffer.from(JSON.stringify({ auths: { 'quay.io': { auth: canary } } })).toString('base64'),
  'a pull secret': (canary) =>
    JSON.stringify({ auths: { 'quay.io': { username: 'me', password: canary, auth: canary } } }),
  'a kubeconfig': (canary) =>
    `users:\n- name: a\n  user:\n    client-key-data: ${canary}\n    token: ${canary}\n`,
  'a variable': (canary) => `Error: AWS_SECRET_ACCESS_KEY=${canary}`,
  'a flag': (canary) => `skopeo copy --dest-password=${canary} a b`,
  'a query': (canary) => `GET /oauth?client_id=a&access_token=${canary}&state=x`,
  'a quoted value with quotes in it': (canary) => `password: "a\\"b ${canary} c" next`,
  "a token of GitHub's": (canary) => `remote: ghp_${canary}0000000000000000 is no more`,
  "a token of OpenShift's": (canary) => `logged in with sha256~${canary}0000000000000000`,
};

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The canary, and what base64 makes of it wherever it begins. */
export const tracesOf = (canary: string): readonly string[] => [
  canary,
  ...[0, 1, 2].map((shift) => {
    const text = Buffer.from(`${'x'.repeat(shift)}${canary}`).toString('base64');
    // Only whole groups of the canary's own, without the first, which other text shares.
    return text.slice(4, Math.floor((shift + canary.length) / 3) * 4);
  }),
];
