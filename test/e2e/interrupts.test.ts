import { describe, expect, test } from '@jest/globals';
import { createServer } from 'node:net';
import { startGitServer } from '../support/gitserver.ts';
import { processesNaming } from '../support/remains.ts';
import { until } from '../support/until.ts';
import { bytesOf, conditionOf, inline, newWorkshop, platformOf } from '../support/workshop.ts';

const shop = newWorkshop();
const every = shop.base('every', { platform: 'linux/arm64' }, { platform: 'linux/s390x' });
const base = ['--base', `base=${every}`];
const server = await startGitServer();
const old = Buffer.from('what was there before');
/** Children that are deaf and leave their session, then a word that all of them are there. */
const stubborn = `trap "" TERM INT HUP; (sleep 600 &); (trap "" HUP; sleep 600 >/dev/null 2>&1 &); echo begun-$((1 + 1)); sleep 600`;
const hangs = inline('FROM base', `RUN ${stubborn}`);

describe('a build that is interrupted in a step ends with 130, Cancelled, and leaves nothing', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('by %s', async (signal) => {
    shop.write('app.oci.tar', old);
    const ended = await shop.build(hangs, base, { signalAt: { text: '| begun-2', signal } });
    expect(ended.stderr).toContain(`${signal}: ending the work and cleaning up`);
    expect(ended.status).toBe(130);
    expect(platformOf(ended)).toMatchObject({ state: 'Cancelled', reason: 'Cancelled' });
    expect(conditionOf(ended, 'Stalled')).toMatchObject({ status: 'False', reason: 'Cancelled' });
    expect(conditionOf(ended, 'Reconciling')).toMatchObject({ status: 'False' });
    expect(bytesOf(shop.path('app.oci.tar'))).toEqual(old);
    expect(await shop.remains()).toEqual([]);
  });

  test('with two platforms at work', async () => {
    const spec = { ...hangs, platforms: ['linux/arm64', 'linux/s390x'] };
    const ended = await shop.build(spec, [...base, '--jobs', '2'], {
      signalAt: { text: '| begun-2', signal: 'SIGINT' },
    });
    const begun = ended.stderr.match(/\| begun-2/g)?.length ?? 0;
    expect(begun).toBeGreaterThan(0);
    expect(ended.object.status?.platforms?.map(({ state }) => state)).toEqual(['Cancelled', 'Cancelled']);
    expect(ended.status).toBe(130);
    expect(await shop.remains()).toEqual([]);
  });

  test.each(['fetching', 'packing the image', 'asking the image', 'publishing'])(
    'or elsewhere: while %s',
    async (text) => {
      shop.write('app.oci.tar', old);
      await shop.edgebuild(['build', '--prune']);
      const ended = await shop.build(inline('FROM base', 'RUN uname -m'), base, {
        signalAt: { text, signal: 'SIGINT' },
      });
      // What had come too far to be stopped is done, whole; nothing is in between.
      const written = bytesOf(shop.path('app.oci.tar'));
      expect(ended.stderr).not.toContain('This is a bug');
      if (ended.status === 0) expect(conditionOf(ended, 'Ready')?.status).toBe('True');
      else {
        expect(ended.status).toBe(130);
        expect(written).toEqual(old);
      }
      expect(await shop.remains()).toEqual([]);
    },
  );

  test('while it fetches from a server that does not answer', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const ended = await shop.build({ source: { git: { uri: `git://127.0.0.1:${port}/x` } } }, [], {
      signalAt: { text: 'fetching git://', signal: 'SIGTERM' },
    });
    silent.close();
    expect(ended.status).toBe(130);
    expect(platformOf(ended)).toMatchObject({ state: 'Cancelled' });
    expect(await shop.remains()).toEqual([]);
  });
});

describe('a build that is killed and can clean up nothing', () => {
  test('leaves no process, and the next build removes its files', async () => {
    shop.write('app.oci.tar', old);
    const ended = await shop.build(hangs, base, { signalAt: { text: '| begun-2', signal: 'SIGKILL' } });
    expect(ended.status).toBe(137);
    expect(
      await until(
        () => processesNaming(shop.directory),
        (found) => found.length === 0,
      ),
    ).toEqual([]);
    expect(bytesOf(shop.path('app.oci.tar'))).toEqual(old);
    expect((await shop.build(inline('FROM base'), base)).status).toBe(0);
    expect(await shop.remains()).toEqual([]);
  });

  test('while it clones: git ends too', async () => {
    const repository = server.repository('app');
    repository.commit({ Dockerfile: 'FROM base\n' });
    const ended = await shop.build({ source: { git: { uri: repository.uri } } }, base, {
      signalAt: { text: 'fetching git://', signal: 'SIGKILL' },
    });
    expect(ended.status).toBe(137);
    expect(
      await until(
        () => processesNaming(shop.directory),
        (found) => found.length === 0,
      ),
    ).toEqual([]);
  });
});
