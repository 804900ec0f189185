import { describe, expect, test } from '@jest/globals';
import { loadAll } from 'js-yaml';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { edgebuild } from './edgebuild.ts';

const run = (...args: readonly string[]) => edgebuild(tmpdir(), args);

describe('help', () => {
  test('lists the commands and the exit codes', async () => {
    const { exitCode, stdout, stderr } = await run('--help');
    for (const word of ['build', 'verify', 'render', 'status', 'crds', 'Examples:', '130  interrupted'])
      expect(stdout).toContain(word);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
  });

  test.each(['build', 'verify', 'render', 'status', 'crds'])('of %s has an example', async (command) => {
    const { exitCode, stdout } = await run(command, '--help');
    expect(stdout).toMatch(/Examples?:\n {2}edgebuild /);
    expect(exitCode).toBe(0);
  });

  test('fits a terminal of 80 columns', async () => {
    for (const command of [[], ['build'], ['verify'], ['render'], ['status'], ['crds']]) {
      const { stdout } = await run(...command, '--help');
      expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    }
  });
});

test('the version is that of package.json', async () => {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  expect(await run('--version')).toEqual({ exitCode: 0, stdout: version, stderr: '' });
});

test.each([
  [[], 'Usage: edgebuild'],
  [['bild'], 'Did you mean build?'],
  [['--nothing'], "unknown option '--nothing'"],
])('%j is wrong, and ends with 2', async (args, message) => {
  const { exitCode, stdout, stderr } = await run(...args);
  expect(stderr).toContain(message);
  expect(stdout).toBe('');
  expect(exitCode).toBe(2);
});

test('crds prints what kubectl apply takes', async () => {
  const { exitCode, stdout } = await run('crds');
  const [definition] = loadAll(stdout);
  expect(definition).toMatchObject({
    kind: 'CustomResourceDefinition',
    spec: { names: { kind: 'EdgeBuild' } },
  });
  expect(exitCode).toBe(0);
});
