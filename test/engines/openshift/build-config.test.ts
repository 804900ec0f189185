import { describe, expect, test } from '@jest/globals';
import { isDeepStrictEqual } from 'node:util';
import type { PlatformName } from '../../../src/api/platforms.ts';
import { basesOf } from '../../../src/engines/openshift/bases.ts';
import {
  areOfSameSpec,
  buildConfig,
  type BuildConfigInput,
  webhookPath,
} from '../../../src/engines/openshift/desired/build-config.ts';
import { destinationOf } from '../../../src/engines/openshift/names.ts';
import { specOf } from '../../edgebuild/facts.ts';
import { prepareBuildConfig } from '../../openshift/build-config.ts';
import type { BuildConfig as ServedBuildConfig } from '../../openshift/shapes.ts';

const inputsLabel = 'edgebuild.io/inputs';
const uri = 'https://example.com/app.git';
const git = { source: { git: { uri, ref: 'main' } } };
const inline = { source: { dockerfile: 'FROM debian:12\nRUN x\n' } };

interface Made {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly source: Readonly<Record<string, unknown>>;
    readonly strategy: {
      readonly dockerStrategy: {
        readonly dockerfilePath?: string;
        readonly buildArgs: readonly { readonly name: string; readonly value: string }[];
      };
    };
    readonly [field: string]: unknown;
  };
}

const made = (given: object, rest: Partial<BuildConfigInput> = {}): Made => {
  const spec = specOf(given);
  const platform = rest.platform ?? 'linux/arm64';
  const destination = destinationOf('web', spec.output.imageStreamTag);
  const bases = basesOf(spec, platform);
  const all = { name: 'web', spec, platform, bases, destination, execution: 'Emulated', baseDigests: ['sha256:1'] } as const; // prettier-ignore
  return buildConfig({ ...all, ...rest }) as unknown as Made;
};

const inputsOf = (one: Made): string => one.metadata.labels[inputsLabel] ?? '';
const argumentsOf = ({ spec }: Made): Readonly<Record<string, string>> =>
  Object.fromEntries(spec.strategy.dockerStrategy.buildArgs.map(({ name, value }) => [name, value]));

/** Fields of the spec as the server keeps them, without those that it alone fills in. */
const kept = (one: Made, field: string): unknown =>
  (prepareBuildConfig(one as unknown as ServedBuildConfig, undefined).spec as Made['spec'])[field];

describe('a BuildConfig', () => {
  test('of git says where the source is, what its bases mean, and nothing of the Dockerfile’s text', () => {
    const baseImages = [{ from: 'debian:12', pullSecretRef: { name: 'hub' } }];
    const source = { ...git.source, contextDir: 'web', secretRef: { name: 'git' } };
    expect(made({ source, baseImages }).spec.source).toEqual({
      type: 'Git',
      git: { uri, ref: 'main' },
      contextDir: 'web',
      sourceSecret: { name: 'git' },
      images: [
        {
          from: {
            kind: 'ImageStreamTag',
            name: expect.stringMatching(/^web-bases:debian-12-arm64-[0-9a-f]{8}$/),
          },
          as: ['debian:12'],
        },
      ],
    });
  });

  test('pulls base images with the Secret that is named for them', () => {
    // That of an image of `source` is for files that OpenShift itself copies from it [read in openshift/builder].
    const baseImages = [{ from: 'debian:12', pullSecretRef: { name: 'hub' } }];
    for (const source of [git.source, inline.source])
      expect(made({ source, baseImages }).spec.strategy.dockerStrategy).toMatchObject({
        pullSecret: { name: 'hub' },
      });
    expect(made(git).spec.strategy.dockerStrategy).not.toHaveProperty('pullSecret');
  });

  test('has one image for two platforms where the last FROM is one of them, and OpenShift takes it', () => {
    const dockerfile = 'FROM --platform=$BUILDPLATFORM debian:12 AS a\nFROM debian:12\nCOPY --from=a /x /\n';
    const one = made({ source: { dockerfile } });
    const tag = (platform: string) => expect.stringMatching(new RegExp(`^web-bases:debian-12-${platform}-`));
    expect(one.spec.strategy.dockerStrategy).toMatchObject({
      from: { kind: 'ImageStreamTag', name: tag('arm64') },
    });
    expect(one.spec.source['images']).toEqual([
      { from: { kind: 'ImageStreamTag', name: tag('amd64') }, as: ['debian:12'] },
    ]);
    expect(kept(one, 'source')).toEqual(one.spec.source);
  });

  test('of a text alone has that text, and no Secret for git', () => {
    const source = { ...inline.source, secretRef: { name: 'git' } };
    const { spec } = made({ source });
    expect(Object.keys(spec.source).sort()).toEqual(['dockerfile', 'images', 'type']);
    expect(spec.strategy.dockerStrategy).not.toHaveProperty('dockerfilePath');
  });

  test('of a text instead of the repository’s has both', () => {
    const { spec } = made({ source: { ...git.source, ...inline.source, contextDir: 'web' } });
    expect(spec.source).toMatchObject({ type: 'Git', git: { uri }, ...inline.source, contextDir: 'web' });
  });

  test('has each pair of dollars twice: its pod’s environment makes one of two', () => {
    const { spec } = made({
      source: { dockerfile: 'FROM debian:12\nRUN kill $$ $x $(y) $$$\n' },
      buildArgs: [{ name: 'A', value: 'pa$$word' }],
      output: { labels: { a: '$$' } },
    });
    expect(spec.source['dockerfile']).toBe('FROM debian:12\nRUN kill $$$$ $x $(y) $$$$$$\n');
    expect(spec.strategy.dockerStrategy.buildArgs).toContainEqual({ name: 'A', value: 'pa$$$$word' });
    expect(spec['output']).toMatchObject({ imageLabels: [{ name: 'a', value: '$$$$' }] });
  });

  test('never replaces the last FROM by name, since that could be a stage', () => {
    const { spec } = made({ source: { dockerfile: 'FROM debian:12 AS a\nFROM a\n' } });
    expect(spec.strategy.dockerStrategy).not.toHaveProperty('from');
    expect(spec.source['images']).toMatchObject([{ as: ['debian:12'] }]);
  });

  test.each<[string, object]>([
    ['paths that are clean', { contextDir: 'a/b', dockerfilePath: 'docker/Dockerfile.arm64' }],
    ['the defaults', {}],
    ['paths with dots', { contextDir: './a/./b', dockerfilePath: './Dockerfile' }],
    ['hidden paths', { contextDir: '.hidden/..b', dockerfilePath: '.Dockerfile' }],
    ['a Dockerfile that is no file', { dockerfilePath: '.' }],
    ['the root itself', { contextDir: './.', dockerfilePath: '././x' }],
  ])('is what the server keeps, with %s: to apply it again changes nothing', (_, paths) => {
    const one = made({
      source: { ...git.source, ...paths },
      triggers: { webhooks: [{ type: 'Generic', secretRef: { name: 'h' } }] },
    });
    for (const field of Object.keys(one.spec))
      expect([field, kept(one, field)]).toEqual([field, one.spec[field]]);
  });

  test('starts no build by itself: the operator does, once', () => {
    expect(made(git).spec).not.toHaveProperty('triggers');
  });

  test('runs where the platform’s programs run', () => {
    expect(made(git).spec['nodeSelector']).toEqual({
      ...{ 'kubernetes.io/arch': 'amd64', 'emulation.edgebuild.io/arm64': 'ready' },
    });
    expect(made(git, { execution: 'Native' }).spec['nodeSelector']).toEqual({
      'kubernetes.io/arch': 'arm64',
    });
  });

  test('pushes to the platform’s staging tag, never to what users pull', () => {
    const { spec } = made({ ...git, output: { imageStreamTag: 'site:1.2', labels: { b: '2', a: '1' } } });
    expect(spec['output']).toEqual({
      to: { kind: 'ImageStreamTag', name: 'site:1.2-arm64' },
      imageLabels: [
        { name: 'a', value: '1' },
        { name: 'b', value: '2' },
      ],
    });
  });

  test('carries limits and history', () => {
    const resources = { requests: { cpu: '1' }, limits: { memory: '2Gi' } };
    expect(
      made({ ...git, resources, timeoutSeconds: 60, history: { successful: 0, failed: 7 } }).spec,
    ).toMatchObject({
      resources,
      completionDeadlineSeconds: 60,
      // At least one: what came of it is read from it.
      successfulBuildsHistoryLimit: 1,
      failedBuildsHistoryLimit: 7,
      runPolicy: 'Serial',
    });
    expect(made(git).spec).not.toHaveProperty('resources');
  });
});

describe('build arguments', () => {
  test.each<[PlatformName, object]>([
    ['linux/arm64', { TARGETPLATFORM: 'linux/arm64', TARGETOS: 'linux', TARGETARCH: 'arm64' }],
    ['linux/arm/v7', { TARGETPLATFORM: 'linux/arm/v7', TARGETARCH: 'arm', TARGETVARIANT: 'v7' }],
    ['linux/386', { TARGETPLATFORM: 'linux/386', TARGETARCH: '386' }],
  ])('say what is built: %s', (platform, expected) => {
    const given = argumentsOf(made(git, { platform }));
    expect(given).toMatchObject(expected);
    expect(given).toMatchObject({ BUILDPLATFORM: 'linux/amd64', BUILDOS: 'linux', BUILDARCH: 'amd64' });
    expect(Object.values(given)).not.toContain('');
  });

  test('of the author stand once, in their order, and never change the platform', () => {
    const buildArgs = [
      { name: 'VERSION', value: '1.2' },
      { name: 'TARGETARCH', value: 'mine' },
      { name: 'TARGETPLATFORM', value: 'linux/amd64' },
      { name: 'EMPTY', value: '' },
    ];
    const one = made({ ...git, buildArgs });
    const names = one.spec.strategy.dockerStrategy.buildArgs.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.slice(-3)).toEqual(['VERSION', 'TARGETARCH', 'EMPTY']);
    expect(argumentsOf(one)).toMatchObject({
      ...{ TARGETPLATFORM: 'linux/arm64', TARGETARCH: 'mine', VERSION: '1.2', EMPTY: '' },
    });
  });

  test('are arguments alone, whatever they are called: no environment of the builder', () => {
    const names = [...['LD_PRELOAD', 'BASH_ENV', 'NODE_OPTIONS', 'BUILD_PRIVILEGED', 'GIT_SSL_NO_VERIFY']];
    const one = made({ ...git, buildArgs: names.map((name) => ({ name, value: 'x' })) });
    expect(Object.keys(argumentsOf(one))).toEqual(expect.arrayContaining(names));
    expect(Object.keys(one.spec.strategy.dockerStrategy).sort()).toEqual(['buildArgs', 'dockerfilePath']);
  });
});

describe('the label of what is built', () => {
  const before = made(git);

  test.each<[string, object, Partial<BuildConfigInput>]>([
    ['another source', { source: { git: { uri, ref: 'other' } } }, {}],
    ['another directory', { source: { ...git.source, contextDir: 'x' } }, {}],
    ['another Dockerfile', { source: { ...git.source, dockerfilePath: 'x' } }, {}],
    ['another Dockerfile’s text', { source: { ...git.source, dockerfile: 'FROM debian:12\n' } }, {}],
    ['another argument', { ...git, buildArgs: [{ name: 'A', value: 'b' }] }, {}],
    ['another base', { ...git, baseImages: [{ from: 'debian' }] }, {}],
    ['another destination', { ...git, output: { imageStreamTag: 'x:y' } }, {}],
    ['another label', { ...git, output: { labels: { a: 'b' } } }, {}],
    ['another check', { ...git, verify: { command: ['true'] } }, {}],
    ['another platform', git, { platform: 'linux/s390x' }],
    ['a base that is new', git, { baseDigests: ['sha256:2'] }],
  ])('changes with %s', (_, given, rest) => {
    expect(inputsOf(made(given, rest))).not.toBe(inputsOf(before));
  });

  test.each<[string, object, Partial<BuildConfigInput>]>([
    ['the place', git, { execution: 'Native' }],
    ['the time', { ...git, timeoutSeconds: 5 }, {}],
    ['resources', { ...git, resources: { limits: { memory: '1Gi' } } }, {}],
    ['history', { ...git, history: { successful: 1 } }, {}],
    ['retries', { ...git, retry: { limit: 0 } }, {}],
    ['being suspended', { ...git, suspend: true }, {}],
    ['webhooks', { ...git, triggers: { webhooks: [{ type: 'GitHub', secretRef: { name: 'h' } }] } }, {}],
    ['how it is published', { ...git, publish: 'Succeeded', output: { deletionPolicy: 'Delete' } }, {}],
    ['running it', { ...git, deploy: { port: 80 } }, {}],
    ['an address of the command line', { ...git, output: { image: 'quay.io/a/b' } }, {}],
    ['the same path in other words', { source: { ...git.source, contextDir: './.', dockerfilePath: './Dockerfile' } }, {}],
  ])('stays with another choice of %s', (_, given, rest) => {
    expect(inputsOf(made(given, rest))).toBe(inputsOf(before));
  }); // prettier-ignore

  test('is the value of a label, and no long one', () => {
    expect(inputsOf(before)).toMatch(/^[0-9a-f]{12}-[0-9a-f]{12}$/);
    expect(inputsOf(made(git, { baseDigests: undefined }))).toMatch(/^[0-9a-f]{12}$/);
  });

  test('tells a new base from a new spec', () => {
    const newBase = inputsOf(made(git, { baseDigests: ['sha256:2'] }));
    const newSpec = inputsOf(made({ ...git, buildArgs: [{ name: 'A', value: 'b' }] }));
    expect(areOfSameSpec(inputsOf(before), newBase)).toBe(true);
    expect(areOfSameSpec(inputsOf(before), newSpec)).toBe(false);
  });

  test('labels in another order are the same labels', () => {
    const [one, other] = [{ a: '1', b: '2' }, { b: '2', a: '1' }].map((labels) => made({ ...git, output: { labels } }));
    expect(isDeepStrictEqual(one, other)).toBe(true);
  }); // prettier-ignore
});

describe('webhooks', () => {
  const types = ['GitHub', 'GitLab', 'Bitbucket', 'Generic'] as const;
  const webhooks = types.map((type) => ({ type, secretRef: { name: `hook-${type.toLowerCase()}` } }));

  test('are triggers that name a Secret, of a shape that the server keeps', () => {
    const one = made({ ...git, triggers: { webhooks } });
    expect(one.spec['triggers']).toEqual([
      { type: 'GitHub', github: { secretReference: { name: 'hook-github' } } },
      { type: 'GitLab', gitlab: { secretReference: { name: 'hook-gitlab' } } },
      { type: 'Bitbucket', bitbucket: { secretReference: { name: 'hook-bitbucket' } } },
      { type: 'Generic', generic: { secretReference: { name: 'hook-generic' } } },
    ]);
  });

  test('are shut while it is suspended', () => {
    expect(made({ ...git, suspend: true, triggers: { webhooks } }).spec).not.toHaveProperty('triggers');
  });

  test('have a path without the secret', () => {
    expect(webhookPath('team-1', 'web', 'linux/arm/v7', 'GitHub')).toBe(
      '/apis/build.openshift.io/v1/namespaces/team-1/buildconfigs/web-arm-v7/webhooks/<secret>/github',
    );
  });
});
