import { describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import type { EdgeBuild } from '../../src/api/edgebuild.ts';
import { validateEdgeBuild } from '../../src/api/validate.ts';
import { render, type RenderFlags } from '../../src/cli/render.ts';
import { renderedOf } from '../../src/edgebuild/rendered.ts';
import { labelKeys } from '../../src/engines/openshift/names.ts';
import type { OpenShiftObject } from '../../src/engines/openshift/types.ts';
import { clusterOf, edgeBuild as applied, planned } from '../edgebuild/cluster.ts';
import { settled } from '../edgebuild/progress.ts';
import { directoryWith, edgebuild } from './edgebuild.ts';
import { begin, type Ended } from './in-process.ts';

const dockerfile = 'FROM debian:12 AS make\nRUN make\nFROM debian:12-slim\nCOPY --from=make /web /web\n';
const textOf = (spec: object = {}, metadata: object = { name: 'web' }): string =>
  JSON.stringify({
    ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata },
    spec: { source: { dockerfile }, ...spec },
  });

const run = async (input: string, flags: Partial<RenderFlags> = {}): Promise<Ended> => {
  const file = join(await directoryWith({ 'x.yaml': input }), 'x.yaml');
  const ended = await begin((terminal) => render({ file, output: 'yaml', ...flags }, terminal)).ended;
  return { ...ended, stderr: ended.stderr.replaceAll(file, 'x.yaml').trimEnd() };
};

const namesOf = (objects: readonly unknown[]): readonly string[] =>
  (objects as readonly OpenShiftObject[]).map(
    ({ kind, metadata }) => `${kind} ${metadata.namespace ?? '-'}/${metadata.name}`,
  );

/** As the operator applies them; what only it knows left out. */
const byOperator = (spec: object): readonly OpenShiftObject[] => {
  const { children } = planned(settled(clusterOf(applied(spec))));
  if (children === undefined) throw new Error('nothing is applied');
  const { baseStream, buildConfigs, service, route } = children;
  return [baseStream, ...buildConfigs, service, route].flatMap((object) => object ?? []).map(asUnknown);
};

/** The digests of base images are known once they were imported. */
const asUnknown = (object: OpenShiftObject): OpenShiftObject => {
  const { [labelKeys.inputs]: inputs = '', ...labels } = object.metadata.labels ?? {};
  const known = inputs === '' ? labels : { ...labels, [labelKeys.inputs]: inputs.split('-')[0] ?? '' };
  return { ...object, metadata: { ...object.metadata, labels: known } };
};

const objectOf = (spec: object, metadata: object = { name: 'web' }): EdgeBuild => {
  const verdict = validateEdgeBuild(JSON.parse(textOf(spec, metadata)));
  if ('faults' in verdict) throw new Error(JSON.stringify(verdict.faults));
  return verdict.edgeBuild;
};

describe('what is rendered is what the operator applies', () => {
  const git = { source: { git: { uri: 'https://example.org/web.git', ref: 'main' }, contextDir: './a' } };
  test.each<[string, object]>([
    ['one platform', {}],
    ['every platform there is, each with its own bases', { platforms: ['linux/arm64', 'linux/amd64', 'linux/386', 'linux/arm/v7', 'linux/s390x', 'linux/riscv64', 'linux/mips64le'] }],
    ['a Dockerfile in git', { ...git, baseImages: [{ from: 'debian:12', pullSecretRef: { name: 'hub' } }] }],
    ['a Dockerfile in git, of which nothing is known', git],
    ['nothing to start from', { source: { dockerfile: 'FROM scratch\nCOPY . /\n' } }],
    ['a program to be tried, labels, arguments and limits', { verify: { command: ['/bin/true', "it's"] }, output: { labels: { a: 'b' } }, buildArgs: [{ name: 'A', value: 'b' }], resources: { limits: { memory: '1Gi' } } }],
    ['a Service and a Route', { deploy: { port: 8080, expose: true } }],
    ['webhooks and no look-out for new bases', { triggers: { onBaseImageChange: false, webhooks: [{ type: 'GitHub', secretRef: { name: 'hook' } }] } }],
    ['only emulated', { execution: 'Emulated', platforms: ['linux/arm64', 'linux/riscv64'] }],
  ])('%s', (_, spec) => {
    const whole = { source: { dockerfile }, ...spec };
    const { objects } = renderedOf(objectOf(whole));
    const ours = objects.filter(({ kind, metadata }) => kind !== 'ImageStream' || metadata.name !== 'web');
    expect(ours.map(asUnknown)).toEqual(byOperator(whole));
  }); // prettier-ignore

  test('the output ImageStream has no tag yet', () => {
    const { objects } = renderedOf(objectOf({ output: { imageStreamTag: 'app:1.2' } }));
    expect(objects.find(({ metadata }) => metadata.name === 'app')).toEqual({
      ...{ apiVersion: 'image.openshift.io/v1', kind: 'ImageStream', spec: {} },
      metadata: { name: 'app', labels: { 'app.kubernetes.io/managed-by': 'edgebuild' } },
    });
  });

  test('a platform with nodes of its own alone is built there', () => {
    const { objects } = renderedOf(objectOf({ execution: 'Native' }));
    expect(objects.at(-1)).toMatchObject({ spec: { nodeSelector: { 'kubernetes.io/arch': 'arm64' } } });
  });
});

describe('edgebuild render', () => {
  test('prints YAML that reads back as the same objects as JSON, twice the same', async () => {
    // Words of YAML 1.1 that a plain scalar would turn into something else.
    const values = [
      'yes',
      'off',
      'null',
      '012',
      '1:20',
      '1e3',
      '2001-01-01',
      ' x ',
      "it's",
      'a: b #',
      '\u0085',
    ];
    const buildArgs = values.map((value, index) => ({ name: `A${String(index)}`, value }));
    const spec = { buildArgs, deploy: { port: 80 }, verify: { command: ['sh', '-c', 'echo 1\necho 2'] } };
    const input = textOf(spec);
    const [yaml, again, json] = [await run(input), await run(input), await run(input, { output: 'json' })];
    expect(again).toEqual(yaml);
    const list = JSON.parse(json.stdout) as { readonly kind: string; readonly items: readonly unknown[] };
    expect(loadAll(yaml.stdout)).toEqual(list.items);
    expect(list.kind).toBe('List');
    expect(namesOf(list.items)).toEqual([
      ...['ImageStream -/web-bases', 'ImageStream -/web', 'BuildConfig -/web-arm64', 'Service -/web'],
    ]);
    expect(yaml.stderr).toBe('# web: no Deployment: its image is known once one was built; the operator makes it then'); // prettier-ignore
    expect([yaml.exitCode, json.exitCode]).toEqual([0, 0]);
  });

  test('of several EdgeBuilds prints an ImageStream once that they share, and skips other objects', async () => {
    const input = [
      textOf({ output: { imageStreamTag: 'app:web' } }),
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' } }),
      textOf({ output: { imageStreamTag: 'app:api' } }, { name: 'api', namespace: 'shop' }),
    ].join('\n---\n');
    const { stdout, stderr, exitCode } = await run(input, { namespace: 'shop' });
    expect(namesOf(loadAll(stdout))).toEqual([
      ...['ImageStream shop/web-bases', 'ImageStream shop/app', 'BuildConfig shop/web-arm64'],
      ...['ImageStream shop/api-bases', 'BuildConfig shop/api-arm64'],
    ]);
    expect(stderr).toBe('skipping ConfigMap settings: not an EdgeBuild');
    expect(exitCode).toBe(0);
  });

  test.each([
    ['no BuildConfig for linux/amd64: execution is Emulated, and linux/amd64 is the nodes', { execution: 'Emulated', platforms: ['linux/amd64'] }],
    ['no ImageStream of base images: the Dockerfile is in git', { source: { git: { uri: 'https://example.org/a.git' } } }],
    ['an owner of the output ImageStream', { output: { deletionPolicy: 'Delete' } }],
  ])('says on standard error what is missing: %s', async (note, spec) => {
    const { stderr, exitCode } = await run(textOf(spec));
    expect(stderr).toMatch(/^# web: /);
    expect(stderr).toContain(note);
    expect(exitCode).toBe(0);
  }); // prettier-ignore

  test.each<[string, string, string, Partial<RenderFlags>]>([
    ['an unknown field, in the words of build', textOf({ platfroms: [] }), 'unknown field "spec.platfroms": did you mean "platforms"?', {}],
    ['a bad platform', textOf({ platforms: ['linux/arm9'] }), 'spec.platforms[0]: Unsupported value: "linux/arm9"', {}],
    ['a Dockerfile with a fault', textOf({ source: { dockerfile: 'FROM scratch\nRUN <<E\nE\n' } }), 'web: spec.source.dockerfile line 2: ', {}],
    ['a Dockerfile that cannot be read', textOf({ source: { dockerfile: 'RUN x\n' } }), 'web: spec.source.dockerfile line 1: RUN before the first FROM', {}],
    ['a base that is no image', textOf({ source: { dockerfile: 'FROM Debian\n' } }), 'web: spec.source.dockerfile "Debian" is not the name of an image', {}],
    ['no EdgeBuild', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}', 'no object with apiVersion: edgebuild.io/v1alpha1', {}],
    ['another namespace than its own', textOf({}, { name: 'web', namespace: 'shop' }), '--namespace team: web says that its namespace is shop', { namespace: 'team' }],
    ['two of one tag', `${textOf()}\n---\n${textOf({ output: { imageStreamTag: 'web:latest' } }, { name: 'api' })}`, 'web and api would both publish to web:latest', {}],
    ['two of one name', `${textOf()}\n---\n${textOf({ output: { imageStreamTag: 'web:2' } })}`, 'ImageStream web-bases would be made twice for web', {}],
    ['bases and images in one stream', textOf({ output: { imageStreamTag: 'web-bases:1' } }), 'ImageStream web-bases would be made twice for web', {}],
  ])('%s ends with 2, and nothing is printed', async (_, input, message, flags) => {
    const { stdout, stderr, exitCode } = await run(input, flags);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(exitCode).toBe(2);
  }); // prettier-ignore

  test('as a program reads standard input, and refuses what it does not know', async () => {
    const directory = await directoryWith();
    const { stdout, exitCode } = await edgebuild(directory, ['render', '-f', '-'], { input: textOf() });
    expect(namesOf(loadAll(stdout))).toContain('BuildConfig -/web-arm64');
    expect(exitCode).toBe(0);
    const nothing = await edgebuild(directory, ['render']);
    expect(nothing).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('-f FILE is missing') });
    const text = await edgebuild(directory, ['render', '-f', '-', '-o', 'text'], { input: textOf() });
    expect(text).toMatchObject({ exitCode: 2, stdout: '' });
  });

  test('names every fault of every object', async () => {
    const bad = (name: string) => textOf({ source: { dockerfile: 'RUN x\n' } }, { name });
    const { stderr } = await run(`${bad('one')}\n---\n${bad('two')}`);
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^error: x\.yaml: one: spec\.source\.dockerfile line 1/),
      expect.stringMatching(/^error: x\.yaml: two: spec\.source\.dockerfile line 1/),
    ]);
  });
});
