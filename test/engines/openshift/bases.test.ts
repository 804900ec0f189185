import { describe, expect, test } from '@jest/globals';
import type { PlatformName } from '../../../src/api/platforms.ts';
import { DockerfileError } from '../../../src/image/dockerfile.ts';
import { ImageNameError } from '../../../src/image/reference.ts';
import { basesOf } from '../../../src/engines/openshift/bases.ts';
import { specOf } from '../../edgebuild/facts.ts';

const inline = (dockerfile: string, given: object = {}, platform: PlatformName = 'linux/arm64') =>
  basesOf(specOf({ source: { dockerfile }, ...given }), platform);
const git = { source: { git: { uri: 'https://example.com/app.git' } } };

/** `image platform: the texts that mean it`. */
const shown = ({ bases }: ReturnType<typeof basesOf>): readonly string[] =>
  bases.map(({ image, platform, texts }) => `${image} ${platform}: ${texts.join(' ')}`);

const debian = 'docker.io/library/debian:12';

describe('the bases of an inline Dockerfile', () => {
  test.each<[string, string, object, readonly string[]]>([
    ['one FROM', 'FROM debian:12\n', {}, [`${debian} linux/arm64: debian:12`]],
    ['a name without anything', 'FROM debian\n', {}, ['docker.io/library/debian:latest linux/arm64: debian']],
    [
      'several FROMs, each once',
      'FROM debian:12 AS a\nFROM quay.io/acme/go:1 AS b\nFROM debian:12\nCOPY --from=a /x /\nCOPY --from=b /y /\n',
      {},
      [`${debian} linux/arm64: debian:12`, 'quay.io/acme/go:1 linux/arm64: quay.io/acme/go:1'],
    ],
    [
      'an image that files are copied from',
      'FROM debian:12\nCOPY --from=busybox:1 /bin/busybox /\n',
      {},
      [`${debian} linux/arm64: debian:12`, 'docker.io/library/busybox:1 linux/arm64: busybox:1'],
    ],
    [
      'one that no stage needs, which OpenShift builds all the same',
      'FROM busybox AS unused\nFROM debian:12\n',
      {},
      ['docker.io/library/busybox:latest linux/arm64: busybox', `${debian} linux/arm64: debian:12`],
    ],
    [
      'an ARG in FROM: as it is written',
      'ARG VERSION=12\nFROM debian:${VERSION}\n',
      {},
      [`${debian} linux/arm64: debian:\${VERSION}`],
    ],
    [
      'an ARG in FROM with a value of the spec',
      'ARG VERSION=12\nFROM debian:$VERSION\n',
      { buildArgs: [{ name: 'VERSION', value: '13' }] },
      ['docker.io/library/debian:13 linux/arm64: debian:$VERSION'],
    ],
    [
      'a last FROM that names a stage',
      'FROM debian:12 AS base\nRUN x\nFROM base\nRUN y\n',
      {},
      [`${debian} linux/arm64: debian:12`],
    ],
    ['nothing at all', 'FROM scratch\nCOPY x /\n', {}, []],
    [
      'a cross compiler of the building machine',
      'FROM --platform=$BUILDPLATFORM golang:1 AS build\nFROM debian:12\nCOPY --from=build /x /\n',
      {},
      ['docker.io/library/golang:1 linux/amd64: golang:1', `${debian} linux/arm64: debian:12`],
    ],
    [
      'one image for two platforms',
      'FROM --platform=$BUILDPLATFORM debian:12 AS build\nFROM debian:12\nCOPY --from=build /x /\n',
      {},
      [`${debian} linux/amd64: debian:12`, `${debian} linux/arm64: `],
    ],
    [
      'another image, as the spec says',
      'FROM debian:12\n',
      { baseImages: [{ from: 'debian:12', image: 'quay.io/acme/debian' }] },
      ['quay.io/acme/debian:latest linux/arm64: debian:12'],
    ],
    [
      'another image for a FROM that is an ARG, by what it means',
      'ARG B=debian:12\nFROM $B\n',
      { baseImages: [{ from: 'debian:12', image: 'quay.io/acme/debian:1' }] },
      ['quay.io/acme/debian:1 linux/arm64: $B'],
    ],
    [
      'two texts that mean one image',
      'FROM debian:12 AS a\nFROM docker.io/library/debian:12\nCOPY --from=a /x /\n',
      {},
      [`${debian} linux/arm64: debian:12 docker.io/library/debian:12`],
    ],
    [
      'a text in quotes',
      'ARG B="debian:12"\nFROM "$B"\n',
      {},
      [`${debian} linux/arm64: "$B"`],
    ],
  ])('%s', (_, dockerfile, given, expected) => {
    expect(shown(inline(dockerfile, given))).toEqual(expected);
    expect(inline(dockerfile, given).isUnknown).toBe(false);
  }); // prettier-ignore

  test('of two platforms under one text are told apart where the last FROM is one of them', () => {
    const cross = 'FROM --platform=$BUILDPLATFORM debian:12 AS build\n';
    const { bases, lastTag, isCross } = inline(`${cross}FROM debian:12\nCOPY --from=build /x /\n`);
    expect([lastTag, isCross]).toEqual([bases[1]?.tag, true]);
    const plain = inline('FROM debian:12 AS a\nFROM debian:12\n');
    expect([plain.lastTag, plain.isCross]).toEqual([undefined, false]);
  });

  test.each([
    ['in two stages', 'FROM --platform=$BUILDPLATFORM debian:12 AS a\nFROM debian:12 AS b\nFROM busybox\n', 1],
    ['in the last and in others', 'FROM --platform=$BUILDPLATFORM debian:12 AS a\nFROM debian:12 AS b\nFROM debian:12\n', 1],
  ])('of two platforms under one text are refused %s, with the line and the way out', (_, dockerfile, line) => {
    const read = () => inline(dockerfile);
    expect(read).toThrow(DockerfileError);
    expect(read).toThrow(`line ${line}`);
    expect(read).toThrow('write docker.io/library/debian:12 in one of the two');
    expect(inline(dockerfile.replace('$BUILDPLATFORM debian:12', `$BUILDPLATFORM ${debian}`)).bases.length).toBeGreaterThan(1);
  }); // prettier-ignore

  test('are for the variant that is built', () => {
    expect(shown(inline('FROM debian:12\n', {}, 'linux/arm/v7'))).toEqual([
      `${debian} linux/arm/v7: debian:12`,
    ]);
  });

  test('an image by digest stays one', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    expect(inline(`FROM debian@${digest}\n`).bases[0]?.image).toBe(`docker.io/library/debian@${digest}`);
  });

  test('carry the Secret that pulls them, and no other', () => {
    const baseImages = [{ from: 'debian:12', pullSecretRef: { name: 'hub' } }];
    const { bases } = inline('FROM debian:12\nCOPY --from=busybox /x /\n', { baseImages });
    expect(bases.map(({ pullSecret }) => pullSecret)).toEqual(['hub', undefined]);
  });

  test('keep the Secret of an image, whichever of its names comes last', () => {
    const baseImages = [{ from: 'base', image: 'quay.io/acme/base:1', pullSecretRef: { name: 'hub' } }];
    const { bases } = inline('FROM base AS a\nFROM quay.io/acme/base:1\nCOPY --from=a /x /\n', {
      baseImages,
    });
    expect(bases).toMatchObject([{ pullSecret: 'hub' }]);
  });

  test('each has a tag of its own', () => {
    const { bases } = inline(
      'FROM --platform=$BUILDPLATFORM debian:12 AS a\nFROM debian:12\nCOPY --from=a /x /\n',
    );
    expect(new Set(bases.map(({ tag }) => tag)).size).toBe(2);
  });

  test.each([
    ['an image from nothing', 'FROM scratch\n', true],
    ['a stage that starts from nothing', 'FROM scratch AS a\nFROM a AS b\nFROM b\n', true],
    ['an image with a base', 'FROM scratch AS a\nFROM debian:12\nCOPY --from=a /x /\n', false],
  ])('%s', (_, dockerfile, isFromScratch) => {
    expect(inline(dockerfile).isFromScratch).toBe(isFromScratch);
  });

  test('of a text that is no Dockerfile are an error with its line', () => {
    expect(() => inline('RUN x\n')).toThrow(DockerfileError);
    expect(() => inline('FROM $NONE\n')).toThrow(DockerfileError);
    expect(() => inline('FROM Debian\n')).toThrow(ImageNameError);
  });
});

describe('the bases of a Dockerfile in git, which nobody reads before the build', () => {
  test('are unknown when the spec says nothing of them', () => {
    expect(basesOf(specOf(git), 'linux/arm64')).toEqual({
      ...{ bases: [], isCross: false, isFromScratch: false, isUnknown: true },
    });
  });

  test('are those of the spec', () => {
    const baseImages = [
      { from: 'debian:12' },
      { from: 'base', image: 'quay.io/acme/base:1', pullSecretRef: { name: 'hub' } },
    ];
    const read = basesOf(specOf({ ...git, baseImages }), 'linux/s390x');
    expect(shown(read)).toEqual([
      `${debian} linux/s390x: debian:12`,
      'quay.io/acme/base:1 linux/s390x: base',
    ]);
    expect(read.isUnknown).toBe(false);
  });

  test('are read where the spec has the Dockerfile itself', () => {
    const source = { ...git.source, dockerfile: 'FROM debian:12\n' };
    expect(shown(basesOf(specOf({ source }), 'linux/arm64'))).toEqual([`${debian} linux/arm64: debian:12`]);
  });
});
