import { afterAll, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import { newDirectory, removeDirectories } from '../support/directories.ts';

afterAll(removeDirectories);

const good = {
  ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'x' },
  clusters: [{ name: 'x', cluster: { server: 'https://127.0.0.1:6443' } }],
  users: [{ name: 'x', user: { token: 'secret-token' } }],
  contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
};

const fileOf = (content: object | string): string => {
  const file = join(newDirectory(), 'kubeconfig');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};

const failure = (kubeconfig: string, context?: string): unknown => {
  try {
    loadKubeConfig({ kubeconfig, context });
  } catch (error) {
    return error;
  }
  return undefined;
};

const rows: readonly (readonly [string, object | string, string | RegExp])[] = [
  ['that is no YAML', '{{ nothing', /kubeconfig .* cannot be read/],
  ['that is empty', '', /kubeconfig/],
  ['without clusters', { ...good, clusters: [] }, /has no cluster for its current context "x"/],
  ['without users', { ...good, users: [] }, /has no user for its current context "x"/],
  ['whose context is missing', { ...good, contexts: [] }, /has no cluster for its current context "x"/],
  ['that names no context', { ...good, 'current-context': '' }, /has no cluster for its current context ""/],
  ['whose server is no URL', { ...good, clusters: [{ name: 'x', cluster: { server: 'somewhere' } }] }, /server "somewhere" is not a URL/], // prettier-ignore
  ['whose server is of another protocol', { ...good, clusters: [{ name: 'x', cluster: { server: 'ftp://a/' } }] }, /server "ftp:\/\/a\/?" is not a URL/], // prettier-ignore
];

test.each(rows)(
  'a kubeconfig %s is an error of the environment that names the file',
  (_title, content, message) => {
    const file = fileOf(content);
    const error = failure(file);
    expect(error).toMatchObject({ name: 'EnvironmentError', message: expect.stringMatching(message) });
    expect(error).toMatchObject({
      message: expect.stringContaining(file),
      remedy: expect.stringMatching(/kubectl/),
    });
    expect(String(error)).not.toContain('secret-token');
  },
);

test('so is one that is not there', () => {
  expect(failure('/no/such/kubeconfig')).toMatchObject({
    ...{ name: 'EnvironmentError', message: expect.stringContaining('/no/such/kubeconfig') },
    remedy: expect.stringContaining('--kubeconfig'),
  });
});

test('a context that it does not have is an error that names those it has', () => {
  expect(failure(fileOf(good), 'y')).toMatchObject({
    ...{ name: 'EnvironmentError', message: expect.stringContaining('"y"') },
    remedy: 'pass --context with one of x',
  });
});

test('a good one is read, with the context asked for', () => {
  const contexts = [...good.contexts, { name: 'y', context: { cluster: 'x', user: 'x' } }];
  const config = loadKubeConfig({ kubeconfig: fileOf({ ...good, contexts }), context: 'y' });
  expect([config.getCurrentContext(), config.getCurrentCluster()?.server]).toEqual([
    'y',
    'https://127.0.0.1:6443',
  ]);
});

test('of several files the first that names a current context wins, as kubectl has it', () => {
  const second = { ...good, 'current-context': 'z', clusters: [{ name: 'z', cluster: { server: 'https://z' } }], users: [{ name: 'z', user: {} }], contexts: [{ name: 'z', context: { cluster: 'z', user: 'z' } }] }; // prettier-ignore
  const config = loadKubeConfig({ kubeconfig: `${fileOf(good)}:${fileOf(second)}` });
  expect(config.getCurrentContext()).toBe('x');
  expect(config.getContexts().map(({ name }) => name)).toEqual(['x', 'z']);
});

test('a first file that names no current context leaves it to the second', () => {
  const { 'current-context': _none, ...first } = { ...good, contexts: [], clusters: [], users: [] };
  const config = loadKubeConfig({ kubeconfig: `${fileOf(first)}:${fileOf(good)}` });
  expect(config.getCurrentContext()).toBe('x');
});
