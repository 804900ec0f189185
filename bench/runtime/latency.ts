import { setTimeout as pause } from 'node:timers/promises';
import { edgeBuilds } from '../../src/edgebuild/kinds.ts';
import { type Answered, auditFrom, isWrite } from './audit.ts';
import { number, percentile, ratioRow, type Row, say } from './numbers.ts';
import { agents, build, filled, settledMiB, type Site } from './site.ts';

const changesOfOne = 600;

/** From the answer to a change (audit log) to the arrival of the first write for it (audit log). */
const delaysIn = (all: readonly Answered[], agent: string): number[] => {
  const firstWrite = new Map<string, number>();
  for (const one of all.filter((each) => each.userAgent.startsWith(agent) && isWrite(each))) {
    const name = one.resource === 'edgebuilds' ? one.name : one.name.replace(/-[abc]$/, '');
    firstWrite.set(name, Math.min(firstWrite.get(name) ?? Infinity, one.receivedAt));
  }
  return all
    .filter(({ userAgent, verb }) => userAgent.startsWith('bench') && verb === 'patch')
    .map(({ name, answeredAt }) => (firstWrite.get(name) ?? NaN) - answeredAt);
};

const measureOne = async (
  site: Site,
  who: 'node' | 'go',
  namespace: string,
  round: number,
  watched: number,
): Promise<number[]> => {
  const contender = site.start(who, namespace, watched);
  await settledMiB(contender);
  const audit = auditFrom(site.plane.auditLog, namespace);
  for (let index = 0; index < changesOfOne; index += 1) {
    // Each object once: the first write after its change is the answer to it.
    const name = `b-${String((index * 7 + round) % watched)}`;
    await site.client.apply(edgeBuilds, build(namespace, name, 1 + round));
    await pause(30);
  }
  const complete = (): boolean => !delaysIn(audit(), agents[who]).some(Number.isNaN);
  while (!complete()) await pause(200);
  await contender.end();
  return delaysIn(audit(), agents[who]);
};

export const measureLatency = async (site: Site): Promise<Row[]> => {
  const watched = number('WATCHED', 5000);
  const namespaces = {
    node: await filled(site, 'latency-node', watched),
    go: await filled(site, 'latency-go', watched),
  };
  const taken = { node: [] as number[][], go: [] as number[][] };
  const order: ('node' | 'go')[] = ['node', 'go'];
  for (let round = 0; round < number('LATENCY_PAIRS', 3); round += 1) {
    for (const who of order) {
      const delays = await measureOne(site, who, namespaces[who], round, watched);
      taken[who].push(delays);
      say(
        `latency, ${who}: p50 ${percentile(delays, 0.5).toFixed(1)} ms, p99 ${percentile(delays, 0.99).toFixed(1)} ms`,
      );
    }
    order.reverse();
  }
  const name = `event to first write, ${String(watched)} objects watched`;
  const all = { node: taken.node.flat(), go: taken.go.flat() };
  const both = (of: readonly number[]): string =>
    `p50 ${percentile(of, 0.5).toFixed(1)} ms, p99 ${percentile(of, 0.99).toFixed(1)} ms`;
  const shareOf = (who: 'node' | 'go', share: number): number[] =>
    taken[who].map((delays) => percentile(delays, share));
  return [
    {
      what: `${name}: node`,
      measured: both(all.node),
      goal: 'p99 at most 150 ms',
      isMet: percentile(all.node, 0.99) <= 150,
    },
    { what: `${name}: Go twin`, measured: both(all.go), goal: '' },
    ratioRow('p99, node / Go twin', shareOf('node', 0.99), shareOf('go', 0.99), 1.5),
    { ...ratioRow('p50, node / Go twin', shareOf('node', 0.5), shareOf('go', 0.5), 1.5), goal: '(of p99)' },
  ];
};
