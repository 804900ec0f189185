import { beforeAll, describe, expect, test } from '@jest/globals';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort, newRepository, serveRepositories } from '../support/git-repository.ts';
import { type Ended, newWorkshop, platformOf } from '../support/workshop.ts';

const shop = newWorkshop();
const base = ['--base', `tiny=${shop.base('arm64', { platform: 'linux/arm64' })}`];
const repository = newRepository(shop.path('git/app'));
const secret = 'root-only canary';
const dockerfile = 'FROM tiny\nCOPY word /word\nRUN echo "the word is $(cat /word)"\n';
shop.write('outside/Dockerfile', `# ${secret}\nFROM tiny\n`);
const first = repository.commit({ Dockerfile: dockerfile, word: 'one\n' });
repository.git('tag', 'v1');
repository.git('checkout', '--quiet', '-b', 'side');
repository.commit({ word: 'side\n' });
repository.git('checkout', '--quiet', 'main');
const second = repository.commit({
  word: 'two\n',
  'web/Containerfile': dockerfile,
  'web/word': 'web\n',
  out: `-> ${shop.path('outside')}`,
  'Dockerfile.link': `-> ${shop.path('outside/Dockerfile')}`,
  'Dockerfile.inside': '-> Dockerfile',
});

let server = '';
beforeAll(async () => {
  server = await serveRepositories(shop.path('git'));
});

const buildOf = (git: Record<string, string>, source: Record<string, string> = {}): Promise<Ended> =>
  shop.build({ source: { git: { uri: `${server}/app`, ...git }, ...source } }, base);

describe('a git repository is built', () => {
  test.each([
    ['at its own HEAD', {}, 'two'],
    ['at a branch', { ref: 'side' }, 'side'],
    ['at a tag', { ref: 'v1' }, 'one'],
    ['at a commit that no branch names', { ref: first }, 'one'],
    ['at the full name of a ref', { ref: 'refs/heads/side' }, 'side'],
  ])('%s', async (_, git, word) => {
    const ended = await buildOf(git);
    expect(ended.stderr).toContain(`| the word is ${word}`);
    expect(ended.status).toBe(0);
    expect(await shop.remains()).toEqual([]);
  });

  test('below contextDir, by the Dockerfile that dockerfilePath names', async () => {
    const ended = await buildOf({}, { contextDir: 'web', dockerfilePath: 'Containerfile' });
    expect(ended.stderr).toContain('| the word is web');
  });

  test('by a Dockerfile that is a link within it', async () => {
    expect((await buildOf({}, { dockerfilePath: 'Dockerfile.inside' })).status).toBe(0);
  });

  test('with an inline Dockerfile instead of its own', async () => {
    const ended = await buildOf(
      {},
      { dockerfile: 'FROM tiny\nCOPY word /\nRUN echo "inline $(cat /word)"\n' },
    );
    expect(ended.stderr).toContain('| inline two');
  });

  test('without its .git, so that one commit cloned twice is cached', async () => {
    const source = { dockerfile: 'FROM tiny\nCOPY . /all/\nRUN ls -a /all\n' };
    const ended = await buildOf({ ref: second }, source);
    expect(ended.stderr).not.toContain('| .git');
    expect((await buildOf({ ref: second }, source)).stderr).toContain('Using cache');
  });

  test('with its submodules', async () => {
    newRepository(shop.path('git/library')).commit({ word: 'from the submodule\n' });
    const whole = newRepository(shop.path('git/whole'));
    whole.commit({ Dockerfile: dockerfile.replace('COPY word', 'COPY library/word') });
    whole.git(
      '-c',
      'protocol.git.allow=always',
      'submodule',
      '--quiet',
      'add',
      `${server}/library`,
      'library',
    );
    whole.commit({});
    const ended = await shop.build({ source: { git: { uri: `${server}/whole` } } }, base);
    expect(ended.stderr).toContain('| the word is from the submodule');
  });
});

describe('a source that cannot be had ends with 1 and FetchSourceFailed', () => {
  const refused = async (ended: Ended, message: RegExp): Promise<void> => {
    expect(ended.status).toBe(1);
    expect(platformOf(ended)).toMatchObject({ state: 'Failed', reason: 'FetchSourceFailed' });
    expect(platformOf(ended).message).toMatch(message);
    expect(ended.stdout + ended.stderr).not.toContain(secret);
    expect(await shop.remains()).toEqual([]);
  };

  test('no such ref', async () => {
    await refused(await buildOf({ ref: 'nowhere' }), /no branch, tag or commit nowhere/);
  });
  test('no such repository', async () => {
    await refused(await shop.build({ source: { git: { uri: `${server}/none` } } }, base), /\/none/);
  });
  test('no server', async () => {
    const uri = `git://127.0.0.1:${await freePort()}/app`;
    await refused(await shop.build({ source: { git: { uri } } }, base), /127\.0\.0\.1/);
  });
  test('no Dockerfile', async () => {
    await refused(
      await buildOf({ ref: 'side' }, { dockerfilePath: 'None' }),
      /there is no None in the source/,
    );
  });
  test('contextDir leads out through a link', async () => {
    await refused(await buildOf({}, { contextDir: 'out' }), /contextDir: out leads out of the source/);
  });
  test('dockerfilePath leads out through a link, and nothing of the file is shown', async () => {
    const ended = await buildOf({}, { dockerfilePath: 'Dockerfile.link' });
    await refused(ended, /dockerfilePath: Dockerfile.link leads out of the source/);
  });
  test.each([
    ['runs a command', "ext::sh -c 'touch %s'"],
    ['reads this machine', 'file://%s'],
  ])('a submodule whose address %s', async (what, address) => {
    const evil = newRepository(shop.path(`git/evil-${what.length}`));
    const touched = shop.path('touched');
    const url = address.replace('%s', what === 'runs a command' ? touched : repository.directory);
    evil.commit({ Dockerfile: dockerfile, '.gitmodules': `[submodule "x"]\n\tpath = x\n\turl = ${url}\n` });
    evil.git('update-index', '--add', '--cacheinfo', `160000,${first},x`);
    evil.git('commit', '--quiet', '--message', 'submodule');
    const uri = `${server}/evil-${what.length}`;
    await refused(await shop.build({ source: { git: { uri } } }, base), /a submodule of .*not allowed/);
  });
  test('not a git repository, behind http', async () => {
    const web = createServer((_, answer) => answer.end('hello')).listen(0, '127.0.0.1');
    const { port } = web.address() as AddressInfo;
    const ended = await shop.build({ source: { git: { uri: `http://127.0.0.1:${port}/x` } } }, base);
    web.close();
    await refused(ended, /127\.0\.0\.1/);
  });
  test('authentication refused, and nobody is asked', async () => {
    const web = createServer((_, answer) => {
      answer.writeHead(401, { 'www-authenticate': 'Basic realm="private"' }).end();
    }).listen(0, '127.0.0.1');
    const { port } = web.address() as AddressInfo;
    const ended = await shop.build({ source: { git: { uri: `http://127.0.0.1:${port}/x` } } }, base);
    web.close();
    await refused(ended, /127\.0\.0\.1/);
  });
});

describe('--context', () => {
  test('builds a directory of the machine: closed files and links too, without what .dockerignore names', async () => {
    shop.write('context/closed', 'closed\n', 0o600);
    shop.write('context/ignored', 'ignored\n');
    shop.write('context/.dockerignore', 'ignored\n');
    shop.write('context/Dockerfile', 'FROM tiny\nCOPY . /c/\nRUN cat /c/closed; ls /c\n');
    const object = {
      ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata: { name: 'context' } },
      spec: { source: { git: { uri: 'https://example.invalid/x' } } },
    };
    const file = shop.write('context.json', JSON.stringify(object));
    const ended = await shop.edgebuild(['build', '-f', file, '--context', shop.path('context'), ...base]);
    expect(ended.stderr).toContain('| closed');
    expect(ended.stderr).not.toContain('| ignored');
    expect(ended.status).toBe(0);
  });
});
