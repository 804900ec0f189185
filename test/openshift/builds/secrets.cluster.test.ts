/** Builds with credentials: for a registry, to push and to pull, and for a git server. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { execaSync } from 'execa';
import { once } from 'node:events';
import { createReadStream, existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { registryHost } from '../../cluster/registry.ts';
import { newDirectory } from '../../support/directories.ts';
import { startRegistry } from '../../support/registry.ts';
import { type BuildSite, createSecret, finished, imageStream, openSite, pushBase, start } from './site.ts';

jest.setTimeout(1_200_000);

const [user, password] = ['anna', 'p/w:@1'];
const given = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const registry = await startRegistry({ [user]: password }, 'http');

/** A repository for whoever knows the password, by git's plain protocol: nothing but files. */
const repository = newDirectory();
const git = (...args: readonly string[]) => execaSync('git', ['-C', repository, ...args]);
const server = createServer(({ headers, url = '' }, response) => {
  const file = join(repository, '.git', new URL(url, 'http://x').pathname);
  if (headers.authorization !== given)
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
  else if (existsSync(file) && statSync(file).isFile()) createReadStream(file).pipe(response.writeHead(200));
  else response.writeHead(404).end();
});

let site: BuildSite | undefined;
let uri = '';
beforeAll(async () => {
  git('init', '--quiet', '--initial-branch=main');
  writeFileSync(join(repository, 'Dockerfile'), 'FROM x\nRUN true\n');
  git('add', '.');
  git('-c', 'user.name=A', '-c', 'user.email=a@example.org', 'commit', '--quiet', '--message=one');
  git('update-server-info');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  site = await openSite();
  await imageStream('out');
  await pushBase('ext/native', { platform: 'linux/amd64' });
  const auth = Buffer.from(`${user}:${password}`).toString('base64');
  const known = JSON.stringify({ [registry.host]: { auth } });
  await createSecret('new-style', 'kubernetes.io/dockerconfigjson', {
    '.dockerconfigjson': `{"auths":${known}}`,
  });
  await createSecret('old-style', 'kubernetes.io/dockercfg', { '.dockercfg': known });
  await createSecret('right', 'kubernetes.io/basic-auth', { username: user, password });
  await createSecret('wrong', 'kubernetes.io/basic-auth', { username: user, password: 'wrong' });
  const output = { to: image(pushedTo), pushSecret: { name: 'new-style' } };
  await start('push', { source, strategy: from(base), output });
  for (const name of ['right', 'wrong'])
    await start(name, {
      source: { git: { uri, ref: 'main' }, sourceSecret: { name } },
      strategy: from(base),
    });
});
afterAll(async () => {
  await site?.close();
  server.close();
});

const source = { dockerfile: 'FROM x\nRUN true\n' };
const image = (name: string) => ({ kind: 'DockerImage', name });
const from = (name: string) => ({ dockerStrategy: { from: image(name) } });
const base = `${registryHost}/ext/native:1`;
const pushedTo = `${registry.host}/team/app:1`;
const reasonOf = async (name: string) => {
  const { status } = await finished(name);
  return [status?.phase, status?.reason];
};

test('an image is pushed to a registry with a password, and pulled from there', async () => {
  expect(await reasonOf('push-1')).toEqual(['Complete', undefined]);
  const pullSecret = { name: 'old-style' };
  await start('pull', { source, strategy: { dockerStrategy: { from: image(pushedTo), pullSecret } } });
  await start('unknown', { source, strategy: from(pushedTo) });
  expect(await reasonOf('pull-1')).toEqual(['Complete', undefined]);
  expect(await reasonOf('unknown-1')).toEqual(['Failed', 'PullBuilderImageFailed']);
});

test('a repository with a password is cloned with the right one', async () => {
  expect(await reasonOf('right-1')).toEqual(['Complete', undefined]);
  const { status } = await finished('wrong-1');
  expect(status).toMatchObject({ phase: 'Failed', reason: 'FetchSourceFailed' });
  expect(status?.logSnippet).toMatch(/^error: failed to fetch requested repository .* with provided/m);
  expect(JSON.stringify(status)).not.toContain(password);
});
