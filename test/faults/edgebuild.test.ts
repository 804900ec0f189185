import { describe, expect, test } from '@jest/globals';
import { atOnce, followingReady, type Household, inHousehold, type Life, live } from './edgebuild-life.ts';
import { edgeBuildSuite } from './edgebuild-suite.ts';
import { type Asked, type Fault, isWrite } from './fault-proxy.ts';
import { letThrough } from './let-through.ts';

// The controller of EdgeBuilds on a real API server with a stand-in for OpenShift, on a node that is none: no build runs,
// a hand plays them (builders-hand.ts).
const suite = await edgeBuildSuite();
const width = 5;

/** What a life without faults looks like: each build once. */
const expected = async (): Promise<Life> => {
  known ??= await inHousehold(suite.site, 'undisturbed', async ({ namespace, start }) => {
    start();
    return followingReady(suite.site, namespace, () => live(suite.site, namespace));
  });
  return known;
};
let known: Life | undefined;

test('a life without faults: two builds, both published, and in the end what was published stays', async () => {
  const [first, second, last] = await expected();
  expect(first).toMatchObject({
    builds: ['web-arm64-1 Complete'],
    children: [
      'BuildConfig web-arm64',
      'Deployment web',
      'ImageStream web',
      'ImageStream web-bases',
      'Route web',
      'Service web',
    ],
  });
  expect(second.builds).toEqual(['web-arm64-1 Complete', 'web-arm64-2 Complete']);
  expect(second.edgeBuilds['web']?.image).not.toBe(first.edgeBuilds['web']?.image);
  expect(second.children).toEqual(first.children);
  expect(last.tags).toEqual(second.tags.filter((tag) => tag.startsWith('web:')));
}, 200_000);

describe('1: killed after a write, the next start reaches the same state, and no build is made twice', () => {
  /** Returns how many writes there were until the end, and whether the kill came before that. */
  const killedAfter = async (after: number, { namespace, proxy, start, stop }: Household) => {
    const through = letThrough(proxy, after, isWrite);
    const first = start();
    let isOver = false;
    const replacing = through.over.then(async () => {
      const isInTime = !isOver;
      await stop(first);
      through.end();
      start();
      return isInTime;
    });
    const life = await live(suite.site, namespace);
    isOver = true;
    through.end();
    return { after, writes: through.writes(), life, isKilled: await replacing };
  };

  test('once in a life, after each write of it', async () => {
    const life = await expected();
    const undisturbed = await inHousehold(suite.site, 'counted', (household) =>
      killedAfter(Infinity, household),
    );
    expect(undisturbed.writes).toBeGreaterThan(20);
    const numbers = Array.from({ length: undisturbed.writes }, (_, index) => index + 1);
    const lives = await atOnce(width, numbers, (after) =>
      inHousehold(suite.site, `killed-${String(after)}`, (household) => killedAfter(after, household)),
    );
    expect(lives.filter((one) => JSON.stringify(one.life) !== JSON.stringify(life))).toEqual([]);
    // Some lives have fewer writes than the one that was counted: changes of a status may come in one.
    const unharmed = lives.filter(({ isKilled }) => !isKilled).map(({ after }) => after);
    expect(unharmed.filter((after) => after <= numbers.length / 2)).toEqual([]);
  }, 900_000);

  test('after each write of one life, so that no process makes two', async () => {
    const life = await expected();
    await inHousehold(suite.site, 'no-two', async ({ namespace, proxy, start, stop }) => {
      // What a new process tells people again is not counted: it would tell nothing else.
      const counts = (asked: Asked): boolean => isWrite(asked) && asked.plural !== 'events';
      let [processes, isOver, end] = [0, false, (): void => undefined];
      const living = live(suite.site, namespace).finally(() => {
        isOver = true;
        end();
      });
      while (!isOver) {
        const through = letThrough(proxy, 1, counts);
        ({ end } = through);
        processes += 1;
        const operator = start();
        await through.over;
        await stop(operator);
      }
      expect(await living).toEqual(life);
      // How many there are depends on how many states of a build one of them sees.
      expect(processes).toBeGreaterThan(10);
    });
  }, 900_000);
});

describe('each write fails, and then does not', () => {
  const faults: readonly (readonly [string, Fault])[] = [
    ['conflict', { type: 'answer', code: 409 }],
    ['429', { type: 'answer', code: 429 }],
    ['429-later', { type: 'answer', code: 429, retryAfterSeconds: 1 }],
    ['500', { type: 'answer', code: 500 }],
    ['503', { type: 'answer', code: 503, body: 'error trying to reach service: dial tcp: refused' }],
    ['reset', { type: 'reset' }],
    ['lost-answer', { type: 'lostAnswer' }],
  ];

  test('whatever the failure is: the same end, and no build twice', async () => {
    const life = await expected();
    const lives = await atOnce(width, faults, ([name, fault]) =>
      inHousehold(suite.site, `fault-${name}`, async ({ namespace, proxy, start }) => {
        const turns = new Map<string, number>();
        let failed = 0;
        proxy.faultFor = (asked) => {
          if (!isWrite(asked)) return undefined;
          const what = Object.values(asked).join(' ');
          const turn = turns.get(what) ?? 0;
          turns.set(what, turn + 1);
          if (turn % 2 === 1) return undefined;
          failed += 1;
          return fault;
        };
        start();
        const lived = await live(suite.site, namespace);
        expect(failed).toBeGreaterThan(8);
        return { name, lived };
      }),
    );
    expect(lives).toEqual(faults.map(([name]) => ({ name, lived: life })));
  }, 400_000);

  test('a conflict is nothing to tell a person', async () => {
    const lines: string[] = [];
    const seen = new Set<string>();
    const { site, namespace, proxy } = suite;
    proxy.faultFor = (asked) => {
      const what = Object.values(asked).join(' ');
      if (!isWrite(asked) || asked.plural === 'events' || seen.has(what)) return undefined;
      seen.add(what);
      return { type: 'answer', code: 409 };
    };
    suite.start({ onLog: (line) => lines.push(line) });
    expect(await live(site, namespace)).toEqual(await expected());
    expect(seen.size).toBeGreaterThanOrEqual(7);
    expect(lines.filter((line) => /"level":"(warn|error)"/.test(line))).toEqual([]);
    // The API server's own allocator may warn of the Service's address: that is nobody's conflict.
    const ours = '{.items[?(@.reportingComponent=="edgebuild.io/operator")].type}';
    const { stdout } = await site.plane.kubectl(['get', 'events', '-n', namespace, '-o', `jsonpath=${ours}`]);
    expect(stdout).toContain('Normal');
    expect(stdout).not.toContain('Warning');
  }, 300_000);
});

describe('watches that tell what is not so, or nothing', () => {
  const faults: readonly (readonly [string, (line: number) => Fault])[] = [
    ['dropped', (line) => ({ type: 'drop', line })],
    ['duplicated', (line) => ({ type: 'duplicate', line })],
    ['reordered', (line) => ({ type: 'reorder', line })],
    ['cut', (line) => ({ type: 'cut', afterLines: line })],
    ['truncated', (line) => ({ type: 'truncate', line })],
    ['stalled', (line) => ({ type: 'stall', afterLines: line })],
  ];

  test('8: whatever is wrong with them: the same end, and no build twice', async () => {
    const life = await expected();
    const lives = await atOnce(width, faults, ([name, fault]) =>
      inHousehold(suite.site, `watch-${name}`, async ({ namespace, proxy, start }) => {
        let turn = 0;
        proxy.faultFor = ({ verb }) => {
          if (verb !== 'watch') return undefined;
          turn += 1;
          return fault(1 + (turn % 3));
        };
        // What a watch has never told, a new list tells.
        start({ timing: { relistMs: 2000 } });
        return { name, lived: await live(suite.site, namespace) };
      }),
    );
    expect(lives).toEqual(faults.map(([name]) => ({ name, lived: life })));
  }, 400_000);
});
