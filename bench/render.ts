/**
 * `make bench-render`: how long `edgebuild render` takes, of one EdgeBuild and of a thousand, each as a process of its own, compiled
 * as it ships. Beside it a Node that does nothing, and one that only reads the thousand as YAML and writes what is rendered of them:
 * what no program in Node that does this can be quicker than. docs/benchmarks.md says how pairs are made.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { inPairs, type Pairs } from './pairs.ts';

const root = join(import.meta.dirname, '..');
const pairs = Number(process.argv[2] ?? 9);

const line = (name: string, { ours, theirs, ratio }: Pairs, beside: string, goalMs: number): string =>
  [
    name.padEnd(18),
    `${ours.toFixed(0)} ms`.padStart(8),
    `   goal ${String(goalMs)} ms`.padEnd(18),
    `${beside} ${theirs.toFixed(0)} ms, ratio ${ratio.toFixed(2)}\n`,
  ].join('');

/** Reads the first file as YAML, and writes what the second one, JSON, holds as YAML. */
const readAndWrite = (source: string, rendered: string): string => `
  import { dump, loadAll } from ${JSON.stringify(join(root, 'node_modules/js-yaml/dist/js-yaml.mjs'))};
  import { readFileSync } from 'node:fs';
  loadAll(readFileSync(${JSON.stringify(source)}, 'utf8'));
  const { items } = JSON.parse(readFileSync(${JSON.stringify(rendered)}, 'utf8'));
  process.stdout.write(items.map((item) => dump(item, { noRefs: true, lineWidth: -1 })).join('---\\n'));
`;

const directory = await mkdtemp(join(tmpdir(), 'edgebuild-bench-'));
try {
  const into = join(root, '.cache/bench-render');
  await execa(process.execPath, ['scripts/bundle.ts', '--into', into, 'src/main.ts'], { cwd: root });
  const sample = await readFile(join(root, 'manifests/samples/edgebuild.yaml'), 'utf8');
  const [one, thousand, rendered] = ['one', 'thousand', 'rendered'].map((name) => join(directory, name)) as [
    ...[string, string, string],
  ];
  const named = (index: number): string => sample.replace('name: apache', `name: apache-${String(index)}`);
  await writeFile(one, sample);
  await writeFile(thousand, Array.from({ length: 1000 }, (_, index) => named(index)).join('---\n'));
  const render = (file: string, format = 'yaml') =>
    execa(process.execPath, [join(into, 'main.js'), 'render', '-f', file, '-o', format], { maxBuffer: 1e9 });
  await writeFile(rendered, (await render(thousand, 'json')).stdout);
  const nothing = () => execa(process.execPath, ['-e', '0']);
  const least = ['--input-type=module', '-e', readAndWrite(thousand, rendered)];
  const ofOne = await inPairs(pairs, () => render(one), nothing);
  process.stdout.write(line('render of 1', ofOne, 'node -e 0:', 500));
  const ofMany = await inPairs(
    pairs,
    () => render(thousand),
    () => execa(process.execPath, least, { maxBuffer: 1e9 }),
  );
  process.stdout.write(line('render of 1,000', ofMany, 'js-yaml alone:', 3000));
} finally {
  await rm(directory, { recursive: true, force: true });
}
