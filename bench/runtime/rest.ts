import { setTimeout as pause } from 'node:timers/promises';
import { auditFrom, countVerbs, isWrite } from './audit.ts';
import { number, type Row } from './numbers.ts';
import { agents, filled, residentMiB, settledMiB, type Site } from './site.ts';

/** Nothing happens: nothing is written, nothing grows. */
export const measureRest = async (site: Site): Promise<Row[]> => {
  const watched = number('WATCHED', 5000);
  const restSeconds = number('REST_SECONDS', 60);
  const namespace = await filled(site, 'rest', watched);
  const contender = site.start('node', namespace, watched);
  const before = await settledMiB(contender);
  const audit = auditFrom(site.plane.auditLog, namespace);
  await pause(restSeconds * 1000);
  const calls = audit().filter(({ userAgent }) => userAgent.startsWith(agents.node));
  const after = residentMiB(contender.pid);
  await contender.end();
  const writes = calls.filter(isWrite).length;
  const name = `${String(restSeconds)} s at rest with ${String(watched)} objects`;
  return [
    {
      what: `${name}: writes`,
      measured: `${String(writes)}; all calls ${JSON.stringify(countVerbs(calls))}`,
      goal: '0',
      isMet: writes === 0,
    },
    {
      what: `${name}: memory, begin and end`,
      measured: `${before.toFixed(0)} MiB, ${after.toFixed(0)} MiB`,
      goal: 'flat (within 5 %)',
      isMet: after <= before * 1.05,
    },
  ];
};
