import { describe, expect, test } from '@jest/globals';
import { InputError } from '../../src/api/errors.ts';
import { loadEdgeBuilds } from '../../src/api/load.ts';

const web = `apiVersion: edgebuild.io/v1alpha1
kind: EdgeBuild
metadata:
  name: web
spec:
  source:
    dockerfile: FROM scratch
`;

const refusalOf = (text: string): string => {
  try {
    loadEdgeBuilds(text, 'x.yaml');
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
};

const namesIn = (text: string): string[] =>
  loadEdgeBuilds(text, 'x.yaml').edgeBuilds.map(({ metadata }) => metadata.name);

describe('what is read', () => {
  test.each([
    ['one document', web, ['web']],
    [
      'several documents, empty ones among them',
      `---\n${web}---\n---\n${web.replace('web', 'api')}`,
      ['web', 'api'],
    ],
    [
      'JSON',
      JSON.stringify({
        apiVersion: 'edgebuild.io/v1alpha1',
        kind: 'EdgeBuild',
        metadata: { name: 'j' },
        spec: { source: { dockerfile: 'FROM a' } },
      }),
      ['j'],
    ],
    [
      'a List, as kubectl prints it',
      `kind: List\nitems:\n- ${web.trim().replaceAll('\n', '\n  ')}\n`,
      ['web'],
    ],
    ['CRLF and a byte order mark', `\uFEFF${web.replaceAll('\n', '\r\n')}`, ['web']],
    ['an anchor and its alias', `${web}  verify: {command: [&a "x", *a]}\n`, ['web']],
    ['a merge key', `${web}  output: {labels: {<<: {a: b}}}\n`, ['web']],
  ])('%s', (_, text, names) => {
    expect(namesIn(text)).toEqual(names);
  });

  test('objects of other kinds are named and skipped', () => {
    const text = `${web}---\nkind: ConfigMap\nmetadata: {name: c}\n---\napiVersion: edgebuild.io/v1alpha1\nkind: NodeEmulation\n`;
    expect(loadEdgeBuilds(text, 'x.yaml').skipped).toEqual([
      { kind: 'ConfigMap', name: 'c' },
      { kind: 'NodeEmulation', name: '' },
    ]);
  });

  test('a status is dropped unread', () => {
    expect(loadEdgeBuilds(`${web}status: {conditions: 7}\n`, 'x.yaml').edgeBuilds[0]).not.toHaveProperty(
      'status',
    );
  });
});

describe('what is refused, and how', () => {
  const supported =
    '"linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6", "linux/386", "linux/ppc64le", "linux/s390x", "linux/riscv64", "linux/mips64le"';
  test.each([
    [
      'a field, with its place',
      `${web}  platforms: [linux/arm64, linux/foo]\n`,
      `x.yaml:8:28: spec.platforms[1]: Unsupported value: "linux/foo": supported values: ${supported}`,
    ],
    [
      'an unknown field, with the one that was meant',
      `${web}  platfroms: []\n`,
      'x.yaml:8:3: unknown field "spec.platfroms": did you mean "platforms"?',
    ],
    [
      'a missing field, at what should hold it',
      web.replace('  source:\n    dockerfile: FROM scratch', '  timeoutSeconds: 5'),
      'x.yaml:5:1: spec.source: Required value',
    ],
    [
      'all problems of all documents at once',
      `${web}  retry: {limit: -1}\n---\n${web.replace('name: web', 'name: Web')}  publish: x\n`,
      [
        'x.yaml:8:11: spec.retry.limit: Invalid value: -1: spec.retry.limit in body should be greater than or equal to 0',
        `x.yaml:13:3: metadata.name: Invalid value: "Web": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
        'x.yaml:17:3: spec.publish: Unsupported value: "x": supported values: "AllPlatforms", "Succeeded"',
      ].join('\n'),
    ],
    [
      'an item of a List',
      `kind: List\nitems:\n- ${web.trim().replaceAll('\n', '\n  ')}\n    execution: x\n`,
      'x.yaml:10:5: spec.execution: Unsupported value: "x": supported values: "PreferNative", "Native", "Emulated"',
    ],
    [
      'another apiVersion',
      web.replace('v1alpha1', 'v1'),
      'x.yaml:1:1: apiVersion: Unsupported value: "edgebuild.io/v1": supported values: "edgebuild.io/v1alpha1"',
    ],
    ['no apiVersion', web.replace(/^.*\n/, ''), 'x.yaml: apiVersion: Required value'],
    [
      'a kind that is nearly right',
      web.replace('EdgeBuild', 'Edgebuild'),
      'x.yaml:2:1: kind: Invalid value: "Edgebuild": must be EdgeBuild',
    ],
    ['no kind', 'spec: {}', 'x.yaml: kind: Required value'],
    ['a text', 'hello', 'x.yaml: not an object: it must have apiVersion and kind'],
    [
      'nothing',
      '\n',
      'x.yaml: no object with apiVersion: edgebuild.io/v1alpha1 and kind: EdgeBuild in it: it is empty',
    ],
    [
      'only other kinds',
      'kind: Pod\nmetadata: {name: p}\n',
      'x.yaml: no object with apiVersion: edgebuild.io/v1alpha1 and kind: EdgeBuild in it: there is only Pod p',
    ],
    ['a key twice', `${web}kind: EdgeBuild\n`, 'x.yaml:8:1: not readable as YAML: duplicated mapping key'],
    [
      'yes, which kubectl reads as true',
      `${web}  buildArgs: [{name: A, value: yes}]\n`,
      'x.yaml:8:25: spec.buildArgs[0].value: Invalid value: "boolean": spec.buildArgs[0].value in body must be of type string: "boolean"',
    ],
    [
      'a field named __proto__',
      `${web}  __proto__: {}\n`,
      'x.yaml:8:3: unknown field "spec.__proto__": known here: source, platforms, execution, baseImages, buildArgs, output, verify, deploy, triggers, retry, publish, timeoutSeconds, resources, history, suspend',
    ],
    [
      'too long a file',
      '#'.repeat(10 * 1024 * 1024 + 1),
      'x.yaml: Too long: may not be more than 10485760 characters',
    ],
  ])('%s', (_, text, message) => {
    expect(refusalOf(text)).toBe(message);
  });

  test.each([
    ['a broken flow', 'a: [1, 2\nb: 3\n', /^x\.yaml:2:1: not readable as YAML: /],
    ['a tab for indentation', 'a:\n\tb: 1\n', /^x\.yaml:2:\d+: not readable as YAML: /],
    ['nesting without end', '['.repeat(100_000), /^x\.yaml:1:\d+: not readable as YAML: /],
    ['aliases without end', `a: &a x\nb: [${'*a, '.repeat(1000)}]`, /^x\.yaml:2:\d+: not readable as YAML: /],
  ])('%s, with line and column', (_, text, message) => {
    expect(refusalOf(text)).toMatch(message);
  });

  test('aliases that unfold to a billion values, at once', () => {
    const levels = Array.from(
      { length: 5 },
      (_, level) =>
        `l${level}: &l${level} [${level === 0 ? 'x, '.repeat(500) : `*l${level - 1}, `.repeat(10)}]`,
    );
    expect(refusalOf(`${levels.join('\n')}\n${web.replace('kind: EdgeBuild', 'kind: *l4')}`)).toContain(
      'x.yaml: Too many: more than 1000000 values, or deeper than 100',
    );
  });

  test('aliases that make it deeper than any stack', () => {
    const level = (index: number): string =>
      `l${index}: &l${index} ${'['.repeat(97)}${index === 0 ? 'x' : `*l${index - 1}`}${']'.repeat(97)}`;
    const levels = Array.from({ length: 50 }, (_, index) => level(index)).join('\n');
    expect(refusalOf(`${levels}\n${web}  execution: *l49\n`)).toBe(
      'x.yaml: Too many: more than 1000000 values, or deeper than 100',
    );
  });

  test('more problems than anybody reads: the first hundred, and that there are more', () => {
    const keys = Array.from({ length: 5000 }, (_, index) => `k${index}: 1`).join('\n');
    const lines = refusalOf(`${web}${keys}`).split('\n');
    expect(lines).toHaveLength(101);
    expect(lines[99]).toMatch(/^x\.yaml:107:1: unknown field "k99"/);
    expect(lines[100]).toBe('x.yaml: and more: only the first 100 problems are shown');
  });

  test('more objects than a file may hold', () => {
    expect(refusalOf(`${web}---\n`.repeat(1001))).toBe(
      'x.yaml: Too many: 1001: must have at most 1000 objects',
    );
  });

  test('an error carries its issues as data', () => {
    const error = new InputError([
      { file: 'x', line: 1, column: 2, path: 'spec', message: 'Required value' },
    ]);
    expect(error).toMatchObject({ name: 'InputError', message: 'x:1:2: spec: Required value' });
    expect(error.issues[0]?.path).toBe('spec');
    expect(new InputError('a text').issues).toEqual([{ path: '', message: 'a text' }]);
  });
});
