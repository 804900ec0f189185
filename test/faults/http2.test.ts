import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { join } from 'node:path';
import { setImmediate as soon } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import type { Client } from '../../src/kube/client.ts';
import { ApiError, isTransient } from '../../src/kube/errors.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { createStore } from '../../src/kube/store.ts';
import { defaultTiming } from '../../src/kube/watcher.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { until } from '../support/until.ts';
import {
  clientBy,
  configMaps,
  gadget,
  gadgets,
  installGadgets,
  type Operator,
  type OperatorOptions,
  parts,
  startOperator,
  stateOf,
  wantedState,
} from './gadgets.ts';
import { type Direction, type Relay, startRelay } from './relay.ts';

// What befalls the one real connection, HTTP/2 over TLS, that everything of the operator goes through.
let plane: ControlPlane;
/** Answers one request in fifty, the most that it takes, with GOAWAY: this connection takes no more of them. */
let leaving: ControlPlane;
let number = 0;
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  [plane, leaving] = await Promise.all([
    startControlPlane(),
    startControlPlane({ apiServerFlags: ['--goaway-chance=0.02'] }),
  ]);
  await Promise.all([installGadgets(plane), installGadgets(leaving)]);
}, 180_000);

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

afterAll(async () => {
  await Promise.all([plane.stop(), leaving.stop()]);
});

/** A namespace, a relay to its server, and a client that goes around that. */
const newSite = async (server = plane) => {
  number += 1;
  const namespace = `test-${String(number)}`;
  await server.kubectl(['create', 'namespace', namespace]);
  const relay: Relay = await startRelay(server);
  closing.push(relay.close);
  const clientOf = (kubeconfig: string): Client => {
    const { client, close } = clientBy(kubeconfig);
    closing.push(close);
    return client;
  };
  const direct = clientOf(server.kubeconfig);
  return {
    ...{ namespace, relay, direct },
    through: () => clientOf(relay.kubeconfig),
    start: (options: OperatorOptions = {}): Operator => {
      const operator = startOperator(relay.kubeconfig, namespace, options);
      closing.push(operator.kill);
      return operator;
    },
    put: (name: string, value: string) => direct.apply(gadgets, gadget(namespace, name, value)),
    converges: async (values: Readonly<Record<string, string>>, deadline = 60_000): Promise<void> => {
      const wanted: unknown = wantedState(new Map(Object.entries(values)));
      const look = (): Promise<unknown> => stateOf(direct, namespace);
      expect(await until(look, isLike(wanted), deadline)).toEqual(wanted);
    },
  };
};

const all = (names: readonly string[], value: string): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name) => [name, value]));
const many = Array.from({ length: 20 }, (_, index) => `many-${String(index).padStart(2, '0')}`);

const isLike =
  <T>(wanted: T) =>
  (seen: T): boolean =>
    isDeepStrictEqual(seen, wanted);

const failureOf = async (call: Promise<unknown>): Promise<unknown> => {
  try {
    await call;
    return undefined;
  } catch (error) {
    return error;
  }
};

/** What came of it, if it did not come to be: where a test goes on though calls fail. */
const lasting = async (make: () => Promise<unknown>): Promise<readonly unknown[]> => {
  const failures: unknown[] = [];
  await until(
    async () => {
      const failure = await failureOf(make());
      if (failure !== undefined) failures.push(failure);
      return failure;
    },
    (failure) => failure === undefined,
    60_000,
  );
  return failures;
};

/**
 * A call that one server sends away goes over the next connection by itself; one that is sent away twice in a row ends
 * (undici's MAX_GOAWAY_REPLAY_ATTEMPTS is 1), and is for the caller's back-off.
 */
const onlySeldom = (failures: readonly unknown[], calls: number): void => {
  for (const failure of failures) expect(isTransient(failure) ? 'transient' : failure).toBe('transient');
  expect(failures.length).toBeLessThan(calls / 10);
};

test('calls and watches of two kinds share one connection, and it is HTTP/2', async () => {
  const { namespace, relay, start, put, converges } = await newSite();
  const versions: unknown[] = [];
  const onConnected = (message: unknown): void => {
    const { connectParams } = message as { connectParams: { port: string; version?: string } };
    if (connectParams.port === String(relay.port)) versions.push(connectParams.version);
  };
  subscribe('undici:client:connected', onConnected);
  try {
    const operator = start({ timing: defaultTiming });
    for (const name of ['one', 'two', 'three']) await put(name, '1');
    await converges(all(['one', 'two', 'three'], '1'));
    const gets = many.map(() => operator.client.get(gadgets, { namespace, name: 'one' }));
    expect((await Promise.all(gets)).map(({ metadata }) => metadata.name)).toEqual(many.map(() => 'one'));
  } finally {
    unsubscribe('undici:client:connected', onConnected);
  }
  expect(versions).toEqual(['h2']);
  expect(relay.accepted()).toBe(1);
}, 60_000);

test('a write that is given up while it is being sent is ended, and the connection goes on', async () => {
  const namespace = 'giving-up';
  await plane.kubectl(['create', 'namespace', namespace]);
  // Caught in such a write a process takes all memory that there is: it is let have 4 GB.
  const limited = ['-c', 'ulimit -d 4000000 && exec "$@"', 'sh', process.execPath];
  const script = [join(import.meta.dirname, 'giving-up.ts'), plane.kubeconfig, namespace];
  const ends = { timeout: 90_000, killSignal: 'SIGKILL' } as const;
  const { stdout } = await execa(
    'sh',
    [...limited, '--disable-warning=ExperimentalWarning', ...script],
    ends,
  );
  expect(stdout.split('\n').at(-1)).toBe('alive');
}, 120_000);

test('7: a half-open connection, with all that goes through it or the watches alone, is noticed and replaced within 60 s', async () => {
  const frozen = async (...directions: readonly Direction[]) => {
    const { relay, start, put, converges } = await newSite();
    const operator = start({ timing: defaultTiming });
    await put('one', '1');
    await converges({ one: '1' });
    expect(operator.interruptions).toEqual([]);

    relay.freeze(...directions);
    const since = performance.now();
    const passed = (): number => performance.now() - since;
    await put('one', '2');
    if (directions.includes('toClient'))
      for (const store of [operator.gadgets, operator.maps]) {
        const age = await until(
          () => store.lastEventAgeMs(),
          (ms) => ms > 10_000,
          15_000,
        );
        expect(age).toBeGreaterThan(10_000);
      }
    await until(
      () => operator.interruptions.length,
      (length) => length >= 2,
      60_000,
    );
    const noticedMs = passed();
    await converges({ one: '2' });
    const convergedMs = passed();
    expect(relay.accepted()).toBe(2);
    expect(operator.gadgets.lastEventAgeMs()).toBeLessThan(convergedMs);
    return {
      ...{ noticedMs, convergedMs },
      causes: operator.interruptions.slice(0, 2).map(({ cause }) => cause),
    };
  };
  /** A connection that takes no more requests, but has the watches still. Returns when that is noticed. */
  const frozenWatches = async (): Promise<number> => {
    const { namespace, relay, start, put, converges } = await newSite(leaving);
    const operator = start({ timing: defaultTiming });
    await put('one', '1');
    await converges({ one: '1' });
    // The watches stay on the connection that they are on; calls go on with the next.
    const before = relay.accepted();
    await until(
      async () => {
        await operator.client.get(gadgets, { namespace, name: 'one' });
        return relay.accepted();
      },
      (accepted) => accepted > before,
      60_000,
    );
    expect(relay.accepted()).toBeGreaterThan(before);
    const earlier = operator.interruptions.length;
    relay.freeze('toServer', 'toClient');
    const since = performance.now();
    await put('one', '2');
    // A connection that takes no more requests is not pinged any more: only the silence of its watches tells.
    await until(
      () => operator.interruptions.length,
      (length) => length >= earlier + 2,
      60_000,
    );
    const noticedMs = performance.now() - since;
    await converges({ one: '2' });
    return noticedMs;
  };
  const [watchesMs, ...others] = await Promise.all([
    frozenWatches(),
    frozen('toServer', 'toClient'),
    frozen('toServer'),
    frozen('toClient'),
  ]);
  expect(watchesMs).toBeLessThan(60_000);
  // Noticed by pings: 20 s apart, and the next one finds that the last one was not answered.
  for (const seen of others) {
    expect(seen.causes).toEqual(['ConnectionFailed', 'ConnectionFailed']);
    expect(seen.noticedMs).toBeLessThan(60_000);
    expect(seen.convergedMs).toBeLessThan(60_000);
  }
}, 240_000);

test('the connection is reset again and again in the middle of reconciles: all converges, nothing is made twice', async () => {
  const { namespace, relay, direct, start, put, converges } = await newSite();
  const made: string[] = [];
  const watching = new AbortController();
  const witness = createStore(direct, configMaps, { fieldManager: 'edgebuild', namespace });
  witness.onChange((change) => {
    if (change.type === 'added' || change.type === 'deleted')
      made.push(`${change.type} ${change.object.metadata.name}`);
  });
  const witnessing = witness.run(watching.signal);
  closing.push(async () => {
    watching.abort();
    await witnessing;
  });
  await witness.settled(watching.signal);
  for (const name of many) await put(name, '1');
  let begun = 0;
  const failures: unknown[] = [];
  const operator = start({
    // Now and then Node does not notice a reset in the middle of a write: calls of that connection end by their deadline.
    timeoutMs: 120_000,
    reconcile: async (_request, usual) => {
      begun += 1;
      const isHit = begun % 3 === 0 && begun <= 60;
      const going = usual();
      // Some requests have reached the server by then, some have not: which ones is not for the operator to know.
      if (isHit) void soon().then(relay.reset);
      try {
        return await going;
      } catch (error) {
        failures.push(error);
        throw error;
      }
    },
  });
  await converges(all(many, '1'), 180_000);
  expect(relay.accepted()).toBeGreaterThan(5);
  expect(failures.length).toBeGreaterThan(0);
  for (const failure of failures) expect(failure).toBeInstanceOf(ApiError);
  expect(operator.interruptions.map(({ cause }) => cause)).toContain('ConnectionFailed');
  const once = many.flatMap((name) => parts.map((part) => `added ${name}-${part}`)).sort();
  expect(await until(() => made.toSorted(), isLike(once), 60_000)).toEqual(once);
}, 300_000);

describe('a request that makes something anew each time, like the start of a build, is never sent twice', () => {
  test.each([
    ['resets the connection', () => plane, true],
    ['sends its clients away', () => leaving, false],
  ])(
    'by way of what %s',
    async (_what, server, resets) => {
      const { namespace, relay, direct, through } = await newSite(server());
      const client = through();
      const isMade = new Map<string, boolean>();
      const failures: unknown[] = [];
      await Promise.all(
        many.map(async (name) => {
          for (let turn = 1; turn <= 20; turn += 1) {
            const of = `${name}-${String(turn)}`;
            const metadata = { namespace, generateName: 'anew-', labels: { of } } as unknown;
            const call = client.create(configMaps, {
              ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata as KubeObject['metadata'] },
            });
            if (resets && isMade.size % 30 === 0) void soon().then(relay.reset);
            const failure = await failureOf(call);
            isMade.set(of, failure === undefined);
            if (failure !== undefined) failures.push(failure);
          }
        }),
      );
      const found = new Map<string, number>();
      for await (const { items } of direct.list(configMaps, { namespace }))
        for (const { metadata } of items) {
          const of = metadata.labels?.['of'];
          if (of !== undefined) found.set(of, (found.get(of) ?? 0) + 1);
        }
      expect([...found].filter(([, times]) => times !== 1)).toEqual([]);
      expect([...isMade].filter(([of, is]) => is && !found.has(of))).toEqual([]);
      expect(relay.accepted()).toBeGreaterThan(4);
      if (resets) expect(failures.length).toBeGreaterThan(0);
      else onlySeldom(failures, isMade.size);
    },
    300_000,
  );
});

test('the server ends in good order and starts again, under load: every call ends, and all converges', async () => {
  const { namespace, relay, start, through, put, converges } = await newSite();
  const operator = start();
  await put('first', '1');
  await converges({ first: '1' });
  const client = through();

  let isBack = false;
  const failures: unknown[] = [];
  const loads = many.map(async (name, index) => {
    for (let value = 1; !isBack || value < 5; value += 1)
      failures.push(
        ...(await lasting(() =>
          client.apply(gadgets, gadget(namespace, name, String(isBack ? 'last' : value))),
        )),
      );
    await lasting(() => client.apply(gadgets, gadget(namespace, name, `end-${String(index)}`)));
  });
  // Seldom it has to be killed after 30 s: a connection that comes just as it begins to end gets no GOAWAY from it, and
  // 503 with Retry-After until then.
  await plane.stopApiServer();
  await plane.startApiServer();
  isBack = true;
  await Promise.all(loads);

  await converges({
    first: '1',
    ...Object.fromEntries(many.map((name, index) => [name, `end-${String(index)}`])),
  });
  expect(failures.length).toBeGreaterThan(0);
  for (const failure of failures) expect(isTransient(failure) ? 'transient' : failure).toBe('transient');
  expect(operator.interruptions.length).toBeGreaterThan(0);
  expect(relay.accepted()).toBeGreaterThan(2);
}, 180_000);

describe('a server that sends its clients away', () => {
  test('calls go on over the next connection, and so do the watches', async () => {
    const { namespace, relay, start, through, put, converges } = await newSite(leaving);
    // A process that stands still for a second is not to take a healthy watch for a silent one.
    const operator = start({ timing: { silenceMs: 30_000 } });
    await put('one', '0');
    await converges({ one: '0' });
    const client = through();
    const failures: unknown[] = [];
    // Written and read by several at a time, so that some are always under way when the connection goes.
    await Promise.all(
      many.map(async (name) => {
        for (let value = 1; value <= 30; value += 1) {
          const written = client.apply(gadgets, gadget(namespace, name, String(value)));
          failures.push(await failureOf(written));
        }
      }),
    );
    onlySeldom(
      failures.filter((failure) => failure !== undefined),
      failures.length,
    );
    await Promise.all(
      many.map((name) => lasting(() => client.apply(gadgets, gadget(namespace, name, '31')))),
    );
    await converges({ one: '0', ...all(many, '31') });
    expect(relay.accepted()).toBeGreaterThan(4);
    // A watch may be sent away twice in a row, as any call.
    const others = operator.interruptions.filter(({ cause }) => cause !== 'Timeout' && cause !== 'Relist');
    for (const { cause, error } of others) expect(isTransient(error) ? 'transient' : cause).toBe('transient');
    expect(others.length).toBeLessThan(5);
  }, 120_000);
});

test('connections that are taken but never answered end calls with an ApiError, and heal', async () => {
  const { namespace, relay, start, through, put, converges } = await newSite();
  const operator = start();
  await put('one', '1');
  await converges({ one: '1' });
  const client = through();

  relay.welcome = 'silence';
  relay.reset();
  await put('one', '2');
  const calls = await Promise.all([
    failureOf(client.get(gadgets, { namespace, name: 'one' })),
    failureOf(client.get(gadgets, { namespace, name: 'one' }, { deadlineMs: 1000 })),
    failureOf(operator.client.apply(gadgets, gadget(namespace, 'two', '1'))),
  ]);
  for (const failure of calls) expect(failure).toBeInstanceOf(ApiError);
  for (const failure of calls.slice(0, 2))
    expect(failure).toMatchObject({ code: 0, reason: 'DeadlineExceeded' });
  // The operator's connection was reset, which it may learn from this very call.
  expect(['DeadlineExceeded', 'ConnectionFailed']).toContain((calls[2] as ApiError).reason);
  const causes = await until(
    () => operator.interruptions.map(({ cause }) => cause),
    (seen) => seen.includes('Silent'),
    30_000,
  );
  expect(causes).toContain('Silent');
  relay.welcome = 'pass';
  relay.reset();
  await converges({ one: '2' });
}, 120_000);

test('connections that are refused end calls with an ApiError, and heal', async () => {
  const { namespace, relay, start, through, put, converges } = await newSite();
  const operator = start();
  await put('one', '1');
  await converges({ one: '1' });
  relay.welcome = 'reset';
  relay.reset();
  await put('one', '2');
  expect(await failureOf(through().get(gadgets, { namespace, name: 'one' }))).toMatchObject({
    code: 0,
    reason: 'ConnectionFailed',
  });
  const seen = await until(
    () => operator.interruptions.filter(({ cause }) => cause === 'ConnectionFailed'),
    ({ length }) => length >= 6,
    30_000,
  );
  expect(seen.length).toBeGreaterThanOrEqual(6);
  relay.welcome = 'pass';
  await converges({ one: '2' });
}, 120_000);
