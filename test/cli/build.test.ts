import { describe, expect, test } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import { directoryWith, edgebuild } from './edgebuild.ts';

/** An EdgeBuild as YAML, in the flow style; `spec` is merged over a good one. */
const edgeBuild = (spec: object = {}, metadata: object = { name: 'web' }): string =>
  JSON.stringify({
    apiVersion: 'edgebuild.io/v1alpha1',
    kind: 'EdgeBuild',
    metadata,
    spec: { source: { dockerfile: 'FROM scratch\nCOPY . /\n' }, ...spec },
  });

const git = (value: object): object => ({ source: { git: { uri: 'https://example.org/a.git', ...value } } });

/** Runs a build that must end before any work: nothing is written, nothing comes out, and no bug shows. */
const refused = async (
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
  input = '',
): Promise<string> => {
  const directory = await directoryWith({ ...files, '.keep': '' });
  const before = await readdir(directory, { recursive: true });
  const { exitCode, stdout, stderr } = await edgebuild(directory, ['build', ...args], { input });
  expect(stderr).not.toContain('This is a bug');
  expect(stdout).toBe('');
  expect(exitCode).toBe(2);
  expect(await readdir(directory, { recursive: true })).toEqual(before);
  return stderr;
};

describe('an object that is wrong ends with 2 and says where', () => {
  test.each([
    [
      'an unknown field, with the nearest name',
      edgeBuild({ platfroms: [] }),
      ['spec.platfroms', 'platforms'],
    ],
    ['a wrong type', edgeBuild({ timeoutSeconds: 'long' }), ['spec.timeoutSeconds', 'must be of type']],
    [
      'a bad platform',
      edgeBuild({ platforms: ['linux/arm9'] }),
      ['spec.platforms[0]', '"linux/arm9"', '"linux/arm64"'],
    ],
    ['a bad name', edgeBuild({}, { name: 'Web_1' }), ['metadata.name', 'Web_1']],
    ['git over ext::', edgeBuild(git({ uri: 'ext::sh -c x' })), ['spec.source.git.uri']],
    ['git over file://', edgeBuild(git({ uri: 'file:///etc' })), ['spec.source.git.uri', '--context']],
    [
      'a ref that is an option',
      edgeBuild(git({ ref: '--upload-pack=x' })),
      ['spec.source.git.ref', '--upload-pack=x'],
    ],
    [
      'a path that leads out',
      edgeBuild({ source: { dockerfile: 'FROM scratch', contextDir: '../x' } }),
      ['spec.source.contextDir', '..'],
    ],
    [
      'credentials in a URL, which are not repeated',
      edgeBuild(git({ uri: 'https://me:hunter2@example.org/a' })),
      ['spec.source.git.uri'],
    ],
  ])('%s', async (_, text, parts) => {
    const stderr = await refused(['-f', 'x.yaml'], { 'x.yaml': text });
    for (const part of parts) expect(stderr).toContain(part);
    expect(stderr).not.toContain('hunter2');
    expect(stderr).toContain('x.yaml');
  });

  test('YAML that cannot be read, with line and column', async () => {
    const stderr = await refused(['-f', 'x.yaml'], {
      'x.yaml': 'apiVersion: v1\nkind: [EdgeBuild\nspec: {}\n',
    });
    expect(stderr).toMatch(/x\.yaml:3:\d+/);
  });

  test('a file without an EdgeBuild, naming what is in it', async () => {
    const stderr = await refused(
      ['-f', '-'],
      {},
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n',
    );
    expect(stderr).toContain('ConfigMap');
    expect(stderr).toContain('no object with apiVersion: edgebuild.io/v1alpha1 and kind: EdgeBuild');
  });

  test('an empty file', async () => {
    expect(await refused(['-f', '-'])).toContain(
      'no object with apiVersion: edgebuild.io/v1alpha1 and kind: EdgeBuild',
    );
  });

  test('no control character of a file reaches the terminal', async () => {
    const stderr = await refused(['-f', '-'], {}, edgeBuild({ '\u001b]0;owned\u0007': 1 }));
    expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });
});

describe('flags that are wrong end with 2 and say which', () => {
  const two = edgeBuild({ platforms: ['linux/arm64', 'linux/s390x'] });
  test.each([
    ['no file', [], '-f FILE is missing'],
    ['a file that is not there', ['-f', 'none.yaml'], '-f none.yaml: there is no such file'],
    ['a directory for a file', ['-f', '.'], '-f .: it is a directory'],
    ['an unknown flag', ['-f', 'x.yaml', '--plaform', 'x'], "unknown option '--plaform'"],
    ['an argument too many', ['-f', 'x.yaml', 'more'], 'too many arguments'],
    [
      '--to and --push',
      ['-f', 'x.yaml', '--push', '--to', 'oci:x'],
      "'--push' cannot be used with option '--to",
    ],
    ['--to of no form', ['-f', 'x.yaml', '--to', 'x.tar'], 'must be oci-archive:PATH'],
    [
      '--to in no directory',
      ['-f', 'x.yaml', '--to', 'oci-archive:none/x.tar'],
      'cannot write into none: there is no such file or directory',
    ],
    [
      '--to a directory',
      ['-f', 'x.yaml', '--to', 'oci-archive:folder'],
      'it is a directory: name a file in it',
    ],
    [
      '--to a directory of other files',
      ['-f', 'x.yaml', '--to', 'oci:folder'],
      'the directory holds other files',
    ],
    ['--to a file for a directory', ['-f', 'x.yaml', '--to', 'oci:x.yaml'], 'it is a file: name a directory'],
    ['--push without spec.output.image', ['-f', 'x.yaml', '--push'], 'set spec.output.image'],
    [
      'a docker-archive of several platforms',
      ['-f', 'two.yaml', '--to', 'docker-archive:x.tar'],
      'use oci-archive:PATH',
    ],
    ['a --base of no form', ['-f', 'x.yaml', '--base', 'debian'], 'must be TEXT=REF'],
    ['a --base of no transport', ['-f', 'x.yaml', '--base', 'debian=x'], 'must begin with one of docker://'],
    [
      'a --context that is a file',
      ['-f', 'x.yaml', '--context', 'x.yaml'],
      '--context x.yaml: it is not a directory',
    ],
    [
      'a --context that is not there',
      ['-f', 'x.yaml', '--context', 'none'],
      '--context none: there is no such file',
    ],
    [
      'an --authfile that is not there',
      ['-f', 'x.yaml', '--authfile', 'none'],
      '--authfile none: there is no such file',
    ],
    [
      'a bad --platform, in the words of the schema',
      ['-f', 'x.yaml', '--platform', 'linux/arm9'],
      'Unsupported value: "linux/arm9": supported values: "linux/amd64"',
    ],
    [
      'a --platform twice',
      ['-f', 'x.yaml', '--platform', 'linux/386', '--platform', 'linux/386'],
      'Duplicate value: "linux/386"',
    ],
    ['no job', ['-f', 'x.yaml', '--jobs', '0'], 'It must be a whole number, 1 or more'],
    ['half a job', ['-f', 'x.yaml', '--jobs', '1.5'], 'It must be a whole number, 1 or more'],
    ['an unknown format', ['-f', 'x.yaml', '-o', 'xml'], 'Allowed choices are text, json, yaml'],
    ['--prune and a build', ['-f', 'x.yaml', '--prune'], "'--prune' cannot be used with option '-f"],
    [
      'two objects for one --to',
      ['-f', 'both.yaml', '--to', 'oci:x'],
      'web and api would both be written to oci:x',
    ],
  ])('%s', async (_, args, message) => {
    const files = {
      'x.yaml': edgeBuild(),
      'two.yaml': two,
      'both.yaml': `${edgeBuild()}\n---\n${edgeBuild({}, { name: 'api' })}\n`,
      'folder/file': '',
    };
    expect(await refused(args, files)).toContain(message);
  });

  test('other objects are named and skipped, before anything else is found wrong', async () => {
    const other = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n';
    const stderr = await refused(['-f', '-', '--push'], {}, `${other}---\n${edgeBuild()}\n`);
    expect(stderr).toMatch(/skip.*ConfigMap.*settings/);
    expect(stderr).toContain('set spec.output.image');
  });
});
