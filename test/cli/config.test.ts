import { describe, expect, test } from '@jest/globals';
import { homedir } from 'node:os';
import { readConfig } from '../../src/config.ts';

describe('the cache directory', () => {
  test.each([
    [
      'XDG_CACHE_HOME where it is set',
      { XDG_CACHE_HOME: '/srv/cache', HOME: '/home/a' },
      '/srv/cache/edgebuild',
    ],
    [
      'not a relative XDG_CACHE_HOME',
      { XDG_CACHE_HOME: 'cache', HOME: '/home/a' },
      '/home/a/.cache/edgebuild',
    ],
    ['~/.cache otherwise', { HOME: '/home/a' }, '/home/a/.cache/edgebuild'],
    ['the home that the system knows, without HOME', {}, `${homedir()}/.cache/edgebuild`],
  ])('is %s', (_, env, directory) => {
    expect(readConfig(env).cacheDirectory).toBe(directory);
  });
});

describe('colours and live lines', () => {
  test.each([
    [{}, { colors: true, liveLines: true }],
    [{ NO_COLOR: '1' }, { colors: false, liveLines: true }],
    [{ NO_COLOR: '' }, { colors: true, liveLines: true }],
    [{ CI: 'true' }, { colors: true, liveLines: false }],
    [{ CI: 'false' }, { colors: true, liveLines: true }],
    [{ TERM: 'dumb' }, { colors: false, liveLines: false }],
  ])('%j', (env, expected) => {
    expect(readConfig(env)).toMatchObject(expected);
  });
});

describe('the environment of programs', () => {
  test('holds what they need, and no secret, no option of Node or git, no loader variable', () => {
    const passed = {
      PATH: '/bin',
      HOME: '/home/a',
      XDG_RUNTIME_DIR: '/run/user/1',
      REGISTRY_AUTH_FILE: '/a.json',
      https_proxy: 'http://proxy:3128',
      NO_PROXY: 'localhost',
      SSH_AUTH_SOCK: '/s',
      SSL_CERT_FILE: '/c.pem',
      CONTAINERS_REGISTRIES_CONF: '/r.conf',
      LC_ALL: 'C.UTF-8',
    };
    const kept = {
      GITHUB_TOKEN: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      NODE_OPTIONS: '--inspect',
      LD_PRELOAD: '/x.so',
      GIT_CONFIG_COUNT: '1',
      BUILDAH_ISOLATION: 'x',
      VERSION: '1',
    };
    expect(readConfig({ ...passed, ...kept }).environment).toEqual(passed);
  });

  test('cannot be changed afterwards', () => {
    expect(Object.isFrozen(readConfig({}))).toBe(true);
    expect(Object.isFrozen(readConfig({}).environment)).toBe(true);
  });
});
