import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { platformNames } from '../../../src/api/platforms.ts';
import {
  baseStreamName,
  baseTag,
  buildConfigName,
  destinationOf,
  dnsLabel,
  indexTag,
  labelsOf,
  nameWith,
  stagingTag,
  fieldManagerOf,
} from '../../../src/engines/openshift/names.ts';

const label = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelValue = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const tag = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** Names that the API server admits for an object, up to the longest. */
const names = fc
  .array(fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?$/), { minLength: 1, maxLength: 12 })
  .map((parts) =>
    parts
      .join('.')
      .slice(0, 253)
      .replace(/[-.]+$/, ''),
  );
const platforms = fc.constantFrom(...platformNames);

const long = `${'a'.repeat(100)}.${'b'.repeat(99)}`;

describe('names of what is made for an EdgeBuild', () => {
  test.each([
    ['a BuildConfig', buildConfigName('web', 'linux/arm64'), 'web-arm64'],
    ['one for a variant', buildConfigName('web', 'linux/arm/v7'), 'web-arm-v7'],
    ['the base images', baseStreamName('web'), 'web-bases'],
    ['a Service', dnsLabel('web'), 'web'],
    ['a Service, of a name with dots', dnsLabel('web.example'), 'web-example-03bbe82a'],
    ['a Service, of a name that begins with a digit', dnsLabel('7up'), 'e-7up-be39b1e7'],
    ['a name of 63 characters', nameWith('a'.repeat(63), ''), 'a'.repeat(63)],
    ['a name of 200 characters', nameWith(long, '-bases'), `${'a'.repeat(48)}-5fb362fe-bases`],
  ])('%s', (_, name, expected) => {
    expect(name).toBe(expected);
  });

  test('are never cut at a separator', () => {
    const name = `${'a'.repeat(46)}.-${'b'.repeat(40)}`;
    expect(nameWith(name, '-bases')).toMatch(/^a{46}-[0-9a-f]{8}-bases$/);
  });

  test('fit in a label, whatever the EdgeBuild is called', () => {
    fc.assert(
      fc.property(names, platforms, (name, platform) => {
        for (const made of [buildConfigName(name, platform), baseStreamName(name), nameWith(name, '')]) {
          expect(made).toMatch(labelValue);
          expect(made).toMatch(subdomain);
        }
        expect(dnsLabel(name)).toMatch(label);
        for (const value of Object.values(labelsOf(name))) expect(value).toMatch(labelValue);
      }),
    );
  });

  test('are the same for the same EdgeBuild and differ between two', () => {
    fc.assert(
      fc.property(names, names, platforms, (one, other, platform) => {
        for (const make of [
          ...[baseStreamName, dnsLabel],
          (name: string) => nameWith(name, ''),
          (name: string) => buildConfigName(name, platform),
        ])
          expect(make(one) === make(other)).toBe(one === other);
      }),
    );
  });

  test('of long names differ by their hash alone', () => {
    const one = nameWith(`${'a'.repeat(200)}1`, '');
    expect(one).toHaveLength(63);
    expect(one).not.toBe(nameWith(`${'a'.repeat(200)}2`, ''));
  });
});

describe('where an image goes', () => {
  test.each([
    ['the EdgeBuild’s own name, if nothing is said', 'web', undefined, { stream: 'web', tag: 'latest' }],
    ['what is said', 'web', 'site:1.2', { stream: 'site', tag: '1.2' }],
    ['a long name, cut', long, undefined, { stream: `${'a'.repeat(54)}-5fb362fe`, tag: 'latest' }],
  ])('%s', (_, name, given, expected) => {
    expect(destinationOf(name, given)).toEqual(expected);
  });

  test('has staging tags beside it, one a platform, none of them the tag itself', () => {
    const destination = { stream: 'web', tag: 'x'.repeat(119) };
    const tags = platformNames.map((platform) => stagingTag(destination, platform));
    expect(stagingTag({ stream: 'web', tag: 'latest' }, 'linux/arm/v6')).toBe('latest-arm-v6');
    expect(new Set([...tags, indexTag(destination), destination.tag]).size).toBe(tags.length + 2);
    for (const one of tags) expect(one).toMatch(tag);
  });
});

describe('the tag of a base image', () => {
  test('is readable, and another one for each image and platform', () => {
    expect(baseTag('docker.io/library/debian:bookworm-slim', 'linux/arm64')).toMatch(
      /^debian-bookworm-slim-arm64-[0-9a-f]{8}$/,
    );
    const [one, other] = ['quay.io/a/b:c', 'quay.io/a-b:c'].map((image) => baseTag(image, 'linux/arm64'));
    expect(one).not.toBe(other);
    expect(baseTag('quay.io/a/b:c', 'linux/arm/v7')).not.toBe(one);
  });

  test('is one that OpenShift takes', () => {
    const parts = fc.stringMatching(/^[a-z0-9]+([._-][a-z0-9]+){0,3}$/);
    const images = fc
      .tuple(parts, fc.array(parts, { minLength: 1, maxLength: 8 }), fc.stringMatching(/^\w[\w.-]{0,127}$/))
      .map(([host, path, version]) => `${host}:5000/${path.join('/')}:${version}`);
    fc.assert(
      fc.property(images, platforms, (image, platform) => {
        expect(baseTag(image, platform)).toMatch(tag);
      }),
    );
  });
});

test('each EdgeBuild is a field manager of its own, however long its name is', () => {
  const long = 'x'.repeat(200);
  const managers = ['web', 'y'.repeat(118), `${long}a`, `${long}b`].map(fieldManagerOf);
  expect(managers[0]).toBe('edgebuild-web');
  expect(new Set(managers).size).toBe(4);
  expect(managers.filter((one) => one.length > 128)).toEqual([]);
});
