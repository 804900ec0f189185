import { describe, expect, test } from '@jest/globals';
import { startGitServer } from '../support/gitserver.ts';
import { bytesOf, newWorkshop, platformOf } from '../support/workshop.ts';

const shop = newWorkshop();
const server = await startGitServer();
const base = ['--base', `base=${shop.base('arm64', { platform: 'linux/arm64' })}`];

/** Builds and returns what the Dockerfile printed behind `said:`. */
const said = async (
  source: object,
  ...args: readonly string[]
): Promise<{ readonly said: string | undefined; readonly stderr: string }> => {
  const ended = await shop.build({ source }, [...base, ...args]);
  expect(platformOf(ended).message).toMatch(/^built in /);
  return { said: / \| said:(.*)$/m.exec(ended.stderr)?.[1], stderr: ended.stderr };
};

const dockerfile = 'FROM base\nCOPY . /source\nRUN echo "said:$(cat /source/version)"\n';
const repository = server.repository('app');
const first = repository.commit({ Dockerfile: dockerfile, version: 'first' });
repository.git('tag', 'v1');
repository.commit({ version: 'second' });
repository.git('branch', 'release/2');
repository.commit({ version: 'third', 'nested/Dockerfile': 'FROM base\nRUN echo said:nested $(ls /)\n' });
const { uri } = repository;

describe('a git repository is built', () => {
  test.each([
    ['its HEAD, where no ref is named', { uri }, 'third'],
    ['a branch', { uri, ref: 'release/2' }, 'second'],
    ['a tag', { uri, ref: 'v1' }, 'first'],
    ['a commit', { uri, ref: first }, 'first'],
    ['a branch by its full name', { uri, ref: 'refs/heads/release/2' }, 'second'],
  ])('%s', async (_, git, version) => {
    expect((await said({ git }, '--no-cache')).said).toBe(version);
  });

  test('from the layer cache, when the same commit is cloned again', async () => {
    const git = { uri, ref: 'v1' };
    await said({ git });
    const { stderr } = await said({ git });
    expect(stderr.match(/Using cache/g)).toHaveLength(2);
    expect(await shop.remains()).toEqual([]);
  });

  test('a directory of it alone, with a Dockerfile of its own', async () => {
    expect((await said({ git: { uri }, contextDir: 'nested' })).said).toMatch(/^nested bin /);
  });

  test('with the Dockerfile of the object instead of its own', async () => {
    const text = 'FROM base\nCOPY version /\nRUN echo "said:mine $(cat /version)"\n';
    expect((await said({ git: { uri }, dockerfile: text })).said).toBe('mine third');
  });

  test('without its .git, which would differ with each clone', async () => {
    const text = 'FROM base\nCOPY . /source\nRUN echo "said:$(ls -A /source)"\n';
    expect((await said({ git: { uri }, dockerfile: text })).said).not.toContain('.git');
  });

  test('with its submodules', async () => {
    const library = server.repository('library');
    library.commit({ version: 'of the library' });
    const parent = server.repository('parent');
    parent.git('-c', 'protocol.allow=always', 'submodule', '--quiet', 'add', library.uri, 'library');
    parent.commit({ Dockerfile: dockerfile.replace('source/version', 'source/library/version') });
    expect((await said({ git: { uri: parent.uri } })).said).toBe('of the library');
  });

  test('and none of its hooks runs, nor what its attributes ask for', async () => {
    const trap = server.repository('trap');
    const proof = shop.path('a-hook-ran');
    trap.commit({
      ...{ Dockerfile: dockerfile, version: 'hooks', '.gitattributes': '* filter=evil\n' },
      '.githooks/post-checkout': `#!/bin/sh\ntouch ${proof}\n`,
      '.gitconfig': `[core]\nhooksPath=.githooks\n[filter "evil"]\nsmudge=touch ${proof}\n`,
    });
    expect((await said({ git: { uri: trap.uri } })).said).toBe('hooks');
    expect(bytesOf(proof)).toBeUndefined();
  });
});
