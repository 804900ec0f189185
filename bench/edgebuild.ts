import { join } from 'node:path';
import { execa } from 'execa';
import { measureLatency } from './edgebuild/latency.ts';
import { measureScale } from './edgebuild/scale.ts';
import { measureWhole } from './edgebuild/whole.ts';
import { type Row, runParts } from './runtime/numbers.ts';

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

await runParts(parts);
