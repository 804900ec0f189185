import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { ApiError } from '../../src/kube/errors.ts';
import type { Client } from '../../src/kube/client.ts';
import { createClient } from '../../src/kube/client.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { createStore, type Store } from '../../src/kube/store.ts';
import { createLogger } from '../../src/ops/log.ts';
import { createMetrics, type Metrics } from '../../src/ops/metrics.ts';
import { createController, type ControllerSettings, type Request } from '../../src/runtime/controller.ts';
import { again, done, type Outcome, terminal, waiting } from '../../src/runtime/outcome.ts';
import { setImmediate as turn } from 'node:timers/promises';
import { openConnection } from '../../src/kube/connection.ts';
import { startFakeApiServer } from '../support/fake-api-server.ts';
import { configMap, configMaps, fieldManager, listOf, refusal, status, watchOf } from '../kube/following.ts';
import { type SimulatedServer, simulateServer } from '../kube/simulated-server.ts';
import { until } from '../support/until.ts';

jest.setTimeout(60_000);

let server: SimulatedServer;
let root: Store<KubeObject>;
let stop: AbortController;
let abandon: AbortController;
let metrics: Metrics;
let lines: string[];
const running: Promise<void>[] = [];

beforeEach(() => {
  server = simulateServer();
  server.allow(1e9);
  root = createStore<KubeObject>(server.client, configMaps, { fieldManager });
  [stop, abandon, metrics, lines] = [new AbortController(), new AbortController(), createMetrics(), []];
});

afterEach(async () => {
  stop.abort();
  abandon.abort();
  await Promise.all(running.splice(0));
});

type Reconcile = (request: Request<KubeObject>) => Promise<Outcome>;

/** No connection: a write that leaves would be seen as a TypeError. */
const client = createClient({ connection: { host: 'x' } as never, fieldManager });

const start = (
  reconcile: Reconcile,
  more: Partial<ControllerSettings<KubeObject>> = {},
  by: Client = client,
): Promise<void> => {
  const log = createLogger({ level: 'debug', format: 'json', write: (line) => lines.push(line) });
  const settings = {
    name: 'test',
    root,
    workers: 2,
    timeoutMs: 50_000,
    backoffBaseMs: 1,
    backoffCapMs: 2,
    log,
    metrics,
  };
  const ran = createController({ ...settings, ...more, reconcile }).run(by, stop.signal, abandon.signal);
  running.push(ran);
  return ran;
};

const follow = (...stores: readonly Store<KubeObject>[]): void => {
  for (const store of stores) running.push(store.run(stop.signal));
};

/** Counts how often each was called, and answers by the count. */
const counting = (
  answer: (count: number, request: Request<KubeObject>) => Outcome | Promise<Outcome> = () => done,
) => {
  const calls = new Map<string, number>();
  const reconcile: Reconcile = async (request) => {
    const count = (calls.get(request.key) ?? 0) + 1;
    calls.set(request.key, count);
    return await answer(count, request);
  };
  const called = (name: string, count: number): Promise<number> =>
    until(() => calls.get(`default/${name}`) ?? 0, (seen) => seen >= count); // prettier-ignore
  return { calls, reconcile, called };
};

const metric = async (
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number | undefined> => {
  const found = await metrics.registry.getSingleMetric(name)?.get();
  const fits = (value: { readonly labels: Readonly<Record<string, unknown>> }): boolean =>
    Object.entries({ controller: 'test', ...labels }).every(([key, text]) => value.labels[key] === text);
  return found?.values.find(fits)?.value;
};
const result = (name: string) => metric('controller_runtime_reconcile_total', { result: name });

test('each object is reconciled once at the start, and again when it changes', async () => {
  server.write('a');
  server.write('b');
  const { reconcile, called, calls } = counting();
  follow(root);
  void start(reconcile);
  expect([await called('a', 1), await called('b', 1)]).toEqual([1, 1]);
  server.write('a');
  expect(await called('a', 2)).toBe(2);
  expect(calls.get('default/b')).toBe(1);
  await until(() => result('success'), (seen) => seen === 3); // prettier-ignore
  expect([await result('success'), await result('error')]).toEqual([3, 0]);
});

test('nothing is reconciled before every cache has synced', async () => {
  server.write('a');
  const owned = createStore<KubeObject>(simulateServer().client, configMaps, { fieldManager });
  const { reconcile, called, calls } = counting();
  follow(root);
  void start(reconcile, { owned: [owned] });
  await root.settled(stop.signal);
  server.write('b');
  await until(() => root.list().length, (count) => count === 2); // prettier-ignore
  expect(calls.size).toBe(0);
  follow(owned);
  expect([await called('a', 1), await called('b', 1)].every((count) => count > 0)).toBe(true);
});

test('a kind that is unavailable keeps nothing from its turn, and starts everything when it is there', async () => {
  server.write('a');
  const other = simulateServer();
  let isForbidden = true;
  const list = async function* (...args: Parameters<Client['list']>) {
    const failure = { request: 'list', message: 'no', code: 403, reason: 'Forbidden' };
    if (isForbidden) throw new ApiError(failure);
    yield* other.client.list(...args);
  };
  const timing = { backoffBaseMs: 20, unavailableCapMs: 20 };
  const mapped = createStore<KubeObject>({ ...other.client, list } as unknown as Client, configMaps, { fieldManager, timing }); // prettier-ignore
  const { reconcile, called, calls } = counting();
  follow(root, mapped);
  void start(reconcile, { mapped: [{ store: mapped, keys: () => [] }] });
  expect(await called('a', 1)).toBeGreaterThanOrEqual(1);
  const before = calls.get('default/a') ?? 0;
  isForbidden = false;
  expect(await called('a', before + 1)).toBeGreaterThan(before);
});

test('again comes back by itself; waiting and terminal do not', async () => {
  for (const name of ['again', 'waiting', 'terminal']) server.write(name);
  const answers: Readonly<Record<string, Outcome>> = {
    again: again(1),
    waiting: waiting('x'),
    terminal: terminal('Bad'),
  };
  const { reconcile, called, calls } = counting(
    (_count, { object }) => answers[object.metadata.name] ?? done,
  );
  follow(root);
  void start(reconcile);
  expect(await called('again', 5)).toBeGreaterThanOrEqual(5);
  expect([calls.get('default/waiting'), calls.get('default/terminal')]).toEqual([1, 1]);
  expect(await metric('controller_runtime_terminal_reconcile_errors_total')).toBe(1);
  expect(await result('requeue_after')).toBeGreaterThanOrEqual(4);
});

test('what throws is counted, logged as a bug, and tried again', async () => {
  server.write('a');
  const { reconcile, called } = counting((count) => {
    if (count < 3) throw new Error('a bug');
    return done;
  });
  follow(root);
  void start(reconcile);
  expect(await called('a', 3)).toBe(3);
  await until(() => result('success'), (seen) => seen === 1); // prettier-ignore
  expect([await result('error'), await metric('controller_runtime_reconcile_panics_total')]).toEqual([2, 2]);
  expect(lines.filter((line) => line.includes('this is a bug'))).toHaveLength(2);
});

test('what the API server refuses is no bug', async () => {
  server.write('a');
  const { reconcile } = counting((count) => {
    if (count > 1) return done;
    throw new ApiError({
      request: 'apply',
      message: JSON.stringify(status(409)),
      code: 409,
      reason: 'Conflict',
    });
  });
  follow(root);
  void start(reconcile);
  await until(() => result('success'), (seen) => seen === 1); // prettier-ignore
  expect([await result('error'), await metric('controller_runtime_reconcile_panics_total')]).toEqual([1, 0]);
});

test('what hangs is given up after its time, cannot write any more, and keeps nobody waiting', async () => {
  server.write('hangs');
  server.write('other');
  let left: Request<KubeObject> | undefined;
  const { reconcile, called } = counting(async (count, request) => {
    if (request.object.metadata.name !== 'hangs' || count > 1) return done;
    left = request;
    return await new Promise<Outcome>(() => undefined);
  });
  follow(root);
  void start(reconcile, { timeoutMs: 50, workers: 1 });
  expect([await called('other', 1), await called('hangs', 2)]).toEqual([1, 2]);
  expect(await metric('controller_runtime_reconcile_timeouts_total')).toBe(1);
  expect(left?.signal.aborted).toBe(true);
  await expect(left?.client.create(configMaps, left.object)).rejects.toMatchObject({ name: expect.stringMatching(/ApiError|AbortError/) }); // prettier-ignore
});

test('one object is never worked on twice at a time, and a change meanwhile starts it once more', async () => {
  server.write('a');
  const gate = Promise.withResolvers<Outcome>();
  let [now, most] = [0, 0];
  const { reconcile, called, calls } = counting(async (count) => {
    most = Math.max(most, (now += 1));
    if (count === 1) await gate.promise;
    now -= 1;
    return done;
  });
  follow(root);
  void start(reconcile, { workers: 4 });
  await called('a', 1);
  for (let count = 0; count < 3; count += 1) server.write('a');
  await until(() => root.get('default/a')?.metadata.resourceVersion, (seen) => seen === '5'); // prettier-ignore
  gate.resolve(done);
  expect(await called('a', 2)).toBe(2);
  await until(() => result('success'), (seen) => seen === 2); // prettier-ignore
  expect([most, calls.get('default/a')]).toEqual([1, 2]);
});

test('stop lets what is under way end; abandon gives it up', async () => {
  server.write('a');
  const gate = Promise.withResolvers<Outcome>();
  const { reconcile, called } = counting(() => gate.promise);
  follow(root);
  let isOver = false;
  const ran = start(reconcile).then(() => (isOver = true));
  await called('a', 1);
  stop.abort();
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  abandon.abort();
  expect(await ran).toBe(true);
  expect(await result('requeue')).toBe(1);
});

test('a key that is looked at also while it is absent is reconciled at the start, and after each deletion', async () => {
  const seen: string[] = [];
  const seeing =
    (what: string) =>
    ({ key }: { readonly key: string }): Promise<Outcome> => {
      seen.push(`${what} ${key}`);
      return Promise.resolve(done);
    };
  const other = simulateServer();
  other.allow(1e9);
  const mapped = createStore<KubeObject>(other.client, configMaps, { fieldManager });
  follow(root, mapped);
  void start(seeing('there'), {
    // The second key has no object, and nobody asked to look at it.
    mapped: [{ store: mapped, keys: () => ['default/one', 'default/another'] }],
    absent: { keys: ['default/one'], reconcile: seeing('absent') },
  });
  const last = (wanted: string): Promise<string | undefined> =>
    until(() => seen.at(-1), (now) => now === wanted); // prettier-ignore
  expect(await last('absent default/one')).toBe('absent default/one');
  server.write('one');
  expect(await last('there default/one')).toBe('there default/one');
  server.remove('one');
  expect(await last('absent default/one')).toBe('absent default/one');
  const before = seen.length;
  other.write('x');
  expect(await until(() => seen.length, (count) => count > before)).toBeGreaterThan(before); // prettier-ignore
  expect([...new Set(seen)]).toEqual(['absent default/one', 'there default/one']);
});

test('changes of a mapped kind that come within its time start a key once', async () => {
  server.write('one');
  const other = simulateServer();
  other.allow(1e9);
  const mapped = createStore<KubeObject>(other.client, configMaps, { fieldManager });
  const { reconcile, called, calls } = counting();
  follow(root, mapped);
  void start(reconcile, {
    mapped: [{ store: mapped, keys: () => ['default/one'], coalesceMs: 300 }],
  });
  await called('one', 1);
  await until(() => mapped.hasSynced(), Boolean); // prettier-ignore
  const before = calls.get('default/one') ?? 0;
  for (let count = 0; count < 100; count += 1) other.write(`x-${String(count)}`);
  await until(() => mapped.list().length, (length) => length === 100); // prettier-ignore
  expect(await called('one', before + 1)).toBeLessThan(before + 50);
});

test('nothing is reconciled while a kind that comes after another is being listed', async () => {
  const fake = await startFakeApiServer();
  let isServed = false;
  const listing = Promise.withResolvers<undefined>();
  const asked = Promise.withResolvers<undefined>();
  fake.otherwise = (answer, request) => {
    if (request.path.includes('/first/') && !isServed) refusal(403)(answer, request);
    else if (request.isWatch) watchOf([])(answer, request);
    else if (request.path.includes('/second/')) {
      asked.resolve(undefined);
      void listing.promise.then(() => { listOf('10', configMap('a', '5'))(answer, request); });
    } else listOf('10', configMap('a', '5'))(answer, request);
  };
  const connection = openConnection(fake.kubeConfig);
  const direct = createClient({ connection, fieldManager });
  const settings = { fieldManager, timing: { backoffBaseMs: 1, unavailableCapMs: 5 } };
  const of = (namespace: string, after?: Store<KubeObject>) =>
    createStore<KubeObject>(direct, configMaps, { ...settings, namespace, ...(after && { after }) });
  const [mine, first] = [of('root'), of('first')];
  const second = of('second', first);
  const seen: boolean[] = [];
  const reconcile: Reconcile = () => {
    seen.push(second.hasSettled());
    return Promise.resolve(done);
  };
  const mapped = [first, second].map((store) => ({ store, keys: () => [] }));
  void start(reconcile, { root: mine, mapped }, direct);
  running.push(...[mine, first, second].map((store) => store.run(stop.signal)));
  await until(() => seen.length, (count) => count > 0);
  isServed = true;
  await asked.promise;
  await until(() => first.hasSynced(), Boolean);
  for (let turns = 0; turns < 20; turns += 1) await turn();
  const before = seen.length;
  listing.resolve(undefined);
  await until(() => seen.length, (count) => count > before);
  expect(seen).not.toContain(false);
  stop.abort();
  await Promise.all(running.splice(0));
  await connection.close();
  await fake.close();
}); // prettier-ignore
