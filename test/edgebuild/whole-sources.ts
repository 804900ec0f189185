/** Where sources come from, and what of an EdgeBuild gets into them. */
import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import * as kinds from '../../src/edgebuild/kinds.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import type { GitServer } from '../support/gitserver.ts';
import { all, subject } from './subject.ts';
import { createProjects, pushBase } from './whole-site.ts';

const [git, stages, args] = [subject('from-git'), subject('stages'), subject('arguments')];

/** Names that programs on the way would take for their own settings. */
const dangerous = {
  LD_PRELOAD: '/edgebuild/preloaded.so',
  BASH_ENV: '/edgebuild/bash-env',
  NODE_OPTIONS: '--require=/edgebuild/module.js',
  BUILD_PRIVILEGED: 'edgebuild-false',
  GIT_SSL_NO_VERIFY: 'edgebuild-true',
};
const nasty = `'"$HOME\` pa$$word $$$ $(id) \\n\n*`;
/** OpenShift's builder writes labels into the Dockerfile, where `$` and newlines mean something. */
const label = `'"\` \\n* é`;

const beginGit = async (base: string, server: GitServer): Promise<void> => {
  const repository = server.repository('sensor');
  repository.commit({
    'app/docker/Dockerfile.edge': 'FROM company-base:12\nCOPY greeting /greeting\n',
    'app/greeting': 'hello\n',
    greeting: 'not this one\n',
  });
  repository.git('tag', 'v1');
  repository.commit({ 'app/greeting': 'of a later commit\n' });
  await git.apply({
    source: {
      git: { uri: repository.uri, ref: 'v1' },
      ...{ contextDir: './app', dockerfilePath: './docker/Dockerfile.edge' },
    },
    baseImages: [{ from: 'company-base:12', image: base }],
    verify: { command: ['sh', '-c', 'test "$(cat /greeting)" = hello'] },
  });
};

const beginStages = async (base: string): Promise<void> => {
  const says = (platform: 'linux/amd64' | 'linux/arm64') => ({
    platform,
    members: [{ name: 'of', body: platform }],
  });
  const other = await pushBase('bases/other:1', says('linux/amd64'), says('linux/arm64'));
  await stages.apply({
    source: {
      dockerfile: [
        ...[`FROM ${base} AS made`, 'RUN echo made > /made'],
        ...['FROM made', `COPY --from=${other} /of /of`, 'RUN cat /made /of > /both\n'],
      ].join('\n'),
    },
    verify: { command: ['sh', '-c', `test "$(cat /both)" = "$(printf 'made\\nlinux/arm64')"`] },
  });
};

const beginArguments = async (base: string): Promise<void> => {
  const [names, values] = [Object.keys(dangerous), Object.values(dangerous)];
  const test = 'test "$(cat /arguments)" = "$1" && test "$(cat /nasty)" = "$2"';
  await args.apply({
    source: {
      dockerfile: [
        ...[`FROM ${base}`, ...[...names, 'NASTY'].map((name) => `ARG ${name}`)],
        `RUN echo "${names.map((name) => `$${name}`).join(',')}" > /arguments && printf %s "$NASTY" > /nasty\n`,
      ].join('\n'),
    },
    buildArgs: [
      ...Object.entries(dangerous).map(([name, value]) => ({ name, value })),
      { name: 'NASTY', value: nasty },
      { name: 'UNDECLARED', value: 'edgebuild-undeclared' },
    ],
    output: { labels: { 'org.example.words': label } },
    verify: { command: ['sh', '-c', test, 'sh', values.join(','), nasty] },
  });
};

export const beginSources = async (base: string, server: GitServer): Promise<void> => {
  await createProjects('from-git', 'stages', 'arguments');
  await Promise.all([beginGit(base, server), beginStages(base), beginArguments(base)]);
};

const configOf = async (reference: string) => {
  const { stdout } = await execa('skopeo', [
    'inspect',
    '--config',
    '--tls-verify=false',
    `docker://${reference}`,
  ]);
  return JSON.parse(stdout) as {
    readonly config: {
      readonly Env?: readonly string[];
      readonly Labels?: Readonly<Record<string, string>>;
    };
  };
};

interface Pod extends KubeObject {
  readonly spec: Readonly<
    Record<
      'containers' | 'initContainers',
      readonly { readonly env: readonly { readonly name: string }[]; readonly args?: readonly string[] }[]
    >
  >;
}

export const sources = (): void => {
  describe('a source', () => {
    test('in git is built from its directory at its ref, its FROM unchanged', async () => {
      const { messages } = await git.ready();
      expect(messages['BaseImagesReady']).toBe('every base image is of its platform');
      const [build] = await git.builds();
      expect(build?.spec).toMatchObject({
        source: { contextDir: 'app' },
        strategy: { dockerStrategy: { dockerfilePath: 'docker/Dockerfile.edge' } },
        revision: { git: { message: 'more' } },
      });
    });

    test('whose last FROM names a stage, and that copies from another image, finds both on its platform', async () => {
      await stages.ready();
    });

    test('is given build arguments as they are, whatever is in them', async () => {
      await args.ready();
    });

    test('is all that is given them: nothing that works on the build has one in its environment', async () => {
      const reference = (await args.ready()).object.status?.image?.reference ?? '';
      const [config] = await args.buildConfigs();
      expect(config?.spec).not.toHaveProperty('strategy.dockerStrategy.env');
      const pods = await all<Pod>(kinds.pods, 'arguments');
      const env = pods
        .flatMap(({ spec }) => [...spec.initContainers, ...spec.containers])
        .flatMap((container) => container.env.map(({ name }) => name));
      expect(env).toContain('BUILD');
      expect(env.filter((name) => name in dangerous || name === 'UNDECLARED')).toEqual([]);
      const { config: image } = await configOf(reference);
      expect(JSON.stringify(image.Env ?? [])).not.toMatch(/edgebuild/);
      expect(image.Labels?.['org.example.words']).toBe(label);
    });
  });
};
