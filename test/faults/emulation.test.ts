import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { agentName, agentNamespace, daemonSets, nodeEmulations } from '../../src/emulation/kinds.ts';
import { until } from '../support/until.ts';
import {
  type EmulationOperator,
  type EmulationOperatorOptions,
  startEmulation,
} from './emulation-operator.ts';
import { type EmulationSite, nothing, openEmulationSite, proven } from './emulation-site.ts';
import { type Asked, type Fault, type FaultProxy, isWrite, startFaultProxy } from './fault-proxy.ts';
import { letThrough } from './let-through.ts';
import { asFile, type LogLine } from './gadgets.ts';

// The controllers of nodes, on a real API server with the real controller of DaemonSets, and with nodes that are none
// (fake-nodes.ts): what their kubelet says is what is tested, and no program runs anywhere.
let site: EmulationSite;
let proxy: FaultProxy;
let kubeconfig: string;
const operators: EmulationOperator[] = [];
const names = ['one', 'two'];

beforeAll(async () => {
  site = await openEmulationSite();
  for (const name of names) await site.fakes.add(name);
}, 180_000);

beforeEach(async () => {
  proxy = await startFaultProxy(site.plane);
  kubeconfig = await asFile(site.plane, proxy.kubeconfig);
});

afterEach(async () => {
  await Promise.all(operators.splice(0).map((operator) => operator.kill()));
  await proxy.close();
  for (const name of names) {
    site.fakes.says(name, 'Well');
    await site.fakes.setReady(name, true);
  }
  await site.clear();
}, 180_000);

afterAll(async () => {
  await site.close();
});

const start = (options: EmulationOperatorOptions = {}): EmulationOperator => {
  const operator = startEmulation(kubeconfig, options);
  operators.push(operator);
  return operator;
};
const stop = async (operator: EmulationOperator): Promise<void> => {
  operators.splice(operators.indexOf(operator), 1);
  await operator.kill();
};

const foreign = { reason: 'HandlerForeign', message: 'the handler qemu is not ours; remove it' } as const;

const oneFails = {
  ...proven(names, 'arm64'),
  emulation: {
    isCurrent: true,
    conditions: {
      Ready: 'False NodesNotProven',
      Reconciling: 'False NodesNotProven',
      Stalled: 'False NodesNotProven',
    },
    architectures: ['arm64 1/2'],
    problems: ['one arm64 HandlerForeign'],
  },
  labels: ['two arm64'],
};

/** An EdgeBuild comes, an agent fails, all is taken away: the steps, and how each ends. */
const live = async (): Promise<void> => {
  await site.putBuild('web', ['linux/arm64']);
  await site.ends(proven(names, 'arm64'));
  site.fakes.says('one', foreign);
  await site.ends(oneFails);
  await site.putEmulation({ managementState: 'Removed' });
  await site.ends(nothing('Removed'));
};

const isLabelling = ({ verb, plural }: Asked): boolean => verb === 'patch' && plural === 'nodes';

describe('1: killed after every single write of a whole life, the next start reaches the same state', () => {
  // Twice on, once off by the failure and once by the removal, whoever wrote it, and nothing in between.
  const changes = ['one on', 'two on', 'one off', 'two off'];
  const sameChanges = (seen: readonly string[]): void => {
    expect(seen.slice(0, 2).sort()).toEqual(changes.slice(0, 2));
    expect(seen.slice(2)).toEqual(changes.slice(2));
  };

  /** Lives a life in which the operator is killed after so many writes. Returns how many there were until its end. */
  const liveKilledAfter = async (after: number): Promise<number> => {
    const through = letThrough(proxy, after, isWrite);
    const labels = await site.followLabels();
    const first = start();
    const replacing = through.over.then(async () => {
      await stop(first);
      through.end();
      start();
    });
    await live();
    through.end();
    await replacing;
    sameChanges(await labels.end());
    await Promise.all(operators.splice(0).map((operator) => operator.kill()));
    site.fakes.says('one', 'Well');
    await site.clear();
    return through.writes();
  };

  test('once in a life, after each write of it', async () => {
    const most = await liveKilledAfter(Infinity);
    expect(most).toBeGreaterThan(10);
    for (let after = 1; after <= most; after += 1) await liveKilledAfter(after);
  }, 900_000);

  test('after each write of one life, so that no process makes two', async () => {
    // What a new process tells of what is wrong are Events, once each: they are not counted. Of deletions: below.
    const counts = (asked: Asked): boolean =>
      isWrite(asked) && asked.plural !== 'events' && asked.verb !== 'delete';
    const labels = await site.followLabels();
    let [processes, isOver, end] = [0, false, (): void => undefined];
    const over = (): boolean => isOver;
    const dying = (async () => {
      while (!over()) {
        const through = letThrough(proxy, 1, counts);
        ({ end } = through);
        processes += 1;
        const operator = start();
        await through.over;
        await stop(operator);
      }
    })();
    try {
      await live();
      expect(processes).toBeGreaterThan(8);
    } finally {
      isOver = true;
      end();
      await dying;
    }
    sameChanges(await labels.end());
  }, 600_000);

  test('after the DaemonSet is deleted and before that is said, nothing is removed a second time', async () => {
    const first = start();
    await site.putBuild('web', ['linux/arm64']);
    await site.ends(proven(names, 'arm64'));
    let isDeleted = false;
    proxy.faultFor = (asked) => (isDeleted && isWrite(asked) ? { type: 'reset' } : undefined);
    proxy.onAnswered = ({ verb, plural }) => {
      isDeleted ||= verb === 'delete' && plural === 'daemonsets';
    };
    await site.putEmulation({ managementState: 'Removed' });
    await until(() => isDeleted, Boolean, 120_000);
    await stop(first);
    proxy.faultFor = () => undefined;
    const before = countOf('patch', 'daemonsets');
    start();
    await site.ends(nothing('Removed'));
    expect(countOf('patch', 'daemonsets')).toBe(before);
  }, 300_000);

  test('what is there is kept: the same DaemonSet and the same NodeEmulation, and one agent a node', async () => {
    const first = start();
    await site.putBuild('web', ['linux/arm64']);
    await site.ends(proven(names, 'arm64'));
    const uids = (): Promise<readonly (string | undefined)[]> =>
      Promise.all([site.uidOf(daemonSets, agentName), site.uidOf(nodeEmulations, 'cluster')]);
    const before = await uids();
    await stop(first);
    const writes: Asked[] = [];
    proxy.onAnswered = (asked) => {
      if (isWrite(asked)) writes.push(asked);
    };
    const lists = countOf('list', 'nodes');
    start();
    site.fakes.says('two', foreign);
    await site.ends({ labels: ['one arm64'] });
    site.fakes.says('two', 'Well');
    await site.ends(proven(names, 'arm64'));
    expect(countOf('list', 'nodes')).toBe(lists + 1);
    expect(await uids()).toEqual(before);
    expect(writes.filter(({ verb }) => verb === 'create' || verb === 'delete').every(({ plural }) => plural === 'events')).toBe(true); // prettier-ignore
  }, 200_000);
});

const countOf = (verb: Asked['verb'], plural: string): number =>
  proxy.asked.filter((asked) => asked.verb === verb && asked.plural === plural).length;

describe('each write fails, and then does not', () => {
  test.each<[string, Fault]>([
    ['a conflict', { type: 'answer', code: 409 }],
    ['429', { type: 'answer', code: 429 }],
    ['429 with Retry-After', { type: 'answer', code: 429, retryAfterSeconds: 1 }],
    ['500', { type: 'answer', code: 500 }],
    ['a reset', { type: 'reset' }],
    ['an answer that is lost', { type: 'lostAnswer' }],
  ])('%s: the same end', async (_what, fault) => {
    const turns = new Map<string, number>();
    let failed = 0;
    proxy.faultFor = (asked) => {
      if (!isWrite(asked)) return undefined;
      const what = `${asked.verb} ${asked.plural} ${asked.subresource ?? ''} ${asked.name ?? ''}`;
      const turn = turns.get(what) ?? 0;
      turns.set(what, turn + 1);
      if (turn % 2 === 1) return undefined;
      failed += 1;
      return fault;
    };
    start();
    await live();
    expect(failed).toBeGreaterThan(8);
  }, 400_000); // prettier-ignore

  test('a conflict is nothing to tell a person', async () => {
    const lines: LogLine[] = [];
    const seen = new Set<string>();
    proxy.faultFor = (asked) => {
      const what = `${asked.verb} ${asked.plural} ${asked.subresource ?? ''} ${asked.name ?? ''}`;
      if (!isWrite(asked) || asked.plural === 'events' || seen.has(what)) return undefined;
      seen.add(what);
      return { type: 'answer', code: 409 };
    };
    start({ onLog: (line) => lines.push(line) });
    await live();
    expect(seen.size).toBeGreaterThanOrEqual(5);
    const told = lines.filter(({ level }) => level === 'warn' || level === 'error');
    expect(told.map(({ message }) => message)).toEqual(['a node is not proven']);
  }, 200_000);
});

describe('6: what is forbidden keeps nothing else from its turn, and heals without a restart', () => {
  const forbidden: Fault = { type: 'answer', code: 403 };

  test('to patch nodes: agents and status go on, and labels come when it is allowed', async () => {
    let refused = 0;
    proxy.faultFor = (asked) => {
      if (!isLabelling(asked)) return undefined;
      refused += 1;
      return forbidden;
    };
    start();
    await site.putBuild('web', ['linux/arm64']);
    await site.ends({ ...proven(names, 'arm64'), labels: [] });
    await site.putBuild('web', ['linux/s390x']);
    await site.ends({ ...proven(names, 's390x'), labels: [] });
    expect(refused).toBeGreaterThan(0);
    proxy.faultFor = () => undefined;
    await site.ends(proven(names, 's390x'));
  }, 200_000);

  test('to watch pods: no label is taken off for that, neither by this process nor by the next', async () => {
    const operator = start();
    await site.putBuild('web', ['linux/arm64']);
    await site.ends(proven(names, 'arm64'));
    proxy.faultFor = ({ verb, plural }) =>
      plural === 'pods' && (verb === 'list' || verb === 'watch') ? forbidden : undefined;
    proxy.breakAll();
    expect(await until(() => operator.unavailable('pods'), Boolean, 60_000)).toContain('pods');
    await site.fakes.setReady('one', true);
    await stop(operator);
    const next = start();
    expect(await until(() => next.unavailable('pods'), Boolean, 60_000)).toContain('pods');
    // Another node’s change is looked at after all that there was to be looked at before it.
    await site.fakes.setReady('two', true);
    const before = countOf('patch', 'nodes');
    site.fakes.says('one', foreign);
    proxy.faultFor = () => undefined;
    await site.ends({ labels: ['two arm64'] });
    expect(countOf('patch', 'nodes')).toBe(before + 1);
    site.fakes.says('one', 'Well');
    await site.ends(proven(names, 'arm64'));
  }, 200_000);

  test('to write the status: labels go on, and the status comes when it is allowed', async () => {
    proxy.faultFor = ({ verb, subresource }) =>
      verb === 'patch' && subresource === 'status' ? forbidden : undefined;
    start();
    await site.putBuild('web', ['linux/arm64']);
    await site.ends({ labels: ['one arm64', 'two arm64'] });
    proxy.faultFor = () => undefined;
    await site.ends(proven(names, 'arm64'));
  }, 200_000);
});

describe('an EdgeBuild that comes and goes', () => {
  test('comes again in the middle of the removal: nodes prove it again', async () => {
    start();
    await site.putBuild('web', ['linux/arm64']);
    await site.ends(proven(names, 'arm64'));
    site.fakes.says('two', 'Starting');
    await site.dropBuild('web');
    await site.ends({ daemonSets: ['remove'], labels: [] });
    await site.putBuild('web', ['linux/arm64']);
    site.fakes.says('two', 'Well');
    await site.ends(proven(names, 'arm64'));
    await site.dropBuild('web');
    await site.ends(nothing('NotNeeded'));
  }, 300_000);

  test('many times in a row: the last time counts', async () => {
    start();
    for (let time = 0; time < 5; time += 1) {
      await site.putBuild('web', ['linux/arm64']);
      await site.dropBuild('web');
    }
    await site.putBuild('web', ['linux/arm64']);
    await site.ends(proven(names, 'arm64'));
  }, 300_000);

  test('31: one of two goes, and what the other needs stays, without a moment off', async () => {
    start();
    await site.putBuild('web', ['linux/arm64']);
    await site.putBuild('other', ['linux/arm64']);
    await site.ends(proven(names, 'arm64'));
    const before = await site.uidOf(daemonSets, agentName);
    const labelled = countOf('patch', 'nodes');
    await site.dropBuild('web');
    await site.putBuild('late', ['linux/amd64']);
    site.fakes.says('one', foreign);
    await site.ends(oneFails);
    expect(await site.uidOf(daemonSets, agentName)).toBe(before);
    expect(countOf('patch', 'nodes')).toBe(labelled + 1);
  }, 200_000);

  test('one label is one write, also while no news of nodes come', async () => {
    start();
    await until(() => proxy.openWatches('nodes'), Boolean, 60_000);
    proxy.faultFor = ({ verb, plural }) =>
      verb === 'watch' && plural === 'nodes' ? { type: 'stall', afterLines: 0 } : undefined;
    proxy.breakAll();
    await site.putBuild('web', ['linux/arm64']);
    await site.ends(proven(names, 'arm64'));
    const labelled = countOf('patch', 'nodes');
    // News of a pod: its node is looked at.
    await site.plane.kubectl([
      ...['annotate', 'pods', '--all', 'looked-at=1'],
      `--namespace=${agentNamespace}`,
    ]);
    site.fakes.says('one', foreign);
    await site.ends({ labels: ['two arm64'] });
    expect([labelled, countOf('patch', 'nodes')]).toEqual([2, 3]);
  }, 200_000);

  test('a label that somebody puts on a node where nothing is proven goes', async () => {
    start();
    site.fakes.says('two', foreign);
    await site.putBuild('web', ['linux/arm64']);
    await site.ends({ labels: ['one arm64'] });
    const label = 'emulation.edgebuild.io';
    await site.plane.kubectl(['label', 'node', 'two', `${label}/arm64=ready`, `${label}/mips=ready`]);
    await site.plane.kubectl(['label', 'node', 'one', '--overwrite', `${label}/arm64=no`]);
    await site.plane.kubectl(['wait', 'node', 'one', `--for=jsonpath={.metadata.labels.emulation\\.edgebuild\\.io/arm64}=ready`, '--timeout=60s']); // prettier-ignore
    await site.ends({ labels: ['one arm64'] });
  }, 200_000);

  test('a node that is not Ready has no label, and has it again when it is', async () => {
    start();
    await site.putBuild('web', ['linux/arm64']);
    await site.ends(proven(names, 'arm64'));
    await site.fakes.setReady('two', false);
    await site.ends({ labels: ['one arm64'] });
    // What is said of nodes is counted now and then, so it may come after the label.
    const problems = async () => (await site.state()).emulation?.problems;
    const isSaid = (said: readonly string[] | undefined): boolean =>
      said?.includes('two NodeNotReady') === true;
    expect(await until(problems, isSaid)).toEqual(['two NodeNotReady']);
    await site.fakes.setReady('two', true);
    await site.ends(proven(names, 'arm64'));
  }, 200_000);
});
