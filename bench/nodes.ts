import { measureBox } from './nodes/box.ts';
import { measureImage } from './nodes/image.ts';
import { measureScale } from './nodes/scale.ts';
import { type Row, say, tableOf } from './runtime/numbers.ts';

// `make bench-nodes`: the agent on a real node, its image, and the operator with 5,000 nodes that are none:
// bench/nodes.ts [image] [box] [scale]. docs/benchmarks.md says what is counted.
const parts: Readonly<Record<string, () => Promise<Row[]>>> = {
  image: measureImage,
  box: measureBox,
  scale: measureScale,
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
