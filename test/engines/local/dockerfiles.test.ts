import { describe, expect, test } from '@jest/globals';
import { platformOf, type PlatformName } from '../../../src/api/platforms.ts';
import type { PreparedBase } from '../../../src/engines/local/bases.ts';
import {
  type DockerfileForPlatform,
  pinned,
  readForPlatform,
  type WantedBase,
} from '../../../src/engines/local/dockerfiles.ts';
import { specOf } from '../../edgebuild/facts.ts';

const machine = platformOf('linux/amd64');
const target = platformOf('linux/arm64');

const read = (
  dockerfile: string,
  {
    spec = {},
    given = {},
    buildah = [1, 28] as const,
  }: {
    spec?: object;
    given?: Readonly<Record<string, string>>;
    buildah?: readonly [number, number];
  } = {},
): DockerfileForPlatform =>
  readForPlatform(
    { dockerfile, dockerfileName: 'Dockerfile' },
    specOf({ source: { dockerfile }, ...spec }),
    new Map(Object.entries(given)),
    { platform: target, machine, buildah },
  );

const wanted = (...given: Parameters<typeof read>): string[] =>
  read(...given).wanted.map(({ text, platform, reference }) => `${text} for ${platform.name}: ${reference}`);

describe('the bases that a Dockerfile wants for a platform', () => {
  test.each<[string, Parameters<typeof read>, readonly string[]]>([
    [
      'a short name, made whole',
      ['FROM debian'],
      ['debian for linux/arm64: docker://docker.io/library/debian:latest'],
    ],
    [
      'the machine’s own platform for a stage that compiles',
      ['FROM --platform=$BUILDPLATFORM golang:1 AS build\nFROM alpine:3\nCOPY --from=build /a /a'],
      [
        'golang:1 for linux/amd64: docker://docker.io/library/golang:1',
        'alpine:3 for linux/arm64: docker://docker.io/library/alpine:3',
      ],
    ],
    ['nothing for a stage that nothing uses', ['FROM a AS unused\nFROM scratch'], []],
    [
      'one base once',
      ['FROM a:1 AS x\nFROM a:1\nCOPY --from=x / /'],
      ['a:1 for linux/arm64: docker://docker.io/library/a:1'],
    ],
    [
      'what spec.baseImages maps',
      ['FROM a', { spec: { baseImages: [{ from: 'a', image: 'quay.io/x/b:2' }] } }],
      ['a for linux/arm64: docker://quay.io/x/b:2'],
    ],
    [
      'what --base maps, which wins',
      ['FROM a', { spec: { baseImages: [{ from: 'a', image: 'b' }] }, given: { a: 'oci-archive:/c.tar' } }],
      ['a for linux/arm64: oci-archive:/c.tar'],
    ],
    [
      'the text after build arguments are put in',
      [
        'ARG VERSION=1\nFROM a:$VERSION',
        { spec: { buildArgs: [{ name: 'VERSION', value: '2' }] }, given: { 'a:2': 'oci:/two' } },
      ],
      ['a:2 for linux/arm64: oci:/two'],
    ],
  ])('%s', (_, given, expected) => {
    expect(wanted(...given)).toEqual(expected);
  });
});

describe('a Dockerfile that cannot be built is refused, naming its line', () => {
  test.each<[string, string, RegExp]>([
    [
      'a heredoc',
      'FROM a\nRUN <<X\nX\n',
      /Dockerfile line 2: .*buildah 1\.33 or later; this machine has 1\.28/,
    ],
    ['an argument without a value', 'FROM a AS b\nFROM $NOTHING\n', /Dockerfile line 2: /],
    ['no FROM', '# nothing\n', /Dockerfile /],
    ['a name that is none', '\nFROM Upper/Case\n', /Dockerfile line 2: /],
    [
      'a platform that EdgeBuild does not know',
      'FROM --platform=plan9/arm a',
      /Dockerfile line 1: plan9\/arm/,
    ],
  ])('%s', (_, dockerfile, message) => {
    const refused = expect(() => read(dockerfile));
    refused.toThrow(message);
    refused.toThrow(expect.objectContaining({ name: 'BuildFailure', reason: 'DockerfileInvalid' }));
  });

  test('but not where buildah is new enough', () => {
    expect(wanted('FROM scratch\nRUN <<X\nX\n', { buildah: [1, 33] })).toEqual([]);
  });
});

describe('each base is pinned to the image that was judged', () => {
  const id = (digit: string): string => `${digit}a`.repeat(32);
  const prepare = (reading: DockerfileForPlatform): ReadonlyMap<WantedBase, PreparedBase> =>
    new Map(
      reading.wanted.map((base, at) => [
        base,
        { layout: `/layout${at}`, digest: `sha256:${id('d')}`, imageId: id(String(at)) },
      ]),
    );
  const pin = (dockerfile: string, execution: 'Native' | 'Emulated', to: PlatformName = 'linux/arm64') => {
    const reading = read(dockerfile);
    return pinned(reading, prepare(reading), machine, platformOf(to), execution);
  };
  const cross = 'FROM --platform=$BUILDPLATFORM a:1 AS build\n\nFROM b\nCOPY --from=build / /\nRUN x\n';

  test('by its id, in its line, and nothing else changes', () => {
    const { text, imports } = pin(cross, 'Emulated');
    const lines = text.split('\n');
    expect(lines).toHaveLength(cross.split('\n').length);
    expect(lines[0]).toContain(id('0'));
    expect(lines[2]).toBe(`FROM ${id('1')}`);
    expect(lines.slice(3)).toEqual(cross.split('\n').slice(3));
    expect(imports.map(({ name }) => name)).toEqual([
      `docker.io/library/a@sha256:${id('d')}`,
      `docker.io/library/b@sha256:${id('d')}`,
    ]);
  });

  test('with the line of each step of each stage', () => {
    expect(pin(cross, 'Emulated').lines).toEqual([[1], [3, 4, 5]]);
  });

  test('and what is emulated is the platform, never the machine’s own', () => {
    expect(pin(cross, 'Emulated').emulated.map(({ name }) => name)).toEqual(['linux/arm64']);
    expect(pin('FROM --platform=linux/s390x a', 'Native').emulated.map(({ name }) => name)).toEqual([
      'linux/s390x',
    ]);
    expect(pin('FROM --platform=$BUILDPLATFORM a', 'Native').emulated).toEqual([]);
  });
});
