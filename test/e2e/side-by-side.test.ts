import { afterAll, describe, expect, test } from '@jest/globals';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../support/until.ts';
import { bytesOf, conditionOf, inline, newWorkshop, platformOf } from '../support/workshop.ts';

const shop = newWorkshop();
const base = ['--base', `base=${shop.base('arm64', { platform: 'linux/arm64' })}`];
const old = Buffer.from('what was there before');

/** Steps ask it and wait for the answer: so each is where the test wants it, however fast the machine is. */
const waiting = new Map<string, ServerResponse>();
const server = createServer((request, response) => {
  waiting.set(request.url ?? '', response);
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
const arrived = (path: string): Promise<boolean> =>
  until(
    () => waiting.has(path),
    (found) => found,
    60_000,
  );
const goOn = (path: string): void => {
  waiting.get(path)?.end('go on');
  waiting.delete(path);
};
const asks = (path: string): string => `wget -q -Y off -O /answer http://127.0.0.1:${port}${path}`;
const hangs = inline('FROM base', `RUN ${asks('/ended')} && echo begun-$((1 + 1)) && sleep 300`);
const goesOn = inline('FROM base', `RUN ${asks('/other')} && uname -m`, 'RUN echo and a step more');

describe('of two builds at work in one cache', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 130],
    ['SIGKILL', 137],
  ] as const)('one that is ended by %s disturbs nothing of the other', async (signal, status) => {
    shop.write('ended.oci.tar', old);
    const ending = shop.build(hangs, base, { name: 'ended', signalAt: { text: '| begun-2', signal } });
    const going = shop.build(goesOn, [...base, '--no-cache'], { name: 'other' });
    expect(await Promise.all([arrived('/ended'), arrived('/other')])).toEqual([true, true]);
    goOn('/ended');
    const ended = await ending;
    // The other one is in its step still, and has all of its work before it that needs the cache.
    goOn('/other');
    const other = await going;
    expect([ended.status, other.status]).toEqual([status, 0]);
    expect(other.stderr).toContain('| aarch64');
    expect(other.stderr).toContain('| and a step more');
    expect(conditionOf(other, 'Ready')?.status).toBe('True');
    expect(bytesOf(shop.path('ended.oci.tar'))).toEqual(old);
    if (signal !== 'SIGKILL')
      expect(platformOf(ended)).toMatchObject({ state: 'Cancelled', reason: 'Cancelled' });
    // What a killed build could not remove, the next one does.
    else expect((await shop.build(inline('FROM base'), base, { name: 'next' })).status).toBe(0);
    expect(await shop.remains()).toEqual([]);
  });

  test('a build that begins while another is in a step takes nothing of it away', async () => {
    const going = shop.build(goesOn, [...base, '--no-cache'], { name: 'other' });
    expect(await arrived('/other')).toBe(true);
    const second = await shop.build(inline('FROM base', 'RUN uname -m'), base, { name: 'second' });
    goOn('/other');
    expect([second.status, (await going).status]).toEqual([0, 0]);
    expect(await shop.remains()).toEqual([]);
  });
});
