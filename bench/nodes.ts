import { measureBox } from './nodes/box.ts';
import { measureImage } from './nodes/image.ts';
import { measureScale } from './nodes/scale.ts';
import { type Row, runParts } from './runtime/numbers.ts';

// `make bench-nodes`: the agent on a real node, its image, and the operator with 5,000 nodes that are none:
// bench/nodes.ts [image] [box] [scale]. docs/benchmarks.md says what is counted.
const parts: Readonly<Record<string, () => Promise<Row[]>>> = {
  image: measureImage,
  box: measureBox,
  scale: measureScale,
};

await runParts(parts);
