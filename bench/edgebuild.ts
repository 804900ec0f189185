import { join } from 'node:path';
import { execa } from 'execa';
import { measureLatency } from './edgebuild/latency.ts';
import { measureScale } from './edgebuild/scale.ts';
import { measureWhole } from './edgebuild/whole.ts';
import { type Row, say, tableOf } from './runtime/numbers.ts';

// `make bench-edgebuild`: EdgeBuilds on a cluster with the stand-in for OpenShift: bench/edgebuild.ts [latency] [scale]
// [whole] [render]. docs/benchmarks.md says what is counted.
const parts: Readonly<Record<string, () => Promise<Row[]>>> = {
  latency: measureLatency,
  scale: measureScale,
  whole: measureWhole,
  // It says by itself what it has measured.
  render: async () => {
    await execa(process.execPath, [join(import.meta.dirname, 'render.ts')], { stdio: 'inherit' });
    return [];
  },
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => parts[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(`unknown: ${unknown.join(', ')}; one of ${Object.keys(parts).join(', ')}\n`);
  process.exit(2);
}
const rows: Row[] = [];
try {
  for (const name of asked.length > 0 ? asked : Object.keys(parts))
    rows.push(...((await parts[name]?.()) ?? []));
} finally {
  say(`\n${tableOf(rows)}`);
}
