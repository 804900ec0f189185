import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isSecretName, redacted, redactText } from '../../src/ops/redact.ts';
import { shapes, tracesOf } from './secrets.ts';

const canary = 'C4n4ryThatMustNotBeSeen';

describe('a text loses', () => {
  test.each(Object.entries(shapes))('%s', (_, text) => {
    const kept = redactText(text(canary));
    for (const trace of tracesOf(canary)) expect(kept).not.toContain(trace);
    expect(kept).toContain(redacted);
  });

  test('every secret of several, whatever stands around them', () => {
    const word = fc.stringMatching(/^[A-Za-z]{0,12}$/);
    const parts = fc.array(fc.tuple(fc.constantFrom(...Object.keys(shapes)), word), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(parts, fc.constantFrom(' ', '\n', ', ', '; '), (parts, between) => {
        const text = parts.map(([shape, word]) => `${word}${between}${shapes[shape]?.(canary) ?? ''}`);
        const kept = redactText(text.join(between));
        for (const trace of tracesOf(canary)) expect(kept).not.toContain(trace);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a text keeps', () => {
  test.each([
    'Basic authentication failed, Bearer token expected',
    'WWW-Authenticate: Bearer realm="https://auth.docker.io/token",service="registry.docker.io"',
    'docker://quay.io/acme/web@sha256:0123456789abcdef',
    'docker://localhost:5000/acme/web@sha256:0123456789abcdef',
    'git@github.com:acme/web.git',
    'https://api.example.com:6443/apis/edgebuild.io/v1alpha1?watch=true&resourceVersion=12',
    'secrets "git-credentials" not found',
    'spec.source.secretRef.name: Required value',
    'spec.output.pushSecretRef: Invalid value',
    '2026-01-02T03:04:05.678Z build took 2m42s: 3 of 4',
    '-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----',
    '',
  ])('%j', (text) => {
    expect(redactText(text)).toBe(text);
  });

  test('what stands around a secret', () => {
    expect(redactText('GET https://me:x@host/path?token=abc&a=b gave 403')).toBe(
      `GET https://${redacted}@host/path?token=${redacted}&a=b gave 403`,
    );
    expect(redactText('{"password":"a","host":"b"}')).toBe(`{"password":"${redacted}","host":"b"}`);
  });

  test('everything else: a second pass changes nothing', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(shapes)), (shape) => {
        const once = redactText(shape(canary));
        expect(redactText(once)).toBe(once);
      }),
    );
  });
});

test('a long text of any letters is read in little time', () => {
  const pieces = [
    'a',
    '://a:',
    'password=',
    '"',
    '\\"',
    '-----BEGIN PRIVATE KEY',
    'eyJ',
    'bearer ',
    'a.',
    ' ',
  ];
  for (const piece of pieces) {
    const text = piece.repeat(Math.ceil((1 << 20) / piece.length));
    const start = process.cpuUsage();
    redactText(text);
    const { user, system } = process.cpuUsage(start);
    // Seconds of processor, since the machine may be busy. Linear work takes less than one, quadratic work minutes.
    expect((user + system) / 1e6).toBeLessThan(10);
  }
});

describe('a name', () => {
  test.each([
    ...['Authorization', 'proxy-authorization', 'Cookie', 'Set-Cookie', 'X-Auth-Token', 'token', 'id_token'],
    ...[
      'bearerToken',
      'PASSWORD',
      'passwd',
      'db.passphrase',
      'secret',
      'secretData',
      'secretKey',
      'clientSecret',
    ],
    ...[
      'AWS_SECRET_ACCESS_KEY',
      'client-key-data',
      'clientKeyData',
      '.dockerconfigjson',
      '.dockercfg',
      'stringData',
    ],
    ...['credentials', 'api-key', 'apiKey', 'privateKey', 'auth', 'auths', 'identitytoken'],
  ])('%s is that of a secret', (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  test.each([
    ...[
      'secretRef',
      'pullSecretRef',
      'secretName',
      'tokenFile',
      'author',
      'authority',
      'name',
      'data',
      'key',
      'keys',
    ],
    ...['digest', 'pass_rate', 'passed', 'compass', 'resourceVersion', '', '-'],
  ])('%j is not', (name) => {
    expect(isSecretName(name)).toBe(false);
  });
});
