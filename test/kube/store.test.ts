import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import type { KubeObject } from '../../src/kube/objects.ts';
import { ownedFieldsOf, received } from '../../src/kube/received.ts';
import { type Change, createStore, type Store } from '../../src/kube/store.ts';
import { createClient } from '../../src/kube/client.ts';
import { openConnection } from '../../src/kube/connection.ts';
import { startFakeApiServer } from '../support/fake-api-server.ts';
import { until } from '../support/until.ts';
import { configMap, configMaps, fieldManager, listOf, refusal, watchOf } from './following.ts';
import { identity, simulateServer, type SimulatedServer } from './simulated-server.ts';

jest.setTimeout(60_000);

const timing = { backoffBaseMs: 0, backoffCapMs: 0 };
const unlimited = 1e9;

interface Running {
  readonly server: SimulatedServer;
  readonly store: Store<KubeObject>;
  readonly told: string[];
  readonly stop: () => Promise<void>;
}

const told = (change: Change<KubeObject>): string =>
  change.type === 'availability' ? 'availability' : `${change.type} ${identity(change.object)}`;

const run = (prepare: (server: SimulatedServer) => void = () => undefined): Running => {
  const server = simulateServer();
  prepare(server);
  const store = createStore<KubeObject>(server.client, configMaps, {
    ...{ fieldManager, timing },
    indexes: { team: ({ metadata }) => Object.values(metadata.labels ?? {}) },
  });
  const abort = new AbortController();
  const heard: string[] = [];
  store.onChange((change) => heard.push(told(change)));
  const running = store.run(abort.signal);
  return { server, store, told: heard, stop: async () => { abort.abort(); await running; } }; // prettier-ignore
};

let one: Running;
beforeEach(async () => {
  one = run((server) => server.write('a'));
  await one.store.settled(new AbortController().signal);
});
afterEach(() => one.stop());

const inStep = async ({ server, store }: Running): Promise<void> => {
  server.allow(unlimited);
  const seen = (): readonly string[] => store.list().map(identity).sort();
  const wanted = server.state().map(identity).sort();
  expect(await until(seen, (now) => JSON.stringify(now) === JSON.stringify(wanted))).toEqual(wanted);
};

test('listeners are told of each difference once, in order, after the store has it', async () => {
  one.store.onChange((change) => {
    if (change.type !== 'availability' && change.type !== 'deleted')
      expect(one.store.get('default/' + change.object.metadata.name)).toBe(change.object);
  });
  one.server.write('b');
  one.server.write('a');
  one.server.remove('b');
  await inStep(one);
  await until(() => one.told.length, (count) => count >= 5); // prettier-ignore
  expect(one.told).toEqual([
    ...['added default/a uid-1 2', 'availability', 'added default/b uid-2 3'],
    ...['updated default/a uid-1 4', 'deleted default/b uid-2 3'],
  ]);
});

test('an object made anew under its name, across a list, is told as deleted, then as added', async () => {
  one.server.remove('a');
  one.server.write('a');
  one.server.forget();
  await until(() => one.told.length, (count) => count >= 4); // prettier-ignore
  expect(one.told.slice(2)).toEqual(['deleted default/a uid-1 2', 'added default/a uid-2 4']);
});

test('what is missing from a new list is told as deleted, once', async () => {
  one.server.remove('a');
  one.server.write('b');
  one.server.forget();
  await inStep(one);
  expect(one.told.slice(2)).toEqual(['deleted default/a uid-1 2', 'added default/b uid-2 4']);
});

test('what a write answered counts at once, and older events do not undo it', async () => {
  one.server.write('a');
  const newest = one.server.write('a');
  one.store.learn(newest);
  expect(one.store.get('default/a')).toBe(newest);
  one.server.allow(1);
  await turn();
  await turn();
  expect(one.store.get('default/a')).toBe(newest);
  await inStep(one);
  expect(one.told.slice(2)).toEqual(['updated default/a uid-1 4']);
});

test('what a write answered before the watch saw the deletion does not come back', async () => {
  const answer = one.server.write('a');
  one.server.remove('a');
  await inStep(one);
  one.store.learn(answer);
  expect(one.store.list()).toEqual([]);
});

test('a new list that is older than what was written does not lose it', async () => {
  const written = one.server.write('b');
  one.store.learn(written);
  one.server.forget();
  await inStep(one);
  expect(one.told.slice(2)).toEqual(['added default/b uid-2 3']);
});

test('after a restore from a backup, each difference is told once', async () => {
  const before = one.server.state();
  one.server.write('b');
  one.server.write('a');
  await inStep(one);
  one.server.restore([], 3);
  // Believed only when it has been seen several times.
  await until(() => one.store.list().length, (count) => count === 0); // prettier-ignore
  expect(before).toHaveLength(1);
  expect(one.told.slice(4).sort()).toEqual(['deleted default/a uid-1 4', 'deleted default/b uid-2 3']);
});

test('indexes follow each change, and an unknown one is an error', async () => {
  const found = (value: string): readonly string[] => one.store.byIndex('team', value).map(({ metadata }) => metadata.name); // prettier-ignore
  one.server.write('b', { labels: { team: 'red' }, ownerReferences: [{ uid: 'owner' }] });
  await inStep(one);
  expect([found('red'), one.store.byIndex('owner', 'owner')]).toEqual([['b'], [one.store.get('default/b')]]);
  one.server.write('b', { labels: { team: 'blue' } });
  await inStep(one);
  expect([found('red'), found('blue')]).toEqual([[], ['b']]);
  one.server.remove('b');
  await inStep(one);
  expect(found('blue')).toEqual([]);
  expect(() => one.store.byIndex('other', 'x')).toThrow('there is no index other');
});

test('objects are frozen to the ground, without managedFields, and say which fields are ours', () => {
  const entry = (manager: string, operation: string, more: object = {}) => ({ manager, operation, fieldsV1: { [`f:${manager}${operation}`]: {} }, ...more }); // prettier-ignore
  const managedFields = [
    ...[
      entry('other', 'Apply'),
      entry(fieldManager, 'Update'),
      entry(fieldManager, 'Apply', { subresource: 'status' }),
    ],
    entry(fieldManager, 'Apply'),
  ];
  const object = received(configMap('a', '1', { managedFields, labels: { deep: 'x' } }), fieldManager);
  expect(JSON.stringify(object)).not.toContain('managedFields');
  expect(ownedFieldsOf(object)).toBe(`{"f:${fieldManager}Apply":{}}`);
  expect([object, object.metadata, object.metadata.labels].map(Object.isFrozen)).toEqual([true, true, true]);
  expect(ownedFieldsOf(received(configMap('a', '1'), fieldManager))).toBeUndefined();
});

test('to wait for a store ends with the signal, too', async () => {
  const store = createStore<KubeObject>(simulateServer().client, configMaps, { fieldManager });
  const abort = new AbortController();
  const waiting = store.settled(abort.signal);
  abort.abort();
  await waiting;
  expect([store.hasSynced(), store.hasSettled()]).toEqual([false, false]);
});

describe('with two namespaces, of which one is forbidden', () => {
  test('the kind stays unavailable when the other has been listed', async () => {
    const fake = await startFakeApiServer();
    fake.otherwise = (answer, request) => {
      if (request.path.includes('/closed/')) refusal(403)(answer, request);
      // Only once the other has been refused.
      else if (request.isWatch) watchOf([])(answer, request);
      else void until(() => store.unavailable(), (seen) => seen !== undefined).then(() => { listOf('10')(answer, request); }); // prettier-ignore
    };
    const connection = openConnection(fake.kubeConfig);
    const slow = { backoffBaseMs: 3_600_000, unavailableCapMs: 3_600_000 };
    const store = createStore<KubeObject>(createClient({ connection, fieldManager }), configMaps, {
      ...{ fieldManager, timing: slow, namespaces: ['open', 'closed'] },
    });
    const abort = new AbortController();
    const running = store.run(abort.signal);
    await until(() => fake.requests.some(({ isWatch }) => isWatch), Boolean);
    const seen = [store.unavailable()?.cause, store.hasSettled()];
    abort.abort();
    await running;
    await connection.close();
    await fake.close();
    expect(seen).toEqual(['Forbidden', true]);
  });
});

test('a kind that comes after another is not asked for before that is served, and is as unavailable', async () => {
  const fake = await startFakeApiServer();
  const served = Promise.withResolvers<undefined>();
  let isServed = false;
  fake.otherwise = (answer, request) => {
    if (request.path.includes('/first/') && !isServed) refusal(404)(answer, request);
    else if (request.isWatch) watchOf([])(answer, request);
    else listOf('10', configMap('a', '5'))(answer, request);
  };
  const connection = openConnection(fake.kubeConfig);
  const client = createClient({ connection, fieldManager });
  const settings = { fieldManager, timing: { backoffBaseMs: 1, unavailableCapMs: 5 } };
  const after = createStore<KubeObject>(client, configMaps, { ...settings, namespace: 'first' });
  const store = createStore<KubeObject>(client, configMaps, { ...settings, namespace: 'second', after });
  const abort = new AbortController();
  const waiting = store.settled(abort.signal);
  expect(store.hasSettled()).toBe(false);
  const running = Promise.all([after.run(abort.signal), store.run(abort.signal)]);
  try {
    await waiting;
    expect([store.unavailable()?.cause, store.hasSettled(), store.hasSynced()]).toEqual(['NotServed', true, false]);
    const tries = fake.requests.length;
    await until(() => fake.requests.length, (count) => count > tries + 3);
    expect(fake.requests.filter(({ path }) => path.includes('/second/'))).toEqual([]);
    const synced = store.onChange(() => {
      if (store.hasSynced()) served.resolve(undefined);
    });
    isServed = true;
    await served.promise;
    synced();
    expect([store.unavailable(), store.keys()]).toEqual([undefined, ['default/a']]);
  } finally {
    abort.abort();
    await running;
    await connection.close();
    await fake.close();
  }
}); // prettier-ignore

const names = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('write' as const), name: names, learns: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('remove' as const), name: names }) },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('allow' as const), count: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('forget' as const) }) },
  // An answer that took its time.
  { weight: 2, arbitrary: fc.record({ type: fc.constant('learnLate' as const), back: fc.nat(5) }) },
);

test('whatever happens in whatever order, the store ends in the server’s state', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const model = run();
      const answers: KubeObject[] = [];
      for (const next of steps) {
        if (next.type === 'write') answers.push(model.server.write(next.name));
        if (next.type === 'write' && next.learns) model.store.learn(answers.at(-1) as KubeObject);
        if (next.type === 'remove') model.server.remove(next.name);
        if (next.type === 'allow') model.server.allow(next.count);
        if (next.type === 'forget') model.server.forget();
        const late = next.type === 'learnLate' ? answers.at(-1 - next.back) : undefined;
        if (late !== undefined) model.store.learn(late);
        await turn();
      }
      await inStep(model);
      await model.stop();
    }),
    { numRuns: 100 },
  );
});
