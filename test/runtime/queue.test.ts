import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { createQueue, type Queue } from '../../src/runtime/queue.ts';

const newQueue = (random = () => 1): Queue => createQueue({ backoffBaseMs: 100, backoffCapMs: 1000, random });

const keys = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('add' as const), key: keys }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('take' as const), key: keys }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('done' as const), key: keys }) },
);

/** The same with lists, as slow and plain as can be. */
const createModel = () => {
  const waiting: string[] = [];
  const working = new Set<string>();
  const again = new Set<string>();
  return {
    waiting,
    working,
    add: (key: string): void => {
      if (working.has(key)) again.add(key);
      else if (!waiting.includes(key)) waiting.push(key);
    },
    take: (): string | undefined => {
      const key = waiting.shift();
      if (key !== undefined) working.add(key);
      return key;
    },
    done: (key: string): void => {
      if (!working.delete(key)) return;
      if (again.delete(key)) waiting.push(key);
    },
  };
};

test('whatever is added, taken and done: each key once, in order, with one worker, and none is lost', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const queue = newQueue();
      const model = createModel();
      for (const { type, key } of steps) {
        if (type === 'add') {
          queue.add(key);
          model.add(key);
        } else if (type === 'done') {
          queue.done(key);
          model.done(key);
        } else if (model.waiting.length > 0) expect(await queue.take()).toBe(model.take());
        expect(queue.depth()).toBe(model.waiting.length);
      }
    }),
    { numRuns: 300 },
  );
});

test('workers that wait get keys in the order of their coming', async () => {
  const queue = newQueue();
  const taken = [queue.take(), queue.take()];
  queue.add('a');
  queue.add('a');
  queue.add('b');
  expect(await Promise.all(taken)).toEqual(['a', 'b']);
});

describe('later', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('of several times the earliest counts, and it counts once', () => {
    const queue = newQueue();
    queue.addAfter('a', 500);
    queue.addAfter('a', 100);
    queue.addAfter('a', 900);
    jest.advanceTimersByTime(99);
    expect(queue.depth()).toBe(0);
    jest.advanceTimersByTime(1);
    expect(queue.depth()).toBe(1);
    jest.advanceTimersByTime(10_000);
    expect(queue.depth()).toBe(1);
  });

  test('work that begins before counts for it', async () => {
    const queue = newQueue();
    queue.addAfter('a', 500);
    queue.add('a');
    expect(await queue.take()).toBe('a');
    queue.done('a');
    jest.advanceTimersByTime(10_000);
    expect(queue.depth()).toBe(0);
  });

  test('a key that is worked on comes back afterwards', async () => {
    const queue = newQueue();
    queue.add('a');
    expect(await queue.take()).toBe('a');
    queue.addAfter('a', 100);
    jest.advanceTimersByTime(100);
    expect(queue.depth()).toBe(0);
    queue.done('a');
    expect(queue.depth()).toBe(1);
  });

  test('failures wait longer each time, up to the cap, until they are forgotten', () => {
    const queue = newQueue();
    const waits = Array.from({ length: 6 }, () => queue.addRateLimited('a'));
    expect(waits).toEqual([100, 200, 400, 800, 1000, 1000]);
    expect(queue.failures('a')).toBe(6);
    expect([queue.addRateLimited('b'), queue.failures('b')]).toEqual([100, 1]);
    queue.forget('a');
    expect([queue.failures('a'), queue.addRateLimited('a'), queue.addRateLimited('a', 7000)]).toEqual([
      0, 100, 7000,
    ]);
    expect(newQueue(() => 0).addRateLimited('a')).toBe(50);
    queue.shutDown();
  });

  test('shutDown hands out nothing more, and lets every worker go', async () => {
    const queue = newQueue();
    queue.add('a');
    await queue.take();
    const [taken] = [queue.take()];
    queue.addAfter('b', 100);
    queue.add('a');
    queue.shutDown();
    expect([await taken, await queue.take()]).toEqual([undefined, undefined]);
    queue.done('a');
    queue.add('c');
    queue.addAfter('d', 1);
    jest.advanceTimersByTime(1000);
    expect([queue.depth(), jest.getTimerCount()]).toEqual([0, 0]);
  });
});

test('a time that no timer can hold does not come at once', async () => {
  const queue = newQueue();
  queue.addAfter('far', 2 ** 31);
  queue.addAfter('near', 50);
  expect(await queue.take()).toBe('near');
  queue.shutDown();
});
