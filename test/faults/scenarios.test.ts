import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Client } from '../../src/kube/client.ts';
import { terminal } from '../../src/runtime/outcome.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { until } from '../support/until.ts';
import { type Asked, type FaultProxy, isWrite, startFaultProxy } from './fault-proxy.ts';
import {
  asFile,
  clientBy,
  configMaps,
  gadget,
  gadgets,
  type Gadget,
  installGadgets,
  type LogLine,
  type Operator,
  type OperatorOptions,
  parts,
  startOperator,
  type State,
  stateOf,
  wantedState,
} from './gadgets.ts';

// What it must survive, by the numbers of the design's list of scenarios. Times are short (gadgets.ts): relations stay.
let plane: ControlPlane;
let direct: { client: Client; close: () => Promise<void> };
let proxy: FaultProxy;
let kubeconfig: string;
let namespace: string;
let number = 0;
const operators: Operator[] = [];

beforeAll(async () => {
  plane = await startControlPlane();
  await installGadgets(plane);
  direct = clientBy(plane.kubeconfig);
}, 180_000);

beforeEach(async () => {
  number += 1;
  namespace = `test-${String(number)}`;
  await plane.kubectl(['create', 'namespace', namespace]);
  proxy = await startFaultProxy(plane);
  kubeconfig = await asFile(plane, proxy.kubeconfig);
});

afterEach(async () => {
  await Promise.all(operators.splice(0).map((operator) => operator.kill()));
  await proxy.close();
});

afterAll(async () => {
  await direct.close();
  await plane.stop();
});

const start = (options: OperatorOptions = {}): Operator => {
  const operator = startOperator(kubeconfig, namespace, options);
  operators.push(operator);
  return operator;
};
const stop = async (operator: Operator): Promise<void> => {
  operators.splice(operators.indexOf(operator), 1);
  await operator.kill();
};

const put = (name: string, value: string): Promise<Gadget> =>
  direct.client.apply<Gadget>(gadgets, gadget(namespace, name, value));

/** Asserts that all ends as a run without faults would. */
const converges = async (values: Readonly<Record<string, string>>, deadline = 60_000): Promise<void> => {
  const wanted = wantedState(new Map(Object.entries(values)));
  const look = (): Promise<unknown> => stateOf(direct.client, namespace);
  expect(await until(look, (seen) => isDeepStrictEqual(seen, wanted), deadline)).toEqual(wanted);
};

const is =
  (verb: Asked['verb'], plural: string) =>
  (asked: Asked): boolean =>
    asked.verb === verb && asked.plural === plural;
const countOf = (of: (asked: Asked) => boolean): number => proxy.asked.filter(of).length;

/** Of the children, by their names. */
const uidsOf = async (): Promise<Readonly<Record<string, string | undefined>>> => {
  const found: Record<string, string | undefined> = {};
  for await (const { items } of direct.client.list(configMaps, { namespace }))
    for (const { metadata } of items)
      if (metadata.labels?.['gadget'] !== undefined) found[metadata.name] = metadata.uid;
  return found;
};

/** How many writes `seen` lacks: children and statuses that are not as wanted, and children that are not wanted. */
const writesBetween = (seen: State, wanted: State): number =>
  Object.entries(wanted).reduce((sum, [name, { counted, children }]) => {
    const is = seen[name];
    const found = is?.children ?? [];
    const lacking = children.filter((child) => !found.some((one) => isDeepStrictEqual(one, child)));
    const surplus = found.filter((child) => !children.some((one) => one.name === child.name));
    const hasStatus = is?.isCurrent === true && is.counted === counted;
    return sum + lacking.length + surplus.length + (hasStatus ? 0 : 1);
  }, 0);

describe('1: killed after every single write, the next start reaches the same state with the writes that are missing', () => {
  // Of two Gadgets: six children are made, or four changed and two deleted, and a status each: 8 writes.
  test.each([
    ['children are made', undefined, '1'],
    ['children are changed, and deleted', '1', 'fewer'],
  ] as const)(
    '%s',
    async (_what, from, to) => {
      for (let after = 1; after <= 8; after += 1) {
        const names = [`one-${String(after)}`, `two-${String(after)}`];
        const all = (value: string): Readonly<Record<string, string>> =>
          Object.fromEntries(names.map((name) => [name, value]));
        if (from !== undefined) {
          for (const name of names) await put(name, from);
          const zeroth = start();
          await converges(all(from));
          await stop(zeroth);
        }
        let writes = 0;
        const killed = Promise.withResolvers<undefined>();
        proxy.faultFor = (asked) => (isWrite(asked) && writes >= after ? { type: 'reset' } : undefined);
        proxy.onAnswered = (asked) => {
          if (!isWrite(asked)) return;
          writes += 1;
          if (writes === after) killed.resolve(undefined);
        };
        for (const name of names) await put(name, to);
        const first = start();
        await killed.promise;
        await stop(first);

        const wanted = wantedState(new Map(Object.entries(all(to))));
        const missing = writesBetween(await stateOf(direct.client, namespace), wanted);
        const uids = await uidsOf();
        let more = 0;
        proxy.faultFor = () => undefined;
        proxy.onAnswered = (asked, code) => {
          if (isWrite(asked) && code < 400) more += 1;
        };
        const second = start();
        await converges(all(to));
        // Until it has seen, and done, all that its own writes made it do.
        const lists = countOf(is('list', 'gadgets'));
        await until(
          () => countOf(is('list', 'gadgets')),
          (count) => count > lists,
        );
        await stop(second);
        // A status may be written once more than it need be: it counts children before all is seen.
        expect(more).toBeLessThanOrEqual(missing + names.length);
        const now = await uidsOf();
        for (const [name, uid] of Object.entries(uids))
          if (to !== 'fewer' || !name.endsWith('-c')) expect([name, now[name]]).toEqual([name, uid]);
        for (const name of names) {
          await direct.client.delete(gadgets, { namespace, name });
          for (const part of parts)
            if (now[`${name}-${part}`] !== undefined)
              await direct.client.delete(configMaps, { namespace, name: `${name}-${part}` });
        }
      }
    },
    240_000,
  );
});

describe('3: a watch that is refused', () => {
  test.each([
    ['429', { type: 'answer', code: 429 }],
    ['500', { type: 'answer', code: 500 }],
    ['503 in plain text', { type: 'answer', code: 503, body: 'upstream connect error' }],
    ['a reset', { type: 'reset' }],
  ] as const)(
    '%s: starts again with a growing, jittered wait',
    async (_what, fault) => {
      proxy.faultFor = (asked) => (asked.verb === 'watch' && asked.plural === 'gadgets' ? fault : undefined);
      const operator = start({ timing: { watchMs: 600_000, silenceMs: 600_000, relistMs: 600_000 } });
      const seen = await until(
        () => operator.interruptions,
        ({ length }) => length >= 5,
        30_000,
      );
      const waits = seen.slice(0, 5).map(({ retryInMs }) => retryInMs);
      for (const [index, wait] of waits.entries()) {
        expect(wait).toBeGreaterThanOrEqual((20 * 2 ** index) / 2);
        expect(wait).toBeLessThanOrEqual(20 * 2 ** index);
      }
      proxy.faultFor = () => undefined;
      await put('one', '1');
      await converges({ one: '1' });
    },
    60_000,
  );

  test('Retry-After is honoured', async () => {
    let refused = 0;
    let firstAt = 0;
    let nextAt = 0;
    proxy.faultFor = (asked) => {
      if (!is('watch', 'gadgets')(asked)) return undefined;
      if (refused === 1 && nextAt === 0) nextAt = performance.now();
      if (refused > 0) return undefined;
      refused += 1;
      firstAt = performance.now();
      return { type: 'answer', code: 429, retryAfterSeconds: 2 };
    };
    start();
    await until(() => nextAt, Boolean, 30_000);
    expect(nextAt - firstAt).toBeGreaterThanOrEqual(1990);
  }, 60_000);
});

test('4: after 410 everything is listed, and a deletion that was missed is seen', async () => {
  const operator = start({ timing: { relistMs: 600_000 } });
  await put('kept', '1');
  await put('gone', '1');
  await converges({ kept: '1', gone: '1' });

  // From now on no watch is let through: the deletion is missed.
  proxy.faultFor = (asked) => (asked.verb === 'watch' ? { type: 'reset' } : undefined);
  proxy.breakAll();
  await direct.client.delete(gadgets, { namespace, name: 'gone' });
  await pause(200);
  expect(operator.gadgets.get(`${namespace}/gone`)).toBeDefined();

  proxy.faultFor = (asked) => (is('watch', 'gadgets')(asked) ? { type: 'error', code: 410 } : undefined);
  await until(() => operator.interruptions.some(({ cause }) => cause === 'Gone'), Boolean, 30_000);
  proxy.faultFor = () => undefined;
  expect(
    await until(
      () => operator.gadgets.keys(),
      ({ length }) => length === 1,
      30_000,
    ),
  ).toEqual([`${namespace}/kept`]);
}, 90_000);

test('5: a conflict is tried again soon, and is nothing to tell a person', async () => {
  const conflicts = { children: 3, status: 3 };
  proxy.faultFor = (asked) => {
    if (!isWrite(asked)) return undefined;
    const what = asked.subresource === 'status' ? 'status' : 'children';
    if (conflicts[what] === 0) return undefined;
    conflicts[what] -= 1;
    return { type: 'answer', code: 409 };
  };
  const lines: LogLine[] = [];
  start({
    onLog: (line) => lines.push(line),
    backoff: {},
  });
  await put('one', '1');
  await converges({ one: '1' });
  expect(conflicts).toEqual({ children: 0, status: 0 });
  // Children are written at the same time: their conflicts may be those of one reconcile.
  const retries = lines.filter(({ message }) => message === 'somebody else was faster');
  expect(retries.length).toBeGreaterThanOrEqual(4);
  for (const { retryInMs, failures = 0 } of retries)
    expect(retryInMs).toBeLessThanOrEqual(200 * 2 ** (failures - 1));
  expect(lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
}, 60_000);

test('6: a kind that is forbidden is named with verb and resource, others go on, and it heals without a restart', async () => {
  const grant = async (role: string, verbs: string, resource: string): Promise<void> => {
    const where = ['--namespace', namespace];
    const made = await plane.kubectl([
      ...['create', 'role', role, `--verb=${verbs}`, `--resource=${resource}`, ...where],
    ]);
    const bound = await plane.kubectl([
      ...['create', 'rolebinding', role, `--role=${role}`, '--user=limited', ...where],
    ]);
    expect([made, bound].map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual([
      { exitCode: 0, stderr: '' },
      { exitCode: 0, stderr: '' },
    ]);
  };
  await grant('roots', 'get,list,watch,patch', 'gadgets.test.edgebuild.io');
  let reconciled = 0;
  const limited = await plane.kubeconfigFor({ user: 'limited', groups: [] });
  const operator = startOperator(limited, namespace, {
    reconcile: (_request, usual) => {
      reconciled += 1;
      return usual();
    },
  });
  operators.push(operator);
  await put('one', '1');
  const seen = await until(() => operator.maps.unavailable(), Boolean, 30_000);
  expect(seen).toMatchObject({ cause: 'Forbidden' });
  expect(seen?.message).toContain('list configmaps');
  expect(await until(() => reconciled, Boolean, 30_000)).toBeGreaterThan(0);

  await grant('children', 'get,list,watch,create,patch,delete', 'configmaps');
  // To block an owner's deletion takes the right to set its finalizers (OwnerReferencesPermissionEnforcement).
  await grant('status', 'patch', 'gadgets.test.edgebuild.io/status');
  await grant('finalizers', 'update', 'gadgets.test.edgebuild.io/finalizers');
  await converges({ one: '1' });
  expect(operator.maps.unavailable()).toBeUndefined();
}, 90_000);

test('7: a half-open watch is noticed and replaced, and its age grows meanwhile', async () => {
  let stalled = 0;
  proxy.faultFor = (asked) => {
    if (!is('watch', 'gadgets')(asked) || stalled > 0) return undefined;
    stalled += 1;
    return { type: 'stall', afterLines: 0 };
  };
  const operator = start({ timing: { relistMs: 600_000 } });
  await until(() => stalled, Boolean, 30_000);
  await put('one', '1');
  expect(
    await until(
      () => operator.gadgets.lastEventAgeMs(),
      (age) => age > 1000,
      30_000,
    ),
  ).toBeGreaterThan(1000);
  await converges({ one: '1' });
  expect(operator.interruptions.map(({ cause }) => cause)).toContain('Silent');
  expect(operator.gadgets.lastEventAgeMs()).toBeLessThan(60_000);
}, 60_000);

describe('8: a watch whose events are', () => {
  test.each(['drop', 'duplicate', 'reorder', 'truncate'] as const)(
    '%s: the same end',
    async (type) => {
      proxy.faultFor = (asked) => (asked.verb === 'watch' ? { type, line: 2 } : undefined);
      start();
      for (const name of ['one', 'two', 'three']) await put(name, '1');
      await put('two', '2');
      await converges({ one: '1', two: '2', three: '1' });
    },
    90_000,
  );

  test('cut after each line: the same end', async () => {
    proxy.faultFor = (asked) => (asked.verb === 'watch' ? { type: 'cut', afterLines: 1 } : undefined);
    start();
    for (const name of ['one', 'two', 'three']) await put(name, '1');
    await converges({ one: '1', two: '1', three: '1' });
  }, 90_000);
});

test('10: a reconcile that throws, and one that hangs, keep no other from its turn, and are tried again', async () => {
  const tries = { throws: 0, hangs: 0 };
  start({
    timeoutMs: 500,
    reconcile: async ({ object: { metadata } }, usual) => {
      if (metadata.name === 'throws' && ++tries.throws <= 3) throw new Error('a bug');
      // Deaf to its signal.
      if (metadata.name === 'hangs' && ++tries.hangs <= 5) return new Promise(() => undefined);
      return usual();
    },
  });
  for (const name of ['hangs', 'throws', 'one']) await put(name, '1');
  await converges({ hangs: '1', throws: '1', one: '1' });
  expect(tries.throws).toBeGreaterThan(3);
  expect(tries.hangs).toBeGreaterThan(5);
}, 60_000);

test('12: a stale view of an earlier object of the same name does not touch the children of the new one', async () => {
  const operator = start({ timing: { relistMs: 600_000, silenceMs: 600_000, watchMs: 600_000 } });
  await put('one', '1');
  await converges({ one: '1' });
  const old = await direct.client.get<Gadget>(gadgets, { namespace, name: 'one' });

  // It sees nothing any more: neither the deletion nor the new one, which another operator has served.
  proxy.faultFor = (asked) => (asked.verb === 'watch' ? { type: 'stall', afterLines: 0 } : undefined);
  proxy.breakAll();
  await until(
    () => operator.interruptions.length,
    (length) => length >= 2,
    30_000,
  );
  await direct.client.delete(gadgets, { namespace, name: 'one' });
  for (const part of ['a', 'b', 'c'])
    await direct.client.delete(configMaps, { namespace, name: `one-${part}` });
  await put('one', '2');
  const other = startOperator(plane.kubeconfig, namespace);
  operators.push(other);
  await converges({ one: '2' });
  const children = await uidsOf();

  // Something makes the first one look again, with its stale cache: an event of a child, as it thinks.
  const answers: number[] = [];
  proxy.onAnswered = (asked, code) => {
    if (isWrite(asked)) answers.push(code);
  };
  const [stale] = operator.maps.byIndex('owner', old.metadata.uid ?? '');
  if (stale === undefined) throw new Error('the stale cache has no child');
  operator.maps.learn({
    ...stale,
    metadata: { ...stale.metadata, labels: {}, resourceVersion: '999999999' },
  });
  await until(() => answers.length, Boolean, 30_000);
  expect(answers.every((code) => code === 409 || code === 404)).toBe(true);
  expect(await uidsOf()).toEqual(children);
  await converges({ one: '2' });
}, 90_000);

test('12: an owner whose deletion was missed does not get its children again', async () => {
  const operator = start({
    timing: { relistMs: 600_000, silenceMs: 600_000, watchMs: 600_000 },
    freshMs: 0,
  });
  await put('one', '1');
  await converges({ one: '1' });
  // The deletion is missed, what becomes of the children is not.
  proxy.faultFor = (asked) => (is('watch', 'gadgets')(asked) ? { type: 'stall', afterLines: 0 } : undefined);
  proxy.breakAll();
  await until(
    () => operator.interruptions.length,
    (length) => length >= 2,
    30_000,
  );
  await direct.client.delete(gadgets, { namespace, name: 'one' });
  // Of children: a status whose answer was cut off may be written again.
  const isOfChild = (asked: Asked): boolean => isWrite(asked) && asked.plural === 'configmaps';
  const writes = countOf(isOfChild);
  const gets = countOf(is('get', 'gadgets'));
  await direct.client.delete(configMaps, { namespace, name: 'one-a' });
  await until(
    () => countOf(is('get', 'gadgets')),
    (count) => count > gets + 1,
    30_000,
  );
  expect(operator.gadgets.get(`${namespace}/one`)).toBeDefined();
  expect(countOf(isOfChild)).toBe(writes);
}, 90_000);

test('13: what is edited or deleted by hand is restored, and what others own is left alone', async () => {
  start();
  await put('one', '1');
  await converges({ one: '1' });
  const child = ['--namespace', namespace, 'configmap', 'one-a'];
  await plane.kubectl(['label', ...child, 'gadget=wrong', 'theirs=kept', '--overwrite']);
  await plane.kubectl(['delete', 'configmap', 'one-b', '--namespace', namespace]);
  await plane.kubectl([
    ...['patch', ...child, '--type=merge', '-p'],
    '{"data":{"value":"wrong","theirs":"kept"},"metadata":{"ownerReferences":null}}',
  ]);
  const countChildren = async (): Promise<number> => Object.keys(await uidsOf()).length;
  const isRestored = async (): Promise<unknown> => {
    const map = await direct.client.get(configMaps, { namespace, name: 'one-a' });
    return {
      labels: map.metadata.labels,
      owned: map.metadata.ownerReferences?.length,
      data: (map as { data?: unknown }).data,
    };
  };
  const wanted = {
    labels: { gadget: 'one', theirs: 'kept' },
    owned: 1,
    data: { part: 'a', value: '1', theirs: 'kept' },
  };
  expect(await until(isRestored, (seen) => isDeepStrictEqual(seen, wanted), 30_000)).toEqual(wanted);
  expect(await until(countChildren, (count) => count === 3, 30_000)).toBe(3);
}, 60_000);

test('17: at rest nothing is written and nothing is read but lists and watches, through several of both', async () => {
  const operator = start();
  await put('one', '1');
  await put('two', '1');
  await converges({ one: '1', two: '1' });
  const writes = countOf(isWrite);
  const gets = countOf(({ verb }) => verb === 'get');
  const lists = countOf(is('list', 'gadgets'));
  // Others change what is ours to look at, and not ours to own.
  await plane.kubectl(['label', 'configmap', 'one-a', 'theirs=1', '--namespace', namespace]);
  await until(
    () => countOf(is('list', 'gadgets')),
    (count) => count >= lists + 4,
    60_000,
  );
  // What the scenario says, where there is time for it.
  if (process.env['EDGEBUILD_SOAK'] === '1') await pause(120_000);
  expect(operator.interruptions.filter(({ cause }) => cause === 'Relist').length).toBeGreaterThanOrEqual(4);
  expect({ writes: countOf(isWrite), gets: countOf(({ verb }) => verb === 'get') }).toEqual({ writes, gets });
}, 240_000);

test('never two watches of one kind at a time, whatever breaks', async () => {
  let most = 0;
  let turn = 0;
  proxy.faultFor = (asked) => {
    most = Math.max(most, proxy.openWatches('gadgets'));
    if (asked.verb !== 'watch') return undefined;
    turn += 1;
    return turn % 2 === 0 ? { type: 'cut', afterLines: 1 } : { type: 'truncate', line: 1 };
  };
  start();
  for (const name of ['one', 'two', 'three', 'four']) await put(name, '1');
  await converges({ one: '1', two: '1', three: '1', four: '1' });
  // Asked before the new watch is open: one would be one too many.
  expect(most).toBeLessThanOrEqual(1);
}, 60_000);

test('what a person must mend is not tried again until it changes', async () => {
  let tries = 0;
  start({
    reconcile: async (request, usual) => {
      if (request.object.spec.value !== 'bad') return usual();
      tries += 1;
      return terminal('ValueBad');
    },
  });
  await put('one', 'bad');
  await until(() => tries, Boolean, 30_000);
  await put('two', '1');
  const seen = (): Promise<unknown> => stateOf(direct.client, namespace);
  await until(seen, (state) => JSON.stringify(state).includes('two-c'), 30_000);
  expect(tries).toBe(1);
  await put('one', '1');
  await converges({ one: '1', two: '1' });
}, 60_000);
