import { number, ratioRow, type Row, say } from './numbers.ts';
import { filled, settledMiB, type Site } from './site.ts';

/** Both start with everything there, and have nothing to do. */
export const measureMemory = async (site: Site): Promise<Row[]> => {
  const rows: Row[] = [];
  for (const count of (process.env['MEMORY'] ?? '0,1000,10000').split(',').map(Number)) {
    const namespace = await filled(site, `memory-${String(count)}`, count);
    const taken = { node: [] as number[], go: [] as number[] };
    for (let round = 0; round < number('MEMORY_PAIRS', 2); round += 1)
      for (const who of ['node', 'go'] as const) {
        const contender = site.start(who, namespace, count);
        taken[who].push(await settledMiB(contender));
        await contender.end();
        say(`memory, ${String(count)} objects, ${who}: ${String(taken[who].at(-1)?.toFixed(0))} MiB`);
      }
    const ratio = ratioRow('', taken.node, taken.go, 1.5);
    const mebibytes = (values: readonly number[]): string =>
      values.map((value) => value.toFixed(0)).join(', ');
    const { isMet: _isMet, ...unjudged } = { ...ratio, goal: '' };
    rows.push({
      ...(count >= 10_000 ? ratio : unjudged),
      what: `resident memory, ${String(count)} objects and ${String(3 * count)} children: node / Go twin`,
      measured: `${ratio.measured}: ${mebibytes(taken.node)} MiB / ${mebibytes(taken.go)} MiB`,
    });
  }
  return rows;
};
