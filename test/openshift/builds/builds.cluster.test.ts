/** Each way to succeed and to fail, as recorded from a real OpenShift: real pods on the node of a box. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { startGitServer } from '../../support/gitserver.ts';
import { registryHost } from '../../cluster/registry.ts';
import { recorded, shapeOf, specOf } from './recorded.ts';
import {
  type BuildSite,
  emulate,
  finished,
  imageStream,
  openSite,
  pushBase,
  pushed,
  seen,
  start,
} from './site.ts';

jest.setTimeout(1_200_000);

let site: BuildSite | undefined;
const git = await startGitServer();
const ours = { arm: '', index: '' };

beforeAll(async () => {
  site = await openSite();
  await imageStream('out');
  const shell = { platform: 'linux/amd64', without: ['sh'] } as const;
  ours.arm = `${registryHost}/ext/arm@${await pushBase('ext/arm', { platform: 'linux/arm64' })}`;
  ours.index = `${registryHost}/ext/multi@${await pushBase('ext/multi', shell, { platform: 'linux/arm64' })}`;
});
afterAll(async () => {
  await site?.close();
});

type Spec = ReturnType<typeof specOf>;

const begin = (name: string, change: (spec: Spec) => Spec = (spec) => spec, called = name): Promise<void> =>
  start(called, change(specOf(recorded(`builds/${name}.json`), ours)));

/** What came out, beside what came out of the same on OpenShift. */
const ended = async (name: string) => {
  const built = await finished(`${name}-1`);
  return { built, mine: shapeOf(built), theirs: shapeOf(recorded(`builds/${name}.json`)) };
};

test('no-binfmt: on a node without a handler the first foreign program is what fails', async () => {
  await begin('no-binfmt');
  const { mine, theirs } = await ended('no-binfmt');
  expect(mine).toEqual(theirs);
});

describe('with a handler', () => {
  const failing = ['fail-run', 'fail-syntax', 'fail-pull', 'fail-push', 'fail-git', 'preserve'];
  const complete = ['legacy-arm', 'preserve-tp'];
  const repository = git.repository('app');
  let commit = '';

  // All at once: they are Builds of as many BuildConfigs.
  beforeAll(async () => {
    emulate();
    commit = repository.commit({
      'docker/Dockerfile.arm': 'FROM x\nCOPY hello /hello\nRUN cat /hello && uname -m > /arch\n',
      'docker/hello': 'hello\n',
    });
    for (const name of [...failing, 'post-fail', ...complete]) await begin(name);
    await begin('git', (spec) => ({
      ...spec,
      // Debian's busybox says its name whenever an interactive shell begins, in `$(…)` too.
      postCommit: { script: 'case "$(uname -m)" in *aarch64) ;; *) exit 1 ;; esac' },
      source: { ...spec.source, git: { ref: 'main', uri: repository.uri } },
    }));
  });

  test.each(failing)('%s', async (name) => {
    const { mine, theirs } = await ended(name);
    expect(mine).toEqual(theirs);
  });

  test('post-fail: busybox has more to say before the script than the shell that was recorded', async () => {
    const { mine, theirs } = await ended('post-fail');
    // Two programs write there at the same time, and one ends its line later.
    const last = (lines: readonly string[]) => lines.filter((line) => line !== '').slice(-2);
    expect({ ...mine, logSnippet: last(mine.logSnippet) }).toEqual({
      ...theirs,
      logSnippet: last(theirs.logSnippet),
    });
  });

  test.each(complete)('%s ends as an arm64 image', async (name) => {
    const { built, mine, theirs } = await ended(name);
    expect(mine).toEqual(theirs);
    const image = await pushed(built);
    expect(image.architecture).toBe('arm64');
    expect(image.config.Env).toEqual(
      expect.arrayContaining([`OPENSHIFT_BUILD_NAME=${name}-1`, 'OPENSHIFT_BUILD_NAMESPACE=builds-test']),
    );
    expect(image.config.Labels).toMatchObject({
      ...{ 'io.openshift.build.name': `${name}-1`, 'io.openshift.build.namespace': 'builds-test' },
    });
  });

  test('New, Pending, Running, then the digest, then the stages, then Complete', async () => {
    const sights = await seen('order', () => begin('legacy-arm', (spec) => spec, 'order'));
    expect(sights).toEqual([
      ...['New', 'Pending', 'Running', 'Running sha256', 'Running sha256 PullImages Build PushImage'],
      'Complete sha256 PullImages Build PushImage',
    ]);
  });

  test('git: branch, directory and file of a repository, whose revision the Build then has', async () => {
    const { built, mine, theirs } = await ended('git');
    expect(mine).toEqual(theirs);
    expect(built.spec.revision).toEqual({
      type: 'Git',
      git: {
        ...{ commit, message: 'more' },
        author: { name: 'A', email: 'a@example.org' },
        committer: { name: 'A', email: 'a@example.org' },
      },
    });
    expect((await pushed(built)).config.Labels).toMatchObject({
      'io.openshift.build.commit.id': commit,
      'io.openshift.build.commit.ref': 'main',
      'io.openshift.build.source-context-dir': 'docker',
    });
  });
});
