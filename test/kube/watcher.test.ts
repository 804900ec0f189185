import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { InterruptionCause, WatcherTiming } from '../../src/kube/watcher.ts';
import { type FakeApiServer, type Script, startFakeApiServer } from '../support/fake-api-server.ts';
import { until } from '../support/until.ts';
import {
  configMap,
  described,
  follow,
  type Following,
  listOf,
  listPage,
  refusal,
  status,
  watchOf,
  well,
  wordsOf,
} from './following.ts';

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
  // One that was left open would be seen here.
  expect(await until(fake.open, (count) => count === 0)).toBe(0);
  await following?.connection.close();
  following = undefined;
  await fake.close();
});

const start = (
  ...more: Parameters<typeof follow> extends [unknown, ...infer Rest] ? Rest : never
): Following => (following = follow(fake, ...more));

const asked = (): readonly string[] => fake.requests.map(described);

/** The first requests, once there are as many. */
const askedFirst = async (count: number): Promise<readonly string[]> =>
  (await until(asked, (seen) => seen.length >= count)).slice(0, count);

const saidFirst = async (count: number): Promise<readonly string[]> =>
  (await until(() => wordsOf(following?.events ?? []), (seen) => seen.length >= count)).slice(0, count); // prettier-ignore

const added = (name: string, version: string): object => ({
  type: 'ADDED',
  object: configMap(name, version),
});
const bookmark = (version?: string): object => ({
  type: 'BOOKMARK',
  object: {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: version === undefined ? {} : { resourceVersion: version },
  },
});
const errorEvent = (code: number): object => ({ type: 'ERROR', object: status(code) });

/** Sends the start of a line, and ends, or breaks, the answer there. */
const half =
  (then: 'end' | 'cut'): Script =>
  (answer) => {
    answer.head(200);
    answer.line(added('a', '11'));
    answer.text('{"type":"ADDED","object":{"metadata":');
    if (then === 'end') answer.end();
    else setTimeout(answer.cut, 50);
  };

const says =
  (text: string): Script =>
  (answer) => {
    answer.head(200);
    answer.text(text);
    answer.end();
  };

interface Row {
  readonly title: string;
  readonly watch: Script;
  readonly cause: InterruptionCause;
  readonly next: string;
  readonly timing?: Partial<WatcherTiming>;
}

const resume10 = 'watch from 10';
const resume11 = 'watch from 11';
const list = 'list';
const one = added('a', '11');

const rows: readonly Row[] = [
  { title: 'is ended when its time is over', watch: watchOf([one], 'end'), cause: 'Timeout', next: resume11, timing: { watchMs: 1000 } }, // prettier-ignore
  { title: 'is ended before its time', watch: watchOf([one], 'end'), cause: 'Closed', next: resume11 },
  { title: 'says nothing any more', watch: watchOf([one]), cause: 'Silent', next: resume11, timing: { silenceMs: 2000 } }, // prettier-ignore
  { title: 'never begins to answer', watch: () => undefined, cause: 'Silent', next: resume10, timing: { silenceMs: 2000 } }, // prettier-ignore
  { title: 'is cut after a line', watch: watchOf([one], 'cut'), cause: 'ConnectionFailed', next: resume11 },
  { title: 'is cut within a line', watch: half('cut'), cause: 'ConnectionFailed', next: resume11 },
  { title: 'is cut before it answers', watch: ({ cut }) => { cut(); }, cause: 'ConnectionFailed', next: resume10 }, // prettier-ignore
  { title: 'is answered 500', watch: refusal(500), cause: 'ServerError', next: resume10 },
  { title: 'is answered 429', watch: refusal(429), cause: 'ServerError', next: resume10 },
  { title: 'is answered 503 in plain text', watch: refusal(503, {}, 'service unavailable'), cause: 'ServerError', next: resume10 }, // prettier-ignore
  { title: 'is answered 502 in HTML', watch: refusal(502, {}, '<html><h1>Bad Gateway</h1></html>'), cause: 'ServerError', next: resume10 }, // prettier-ignore
  { title: 'is answered 410', watch: refusal(410), cause: 'Gone', next: list },
  { title: 'has an ERROR 410 in it', watch: watchOf([one, errorEvent(410)]), cause: 'Gone', next: list },
  {
    title: 'has an ERROR 500 in it',
    watch: watchOf([one, errorEvent(500)]),
    cause: 'BrokenStream',
    next: list,
  },
  { title: 'has an ERROR without a Status in it', watch: watchOf([{ type: 'ERROR' }]), cause: 'BrokenStream', next: list }, // prettier-ignore
  { title: 'ends within a line', watch: half('end'), cause: 'BrokenStream', next: list },
  { title: 'has an event of an unknown type', watch: watchOf([{ type: 'MOVED', object: configMap('a', '11') }]), cause: 'BrokenStream', next: list }, // prettier-ignore
  {
    title: 'has an event without an object',
    watch: watchOf([{ type: 'ADDED' }]),
    cause: 'BrokenStream',
    next: list,
  },
  { title: 'has an object without metadata', watch: watchOf([{ type: 'ADDED', object: {} }]), cause: 'BrokenStream', next: list }, // prettier-ignore
  { title: 'has a line null', watch: says('null\n'), cause: 'BrokenStream', next: list },
  { title: 'has a bookmark without resourceVersion', watch: watchOf([bookmark()], 'end'), cause: 'BrokenStream', next: list }, // prettier-ignore
  { title: 'is an HTML page', watch: says('<html>\n<body>sign in</body>\n</html>\n'), cause: 'BrokenStream', next: list }, // prettier-ignore
  { title: 'is answered 400', watch: refusal(400), cause: 'BrokenStream', next: list },
  { title: 'has an event older than the one before', watch: watchOf([one, added('b', '9')]), cause: 'OutOfOrder', next: list }, // prettier-ignore
  {
    title: 'has an event older than the list',
    watch: watchOf([added('b', '9')]),
    cause: 'OutOfOrder',
    next: list,
  },
  { title: 'is answered 401', watch: refusal(401), cause: 'Forbidden', next: list },
  { title: 'is answered 403', watch: refusal(403), cause: 'Forbidden', next: list },
  { title: 'is answered 404', watch: refusal(404), cause: 'NotServed', next: list },
];

describe('a watch that', () => {
  test.each(rows)('$title: $cause, then $next', async ({ watch, cause, next, timing }) => {
    fake.script(listOf('10'), watch);
    const { events, ended } = start(timing);
    // A watcher that throws has ended.
    await Promise.race([ended, askedFirst(3)]);
    expect(wordsOf(events).filter((words) => !/^(listed|applied|bookmark)/.test(words)).slice(0, 1)).toEqual([cause]); // prettier-ignore
    expect(asked().slice(0, 3)).toEqual([list, resume10, next]);
  });
});

test('what was cut off within a line is told once, when the watch has been resumed', async () => {
  fake.script(listOf('10'), half('cut'), watchOf([added('b', '12')]));
  start();
  expect(await saidFirst(4)).toEqual([
    'listed  at 10',
    'applied a at 11',
    'ConnectionFailed',
    'applied b at 12',
  ]);
});

test('an event that comes twice is told once', async () => {
  fake.script(listOf('10'), watchOf([one, one, added('b', '12')]));
  start();
  expect(await saidFirst(3)).toEqual(['listed  at 10', 'applied a at 11', 'applied b at 12']);
});

test('bookmarks move the place that a watch is resumed from', async () => {
  fake.script(listOf('10'), watchOf([bookmark('20'), bookmark('30')], 'end'));
  start();
  expect(await askedFirst(3)).toEqual([list, resume10, 'watch from 30']);
});

test('a bookmark that is older than what was seen moves nothing, and is not told', async () => {
  fake.script(listOf('10'), watchOf([one, bookmark('5')], 'end'));
  start();
  expect(await askedFirst(3)).toEqual([list, resume10, resume11]);
  expect(await saidFirst(3)).toEqual(['listed  at 10', 'applied a at 11', 'Closed']);
});

test('a list in pages is told as one, and a continue that has expired begins it anew', async () => {
  fake.script(
    listPage({ resourceVersion: '10', continue: 'second' }, configMap('a', '1')),
    refusal(410),
    listPage({ resourceVersion: '12', continue: 'other' }, configMap('a', '1')),
    listPage({ resourceVersion: '12' }, configMap('b', '2')),
  );
  start();
  expect(await saidFirst(2)).toEqual(['Gone', 'listed a b at 12']);
  expect(await askedFirst(5)).toEqual([list, list, list, list, 'watch from 12']);
  expect(fake.requests.map(({ query }) => query.get('continue')).slice(0, 4)).toEqual([
    null,
    'second',
    null,
    'other',
  ]);
});

test('everything is listed again after its time, when a watch has ended', async () => {
  // Slow enough for the time to be over when the list is here.
  const slow: Script = (answer, request) => void setTimeout(() => { listOf('10')(answer, request); }, 50); // prettier-ignore
  fake.script(slow, listOf('20'));
  start({ relistMs: 1 });
  expect(await saidFirst(3)).toEqual(['listed  at 10', 'Relist', 'listed  at 20']);
  expect(following?.events[1]).toMatchObject({ retryInMs: 0 });
});
