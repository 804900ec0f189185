import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { edgeBuilds, type StoredEdgeBuild } from '../../src/edgebuild/kinds.ts';
import { type Call, callsFrom, countCalls } from '../nodes/calls.ts';
import { childrenCpuMs, type OperatorProcess } from '../nodes/operator.ts';
import { median, number, ratioRow, type Row, say, seconds } from '../runtime/numbers.ts';
import { rawWorkOf, type RawWork } from './raw-work.ts';
import { callsOf, compiledInto, openSite, type OpenShiftSite } from './site.ts';

const repository = join(import.meta.dirname, '../..');
const agents = { operator: 'edgebuild/', raw: 'raw' } as const;
type Side = keyof typeof agents;

/** How long a side took, in milliseconds. */
interface Filled {
  /** From the start of the process to the answer to the last write of a child. */
  readonly wholeMs: number;
  /** From the arrival of the first write to that answer. */
  readonly writingMs: number;
  readonly calls: readonly Call[];
  /** Of all that takes part: API server, etcd, stand-in, and the side itself. It depends less on what else runs. */
  readonly wholeCpuMs: number;
  /** Of the stand-in, which stands between both sides and the API server. */
  readonly standInCpuMs: number;
  /** Of the operator; NaN for the raw writes. */
  readonly cpuMs: number;
}

const isChild = ({ what, code }: Call): boolean =>
  code < 300 && /^(patch|create) (imagestreams|buildconfigs|buildconfigs\/instantiate)$/.test(what);
const isBuild = ({ what, code }: Call): boolean => what === 'create buildconfigs/instantiate' && code === 201;
const isWrite = ({ what }: Call): boolean => !/^(get|list|watch) /.test(what);

/** As many as an API server answers quickly. */
const fill = async (site: OpenShiftSite, namespace: string, count: number, base: string): Promise<void> => {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++)
      await site.apply(namespace, `b-${String(index)}`, base);
  };
  await Promise.all(Array.from({ length: 10 }, worker));
};

const listOf = async (site: OpenShiftSite, namespace: string): Promise<readonly StoredEdgeBuild[]> => {
  const found: StoredEdgeBuild[] = [];
  for await (const { items } of site.client.list<StoredEdgeBuild>(edgeBuilds, { namespace }))
    found.push(...items);
  return found;
};

/** Until every build is there, and nothing is written any more. */
const settle = async (read: () => readonly Call[], count: number): Promise<readonly Call[]> => {
  let [writes, calm] = [0, 0];
  for (;;) {
    await pause(1000);
    const calls = read();
    const now = calls.filter(isWrite).length;
    calm = now === writes && calls.filter(isBuild).length >= count ? calm + 1 : 0;
    writes = now;
    // Timers of the operator's, such as those of what it tells people, are over by then.
    if (calm >= 5) return calls;
  }
};

const timesOf = (
  calls: readonly Call[],
  startedAt: number,
): Pick<Filled, 'wholeMs' | 'writingMs' | 'calls'> => {
  const children = calls.filter(isChild);
  const last = Math.max(...children.map(({ answeredAt }) => answeredAt));
  const first = Math.min(...children.map(({ receivedAt }) => receivedAt));
  return { wholeMs: last - startedAt, writingMs: last - first, calls };
};

interface Bench {
  readonly site: OpenShiftSite;
  readonly base: string;
  readonly count: number;
}

/** Ends it, unless it is wanted for more. */
const byOperator = async (
  { site, base, count }: Bench,
  namespace: string,
  afterwards: (operator: OperatorProcess) => Promise<void> = () => Promise.resolve(),
): Promise<Filled> => {
  await fill(site, await site.namespace(namespace), count, base);
  const read = callsFrom(site.plane.auditLog);
  const [startedAt, all, standIn] = [Date.now(), childrenCpuMs(), site.standInCpuMs()];
  const operator = await site.startOperator('--namespace', namespace);
  try {
    const calls = await settle(() => callsOf(read(), agents.operator), count);
    const cpu = {
      ...{ cpuMs: operator.cpuMs(), standInCpuMs: site.standInCpuMs() - standIn },
      wholeCpuMs: childrenCpuMs() - all,
    };
    await afterwards(operator);
    return { ...timesOf(calls, startedAt), ...cpu };
  } finally {
    await operator.end();
  }
};

const byRaw = async (
  { site, base, count }: Bench,
  namespace: string,
  template: StoredEdgeBuild,
): Promise<Filled> => {
  await fill(site, await site.namespace(namespace), count, base);
  const all = (await listOf(site, namespace)).map((object) => rawWorkOf(object, template));
  const directory = join(repository, '.cache', compiledInto);
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'raw-work.json');
  writeFileSync(file, JSON.stringify({ namespace, all } satisfies RawWork));
  const read = callsFrom(site.plane.auditLog);
  const [startedAt, cpuBefore, standIn] = [Date.now(), childrenCpuMs(), site.standInCpuMs()];
  const program = join(directory, 'raw/edgebuild-raw.js');
  const flags = ['--kubeconfig', site.plane.kubeconfig, '--work', file];
  await execa(process.execPath, [program, ...flags], { stdout: 'inherit', stderr: 'inherit' });
  const standInCpuMs = site.standInCpuMs() - standIn;
  const cpu = { cpuMs: NaN, standInCpuMs, wholeCpuMs: childrenCpuMs() - cpuBefore };
  return { ...timesOf(callsOf(read(), agents.raw), startedAt), ...cpu };
};

interface Rest {
  readonly calls: readonly Call[];
  readonly seconds: number;
  readonly residentMiB: number;
  readonly afterwardsMiB: number;
  readonly peakMiB: number;
  readonly cpu: number;
}

const restOf = async ({ site }: Bench, operator: OperatorProcess): Promise<Rest> => {
  const peakMiB = operator.peakMiB();
  await operator.collectGarbage();
  const residentMiB = operator.residentMiB();
  const read = callsFrom(site.plane.auditLog);
  const [began, cpu] = [performance.now(), operator.cpuMs()];
  await pause(number('REST_SECONDS', 300) * 1000);
  const forSeconds = (performance.now() - began) / 1000;
  const used = operator.cpuMs() - cpu;
  await operator.collectGarbage();
  return {
    ...{ peakMiB, residentMiB, seconds: forSeconds, cpu: used / forSeconds },
    ...{ calls: callsOf(read(), agents.operator), afterwardsMiB: operator.residentMiB() },
  };
};

const perObject = (all: readonly Filled[], count: number): string =>
  countCalls(all.at(-1)?.calls ?? [])
    .filter(([, times]) => times >= count / 10)
    .map(([what, times]) => `${what} ${(times / count).toFixed(2)}`)
    .join(', ');

export const measureScale = async (): Promise<Row[]> => {
  const site = await openSite();
  try {
    const count = number('OBJECTS', 1000);
    const base = (await site.pushBase('scale')).reference;
    const bench: Bench = { site, base, count };
    // Proves the node, warms up what is asked, and shows what a status looks like.
    await byOperator({ ...bench, count: 20 }, 'warm-up', () => site.proven());
    const [template] = await listOf(site, 'warm-up');
    if (template === undefined) throw new Error('there is no EdgeBuild');
    const all: Record<Side, Filled[]> = { operator: [], raw: [] };
    const order: Side[] = ['operator', 'raw'];
    let rest: Rest | undefined;
    const pairs = number('PAIRS', 3);
    for (let pair = 1; pair <= pairs; pair += 1) {
      for (const side of order) {
        const name = `${side}-${String(pair)}`;
        const one =
          side === 'raw'
            ? await byRaw(bench, name, template)
            : await byOperator(bench, name, async (operator) => {
                if (pair === pairs) rest = await restOf(bench, operator);
              });
        all[side].push(one);
        say(`${name}: ${seconds([one.wholeMs])} s, of it writing ${seconds([one.writingMs])} s; CPU: all ${seconds([one.wholeCpuMs])} s, stand-in ${seconds([one.standInCpuMs])} s, operator ${seconds([one.cpuMs])} s`); // prettier-ignore
      }
      order.reverse();
    }
    return [...rowsOf(all, count), ...(rest === undefined ? [] : rowsOfRest(rest, count))];
  } finally {
    await site.close();
  }
};

const rowsOf = (all: Readonly<Record<Side, readonly Filled[]>>, count: number): Row[] => {
  const whole = (side: Side): number[] => all[side].map(({ wholeMs }) => wholeMs);
  const writing = (side: Side): number[] => all[side].map(({ writingMs }) => writingMs);
  const cpu = (side: Side): number[] => all[side].map(({ wholeCpuMs }) => wholeCpuMs);
  const each = (side: Side): number =>
    median(all[side].map(({ calls }) => calls.filter(isWrite).length / count));
  return [
    ratioRow(`${String(count)} EdgeBuilds to all children applied, operator / raw writes, start included`, whole('operator'), whole('raw'), 1.35),
    { ...ratioRow('the same, first write to last answer', writing('operator'), writing('raw'), 1.35) },
    {
      what: 'seconds behind them: operator; raw (start included)',
      ...{ measured: `${seconds(whole('operator'))}; ${seconds(whole('raw'))}`, goal: '' },
    },
    {
      what: 'writes per EdgeBuild until its build is there: operator; raw',
      ...{ measured: `${each('operator').toFixed(2)}; ${each('raw').toFixed(2)}`, goal: '' },
    },
    {
      what: 'CPU of all that takes part (API server, etcd, stand-in, the side itself), operator / raw writes',
      ...{ measured: ratioRow('', cpu('operator'), cpu('raw'), NaN).measured, goal: '' },
    },
    {
      what: 'seconds of CPU meanwhile: the operator; the stand-in for it; the stand-in for the raw writes',
      measured: [all.operator.map(({ cpuMs }) => cpuMs), ...[all.operator, all.raw].map((side) => side.map((one) => one.standInCpuMs))].map(seconds).join('; '),
      goal: '',
    },
    { what: 'calls of the operator per EdgeBuild', measured: perObject(all.operator, count), goal: '' },
  ];
}; // prettier-ignore

const rowsOfRest = (rest: Rest, count: number): Row[] => {
  const name = `${rest.seconds.toFixed(0)} s at rest with ${String(count)} EdgeBuilds`;
  const words = countCalls(rest.calls).map(([what, times]) => `${what} ${String(times)}`);
  return [
    {
      what: `${name}: calls beside watches`,
      measured: [String(rest.calls.length), ...words].join('; '),
      ...{ goal: '0', isMet: rest.calls.length === 0 },
    },
    {
      what: `${name}: resident memory after garbage collection, begin and end; the peak before`,
      measured: [rest.residentMiB, rest.afterwardsMiB, rest.peakMiB].map((mib) => `${mib.toFixed(0)} MiB`).join(', '),
      goal: '',
    },
    { what: `${name}: CPU`, measured: `${rest.cpu.toFixed(1)} millicores`, goal: '' },
  ];
}; // prettier-ignore
