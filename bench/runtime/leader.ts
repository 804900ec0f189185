import { setTimeout as pause } from 'node:timers/promises';
import { auditFrom, isWrite } from './audit.ts';
import { number, type Row, say } from './numbers.ts';
import { compiled, run, type Running, type Site } from './site.ts';

/** From the signal to the leader until the first write of the other one arrives. */
const handOver = async (
  site: Site,
  signal: NodeJS.Signals,
  round: number,
  leases: string,
): Promise<number> => {
  const namespace = await site.namespace(
    `leader-${signal.toLowerCase()}-${leases.replaceAll('/', '-')}-${String(round)}`,
  );
  const candidate = (identity: string): Running =>
    run([...compiled('leader-process.js'), site.plane.kubeconfig, namespace, identity, leases]);
  const audit = auditFrom(site.plane.auditLog, namespace);
  const firstWriteOf = (identity: string): number | undefined =>
    audit().find((one) => one.userAgent === identity && isWrite(one) && one.resource === 'configmaps')
      ?.receivedAt;
  const wroteAt = async (identity: string): Promise<number> => {
    for (;;) {
      const at = firstWriteOf(identity);
      if (at !== undefined) return at;
      await pause(100);
    }
  };
  const first = candidate('leader-first');
  await wroteAt('leader-first');
  const second = candidate('leader-second');
  await second.synced;
  // At any moment between two looks of the second.
  await pause(1000 + Math.random() * 4000);
  const from = performance.timeOrigin + performance.now();
  const ended = first.end(signal);
  const took = (await wroteAt('leader-second')) - from;
  await ended;
  await second.end('SIGKILL');
  say(`hand-over by ${signal}, leases ${leases}: ${took.toFixed(0)} ms`);
  return took;
};

const rowOf = async (
  site: Site,
  signal: 'SIGTERM' | 'SIGKILL',
  leases: string,
  goalMs: number | undefined,
  times: number,
): Promise<Row> => {
  const all: number[] = [];
  for (let round = 0; round < times; round += 1) all.push(await handOver(site, signal, round, leases));
  const isGraceful = signal === 'SIGTERM';
  return {
    what: `hand-over, ${isGraceful ? 'graceful' : 'crash'}, leases ${leases}`,
    measured: `${all.map((ms) => (ms / 1000).toFixed(1)).join(', ')} s`,
    ...(goalMs === undefined
      ? { goal: 'written down' }
      : { goal: `at most ${String(goalMs / 1000)} s`, isMet: Math.max(...all) <= goalMs }),
  };
};

/** LONG_LEASES=1 measures the default leases, too, which takes minutes. */
export const measureLeader = async (site: Site): Promise<Row[]> => {
  const rows = [
    await rowOf(site, 'SIGTERM', '15/10/2', 3000, number('GRACEFUL', 5)),
    await rowOf(site, 'SIGKILL', '15/10/2', 30_000, number('CRASHES', 3)),
  ];
  if (number('LONG_LEASES', 0) === 0) return rows;
  rows.push(await rowOf(site, 'SIGTERM', '137/107/26', undefined, 2));
  rows.push(await rowOf(site, 'SIGKILL', '137/107/26', undefined, 1));
  return rows;
};
