import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Row } from '../runtime/numbers.ts';

const repository = join(import.meta.dirname, '../..');

/** On the real node of a box (test/cluster/enter.ts), where bench/nodes-inside.ts installs the operator as users do. */
export const measureBox = async (): Promise<Row[]> => {
  const own = join(repository, '.cache/bench-nodes');
  mkdirSync(own, { recursive: true });
  const results = join(own, 'box.json');
  const inside = [process.execPath, join(repository, 'bench/nodes-inside.ts'), results];
  await execa(process.execPath, [join(repository, 'test/cluster/enter.ts'), '--', ...inside], {
    ...{ cwd: repository, stdio: 'inherit' },
    env: { EDGEBUILD_CLUSTER_LOGS: join(own, 'logs') },
  });
  return JSON.parse(readFileSync(results, 'utf8')) as Row[];
};
