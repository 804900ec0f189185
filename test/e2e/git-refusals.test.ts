import { afterAll, describe, expect, test } from '@jest/globals';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startGitServer } from '../support/gitserver.ts';
import { bytesOf, type Ended, newWorkshop, platformOf } from '../support/workshop.ts';

const shop = newWorkshop();
const server = await startGitServer();
const old = Buffer.from('what was there before');
const secret = 'a secret of this machine';
shop.write('secret', `${secret}\n`);

/** A source that cannot be read: exit 1, FetchSourceFailed, the old destination as it was, and nothing left. */
const refused = async (
  source: object,
  options: Parameters<typeof shop.build>[2] = {},
): Promise<Ended & { message: string }> => {
  shop.write('app.oci.tar', old);
  const ended = await shop.build({ source }, [], options);
  expect(platformOf(ended)).toMatchObject({ state: 'Failed', reason: 'FetchSourceFailed' });
  expect(ended.status).toBe(1);
  expect(ended.stderr).not.toContain('This is a bug');
  expect(`${ended.stdout}${ended.stderr}`).not.toContain(secret);
  expect(bytesOf(shop.path('app.oci.tar'))).toEqual(old);
  expect(await shop.remains()).toEqual([]);
  return { ...ended, message: platformOf(ended).message };
};

describe('a source that is not there is named', () => {
  const repository = server.repository('empty');
  repository.commit({ file: 'x' });

  test.each<[string, () => object, readonly string[]]>([
    ['a repository', () => ({ git: { uri: server.uri('nothing') } }), ['/nothing']],
    [
      'a server',
      () => ({ git: { uri: 'git://127.0.0.1:1/x' } }),
      ['git://127.0.0.1:1/x', 'Connection refused'],
    ],
    ['a branch', () => ({ git: { uri: repository.uri, ref: 'none' } }), ['no branch, tag or commit none']],
    [
      'a commit',
      () => ({ git: { uri: repository.uri, ref: 'f'.repeat(40) } }),
      ['no branch, tag or commit fff'],
    ],
    ['a Dockerfile', () => ({ git: { uri: repository.uri } }), ['dockerfilePath', 'Dockerfile']],
    ['a directory', () => ({ git: { uri: repository.uri }, contextDir: 'a/b' }), ['contextDir', 'a/b']],
    [
      'a directory that is a file',
      () => ({ git: { uri: repository.uri }, contextDir: 'file' }),
      ['not a directory'],
    ],
    [
      'a Dockerfile that is a directory',
      () => {
        repository.commit({ 'folder/x': 'x' });
        return { git: { uri: repository.uri }, dockerfilePath: 'folder' };
      },
      ['not a file'],
    ],
  ])('%s', async (_, source, words) => {
    const { message } = await refused(source());
    for (const word of words) expect(message).toContain(word);
  });

  test('something that is no git repository', async () => {
    mkdirSync(join(server.root, 'plain'));
    expect((await refused({ git: { uri: server.uri('plain') } })).message).toContain('/plain');
  });
});

describe('a path that leads out through a symbolic link is refused, and nothing of the file is shown', () => {
  const repository = server.repository('links');
  repository.commit({
    ...{ 'out/Dockerfile': `-> ${shop.path('secret')}`, outside: `-> ${shop.directory}` },
    ...{ up: `-> ${'../'.repeat(20)}etc`, 'loop/Dockerfile': '-> Dockerfile', 'secret-copy': '-> secret' },
    ...{ 'in/real': 'FROM scratch\nCOPY real /\n', 'in/Dockerfile': '-> real' },
  });
  const git = { uri: repository.uri };

  test.each([
    ['a Dockerfile', { git, contextDir: 'out' }, 'dockerfilePath: out/Dockerfile leads out'],
    [
      'a directory',
      { git, contextDir: 'outside', dockerfilePath: 'secret' },
      'contextDir: outside leads out',
    ],
    ['a directory by ..', { git, contextDir: 'up', dockerfilePath: 'passwd' }, 'contextDir: up leads out'],
    ['a Dockerfile behind a link', { git, dockerfilePath: 'outside/secret' }, 'leads out'],
    ['a loop', { git, contextDir: 'loop' }, 'dockerfilePath: there is no loop/Dockerfile'],
  ])('%s', async (_, source, message) => {
    expect((await refused(source)).message).toContain(message);
  });

  test('while one that stays inside is followed', async () => {
    const ended = await shop.build({ source: { git, contextDir: 'in' }, verify: { architecture: 'Skip' } });
    expect(ended.status).toBe(0);
  });
});

describe('a submodule is held to the same protocols', () => {
  test.each(['ext', 'file', 'path'])('%s is refused', async (kind) => {
    const proof = shop.path('a-command-ran');
    const url = { ext: `ext::touch ${proof}`, file: `file://${join(server.root, 'library')}`, path: join(server.root, 'library') }[kind] ?? ''; // prettier-ignore
    server.repository(`library-${kind}`);
    const library = server.repository('library');
    const commit = library.commit({ [kind]: secret });
    const parent = server.repository(`of-${kind}`);
    parent.commit({ Dockerfile: 'FROM scratch\nCOPY . /\n' });
    parent.git('update-index', '--add', '--cacheinfo', `160000,${commit},library`);
    parent.commit({ '.gitmodules': `[submodule "library"]\n\tpath = library\n\turl = ${url}\n` });
    parent.git('update-index', '--add', '--cacheinfo', `160000,${commit},library`);
    parent.git('commit', '--quiet', '--allow-empty', '--message=submodule');
    expect(parent.git('ls-tree', 'HEAD', 'library')).toContain('160000 commit');
    const { message } = await refused({ git: { uri: parent.uri } });
    expect(message).toMatch(/^a submodule of git:.*: fatal: transport '(ext|file)' not allowed$/);
    expect(bytesOf(proof)).toBeUndefined();
  });
});

/** What a server on loopback answers to everything. */
const answering = async (
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> => {
  const http = createServer(answer);
  servers.push(http);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/app.git`;
};
const servers: Server[] = [];
afterAll(() => {
  for (const http of servers) http.close();
});

describe('a server that speaks http', () => {
  test('and knows nothing of git is told', async () => {
    const uri = await answering((_, response) => response.end('hello'));
    expect((await refused({ git: { uri } })).message).toContain(uri);
  });

  test('and wants to know who asks gets the user’s own credentials, and none of them is in any output', async () => {
    const given: string[] = [];
    const uri = await answering(({ headers }, response) => {
      given.push(headers.authorization ?? '');
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('who are you?');
    });
    const password = 'hunter2-of-the-user';
    shop.write('.netrc', `machine 127.0.0.1 login anna password ${password}\n`, 0o600);
    const { message, stdout, stderr } = await refused({ git: { uri } });
    expect(message).toMatch(/Authentication failed|could not read Username/);
    expect(message).toContain(uri);
    expect(given).toContain(`Basic ${Buffer.from(`anna:${password}`).toString('base64')}`);
    expect(`${stdout}${stderr}`).not.toMatch(/hunter2|anna/);
  });
});
