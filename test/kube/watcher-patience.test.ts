/** How long a watcher waits, and when it believes what looks wrong. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { WatcherEvent } from '../../src/kube/watcher.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { type FakeApiServer, type Script, startFakeApiServer } from '../support/fake-api-server.ts';
import { until } from '../support/until.ts';
import { configMap, described, follow, type Following, listOf, listPage, refusal, status, watchOf, well, wordsOf } from './following.ts'; // prettier-ignore

jest.setTimeout(60_000);

let fake: FakeApiServer;
let following: Following | undefined;

beforeEach(async () => {
  fake = await startFakeApiServer();
  fake.otherwise = well;
});

afterEach(async () => {
  following?.stop();
  await following?.ended.catch(() => undefined);
  expect(await until(fake.open, (count) => count === 0)).toBe(0);
  await following?.connection.close();
  following = undefined;
  await fake.close();
});

type Interrupted = Extract<WatcherEvent<KubeObject>, { type: 'interrupted' }>;

const interruptions = async (count: number): Promise<readonly Interrupted[]> => {
  const look = (): Interrupted[] => (following?.events ?? []).filter((event) => event.type === 'interrupted');
  return (await until(look, (seen) => seen.length >= count, 20_000)).slice(0, count);
};
const waits = async (count: number): Promise<readonly number[]> =>
  (await interruptions(count)).map(({ retryInMs }) => retryInMs);

const all = (script: Script): void => {
  fake.otherwise = script;
};

test('waits double up to the cap, with the jitter at its most', async () => {
  all(refusal(500));
  following = follow(fake, { backoffBaseMs: 1, backoffCapMs: 8 }, { random: () => 1 });
  expect(await waits(6)).toEqual([1, 2, 4, 8, 8, 8]);
});

test('waits are half as long with the jitter at its least', async () => {
  all(refusal(500));
  following = follow(fake, { backoffBaseMs: 2, backoffCapMs: 8 }, { random: () => 0 });
  expect(await waits(4)).toEqual([1, 2, 4, 4]);
});

test('lists that are forbidden are tried for ever, with a cap of their own', async () => {
  all(refusal(403));
  following = follow(fake, { backoffCapMs: 2, unavailableCapMs: 8 }, { random: () => 1 });
  expect(await waits(6)).toEqual([1, 2, 4, 8, 8, 8]);
});

test('a kind that appears is followed', async () => {
  fake.script(refusal(404), refusal(404), listOf('10'));
  following = follow(fake);
  const said = () => wordsOf(following?.events ?? []);
  expect(await until(said, ({ length }) => length >= 3)).toEqual(['NotServed', 'NotServed', 'listed  at 10']);
});

const dropped: Script = (answer, request) => {
  (request.isWatch ? watchOf([], 'end') : listOf('10'))(answer, request);
};

test('a server that accepts each list and drops each watch is not asked ever faster', async () => {
  all(dropped);
  following = follow(fake, { backoffBaseMs: 1, backoffCapMs: 8 }, { random: () => 1 });
  expect(await waits(5)).toEqual([1, 2, 4, 8, 8]);
});

test('a watch that was healthy lets the back-off start anew', async () => {
  all(dropped);
  following = follow(fake, { backoffBaseMs: 1, backoffCapMs: 8, healthyMs: 0 }, { random: () => 1 });
  expect(await waits(4)).toEqual([1, 1, 1, 1]);
});

test('a list that failed slowly is no healthy watch: waits go on growing', async () => {
  all((answer, request) => void setTimeout(() => { refusal(500)(answer, request); }, 30)); // prettier-ignore
  following = follow(fake, { backoffBaseMs: 1, backoffCapMs: 8, healthyMs: 20 }, { random: () => 1 });
  expect(await waits(4)).toEqual([1, 2, 4, 8]);
});

test('a Status that says when to come back is heeded', async () => {
  const body = JSON.stringify(status(500, { details: { retryAfterSeconds: 1 } }));
  fake.script(refusal(500, {}, body));
  following = follow(fake);
  expect(await waits(1)).toEqual([1000]);
  await until(() => fake.requests.length, (count) => count >= 2); // prettier-ignore
  const [first, second] = fake.requests;
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990);
});

test('Retry-After of 503 and 429 is heeded without a word', async () => {
  fake.script(
    refusal(503, { 'retry-after': '1' }, 'starting'),
    listOf('10'),
    refusal(429, { 'retry-after': '1' }),
  );
  following = follow(fake);
  await until(() => fake.requests.length, (count) => count >= 4); // prettier-ignore
  expect(fake.requests.map(described)).toEqual(['list', 'list', 'watch from 10', 'watch from 10']);
  const at = fake.requests.map((request) => request.at);
  expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(990);
  expect((at[3] ?? 0) - (at[2] ?? 0)).toBeGreaterThanOrEqual(990);
});

test('Retry-After of nothing is no reason to ask without a pause', async () => {
  fake.script(...Array<Script>(4).fill(refusal(503, { 'retry-after': '0' })));
  following = follow(fake);
  await until(() => fake.requests.length, (count) => count >= 5); // prettier-ignore
  const at = fake.requests.slice(0, 5).map((request) => request.at);
  expect((at[4] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(200);
});

test('a server that wants to be left alone for months is not asked over and over', async () => {
  all(refusal(500, { 'retry-after': '99999999' }));
  following = follow(fake);
  // With a timer that overflows, thousands of requests come within this time.
  const count = await until(() => fake.requests.length, (seen) => seen >= 5, 1000); // prettier-ignore
  expect(count).toBeLessThan(5);
});

test('a list older than what was seen is asked again, and believed the fifth time', async () => {
  fake.script(listOf('10'), watchOf([{ type: 'ADDED', object: configMap('a', '11') }], 'end'), refusal(410));
  all((answer, request) => { (request.isWatch ? watchOf([]) : listOf('5'))(answer, request); }); // prettier-ignore
  following = follow(fake);
  const said = () => wordsOf(following?.events ?? []);
  const expected = ['Closed', 'Gone', ...Array<string>(4).fill('OutOfOrder'), 'listed  at 5'];
  expect((await until(said, (seen) => seen.includes('listed  at 5'))).slice(2)).toEqual(expected);
});

test.each([
  ['a list without resourceVersion', listPage({})],
  [
    'a list that is null',
    (answer) => {
      answer.head(200);
      answer.text('null');
      answer.end();
    },
  ],
  [
    'a list with an item that is null',
    (answer) => {
      answer.head(200);
      answer.text('{"metadata":{"resourceVersion":"9"},"items":[null]}');
      answer.end();
    },
  ],
  ['a list with an item without metadata', listPage({ resourceVersion: '9' }, {})],
  [
    'an HTML page',
    (answer) => {
      answer.head(200);
      answer.text('<html></html>');
      answer.end();
    },
  ],
] satisfies [string, Script][])('%s is a broken answer, and asked for again', async (_title, script) => {
  // prettier-ignore
  fake.script(script, listOf('10'));
  following = follow(fake);
  const look = () => wordsOf(following?.events ?? []);
  await Promise.race([following.ended, until(look, ({ length }) => length >= 2)]);
  expect(look().slice(0, 2)).toEqual(['BrokenStream', 'listed  at 10']);
});

test('abort ends it at once: while it watches, waits, and lists', async () => {
  const never: Script = () => undefined;
  for (const scripts of [[listOf('10'), watchOf([])], [refusal(500)], [never]] as const) {
    const before = fake.requests.length;
    fake.script(...scripts);
    const one = follow(fake, { backoffBaseMs: 3_600_000, backoffCapMs: 3_600_000 });
    await until(() => fake.requests.length, (count) => count >= before + scripts.length); // prettier-ignore
    one.stop();
    await one.ended;
    expect(await until(fake.open, (count) => count === 0)).toBe(0);
    expect(fake.requests).toHaveLength(before + scripts.length);
    await one.connection.close();
  }
});

test('there is one request at a time, whatever happened before', async () => {
  fake.script(
    ...[listOf('10'), watchOf([{ type: 'ADDED', object: configMap('a', '9') }]), listOf('11')],
    ...[
      watchOf([{ type: 'ERROR', object: status(410) }]),
      listOf('12'),
      watchOf([{ type: 'MOVED' }]),
      listOf('13'),
    ],
  );
  following = follow(fake);
  await until(() => fake.requests.length, (count) => count >= 8); // prettier-ignore
  expect(await until(fake.open, (count) => count === 1)).toBe(1); // earlier watches are closed, not only left alone
});
