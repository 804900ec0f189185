import { type Answered, auditFrom, isWrite } from './audit.ts';
import { median, number, ratioRow, type Row, say, seconds } from './numbers.ts';
import { agents, type Contender, fill, observe, type Site } from './site.ts';

interface Converged {
  /** From the start of the process to the last status that is seen. */
  readonly wholeMs: number;
  /** From the first write's arrival at the API server to the last write's answer. */
  readonly writingMs: number;
  readonly calls: readonly Answered[];
}

const measureOne = async (site: Site, who: Contender, round: number, count: number): Promise<Converged> => {
  const namespace = await site.namespace(`converge-${who}-${String(round)}`);
  await fill(site.client, namespace, count);
  const seen = await observe(site.client, namespace, count);
  const audit = auditFrom(site.plane.auditLog, namespace);
  const began = performance.now();
  const contender = site.start(who, namespace, count);
  await seen.converged;
  const wholeMs = performance.now() - began;
  await contender.end();
  await seen.end();
  const calls = audit().filter(({ userAgent }) => userAgent.startsWith(agents[who]));
  const writes = calls.filter(isWrite);
  const first = Math.min(...writes.map(({ receivedAt }) => receivedAt));
  const writingMs = Math.max(...writes.map(({ answeredAt }) => answeredAt)) - first;
  say(
    `round ${String(round)}, ${who}: ${seconds([wholeMs])} s, of it writing ${seconds([writingMs])} s, ${String(calls.length)} calls`,
  );
  return { wholeMs, writingMs, calls };
};

/** Objects are there; the process starts; all children and every status are applied. Round 0 warms up. */
export const measureConvergence = async (site: Site): Promise<Row[]> => {
  const count = number('OBJECTS', 1000);
  const rounds = number('PAIRS', 5);
  const all: Record<Contender, Converged[]> = { raw: [], node: [], go: [] };
  const order: Contender[] = ['raw', 'node', 'go'];
  for (let round = 0; round <= rounds; round += 1) {
    for (const who of order) {
      const one = await measureOne(site, who, round, count);
      if (round > 0) all[who].push(one);
    }
    // Nobody is always the first, or after the same one.
    order.reverse();
  }
  const whole = (who: Contender): number[] => all[who].map(({ wholeMs }) => wholeMs);
  const writing = (who: Contender): number[] => all[who].map(({ writingMs }) => writingMs);
  const perObject = (who: Contender): number =>
    median(all[who].map(({ calls }) => calls.filter(({ verb }) => verb !== 'watch').length / count));
  const name = `${String(count)} objects to all children and status`;
  return [
    ratioRow(`${name}, node / raw, start included`, whole('node'), whole('raw'), 1.25),
    ratioRow('the same, first write to last answer', writing('node'), writing('raw'), 1.25),
    ratioRow(`${name}, node / Go twin, start included`, whole('node'), whole('go'), 1),
    ratioRow('the same, first write to last answer', writing('node'), writing('go'), 1),
    {
      what: 'seconds behind them: raw; node; Go (start included)',
      measured: (['raw', 'node', 'go'] as const).map((who) => seconds(whole(who))).join('; '),
      goal: '',
    },
    {
      what: 'API calls per object to converge: node',
      measured: perObject('node').toFixed(2),
      goal: 'at most 8',
      isMet: perObject('node') <= 8,
    },
    {
      what: 'the same: Go twin; raw',
      measured: (['go', 'raw'] as const).map((who) => perObject(who).toFixed(2)).join('; '),
      goal: '',
    },
  ];
};
