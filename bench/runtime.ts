import { measureConvergence } from './runtime/converge.ts';
import { measureLatency } from './runtime/latency.ts';
import { measureLeader } from './runtime/leader.ts';
import { measureMemory } from './runtime/memory.ts';
import { type Row, say, tableOf } from './runtime/numbers.ts';
import { measureRest } from './runtime/rest.ts';
import { openSite, type Site } from './runtime/site.ts';

// `make bench-runtime`: the controller runtime against a raw load generator and a twin in Go, all under one API server:
// bench/runtime.ts [converge] [memory] [latency] [rest] [leader]. docs/benchmarks.md says what is counted.
const parts: Readonly<Record<string, (site: Site) => Promise<Row[]>>> = {
  converge: measureConvergence,
  memory: measureMemory,
  latency: measureLatency,
  rest: measureRest,
  leader: measureLeader,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => parts[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(`unknown: ${unknown.join(', ')}; one of ${Object.keys(parts).join(', ')}\n`);
  process.exit(2);
}
const site = await openSite();
const rows: Row[] = [];
try {
  for (const name of asked.length > 0 ? asked : Object.keys(parts))
    rows.push(...((await parts[name]?.(site)) ?? []));
} finally {
  await site.close();
  say(`\n${tableOf(rows)}`);
}
