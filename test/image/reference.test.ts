import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ImageNameError, normalizeImageName } from '../../src/image/reference.ts';

const sha256 = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('the full name of an image', () => {
  test.each([
    ['debian', 'docker.io/library/debian:latest'],
    ['debian:bookworm-slim', 'docker.io/library/debian:bookworm-slim'],
    ['acme/web', 'docker.io/acme/web:latest'],
    ['docker.io/debian', 'docker.io/library/debian:latest'],
    ['index.docker.io/debian', 'docker.io/library/debian:latest'],
    ['index.docker.io/acme/web:1', 'docker.io/acme/web:1'],
    ['quay.io/acme/web', 'quay.io/acme/web:latest'],
    ['quay.io/web', 'quay.io/web:latest'],
    ['localhost/web', 'localhost/web:latest'],
    ['localhost:5000/web:1', 'localhost:5000/web:1'],
    ['localhost:5000', 'docker.io/library/localhost:5000'],
    ['registry:5000/web', 'registry:5000/web:latest'],
    ['Registry/web', 'Registry/web:latest'],
    ['[::1]:5000/web', '[::1]:5000/web:latest'],
    ['a/b/c__d--e.f', 'docker.io/a/b/c__d--e.f:latest'],
    [`debian@${sha256}`, `docker.io/library/debian@${sha256}`],
    [`debian:12@${sha256}`, `docker.io/library/debian:12@${sha256}`],
    [
      'multiarch/debian-debootstrap:arm64-stretch-slim',
      'docker.io/multiarch/debian-debootstrap:arm64-stretch-slim',
    ],
  ])('%s is %s', (text, expected) => {
    expect(normalizeImageName(text)).toBe(expected);
    expect(normalizeImageName(expected)).toBe(expected);
  });

  test.each([
    ['', /it is empty/],
    ['Debian', /lower case/],
    ['acme/Web', /lower case/],
    ['debian:', /its tag/],
    ['debian:-x', /its tag/],
    [`debian:${'x'.repeat(129)}`, /its tag/],
    ['debian@', /its digest/],
    ['debian@constructor:abc', /its digest/],
    ['debian@sha256:abc', /its digest/],
    [`debian@${sha256.toUpperCase().replace('SHA', 'sha')}`, /lower case/],
    [`debian@${sha256}@${sha256}`, /more than one/],
    ['a//b', /separators/],
    ['/a', /separators/],
    ['a/', /separators/],
    ['a b', /separators/],
    ['a___b', /separators/],
    ['-a', /separators/],
    ['.io/a', /no registry/],
    ['docker://debian', /./],
    ['oci-archive:/tmp/x', /./],
    ['$x', /separators/],
    ['0123456789abcdef'.repeat(4), /id of an image/],
    [`a/${'b'.repeat(300)}`, /longer than 255/],
    ['a'.repeat(5000), /too long/],
    ['\u001b[2J', /"\?\[2J"/],
  ])('%j is none', (text, message) => {
    expect(() => normalizeImageName(text)).toThrow(ImageNameError);
    expect(() => normalizeImageName(text)).toThrow(message);
  });

  test('is its own full name, and any text ends in a name or an ImageNameError', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z0-9.:/@_-]{1,40}$/));
    fc.assert(
      fc.property(text, (candidate) => {
        try {
          const full = normalizeImageName(candidate);
          expect(normalizeImageName(full)).toBe(full);
        } catch (error) {
          if (!(error instanceof ImageNameError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
