import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { baseImages } from '../../test/support/bases.ts';
import { writeArchive } from '../../test/support/images.ts';
import { number, ratioRow, type Row, say, seconds } from '../runtime/numbers.ts';
import { compiledInto } from './site.ts';

/** What bench/edgebuild-inside.ts answers for each line that it is given. */
export interface BoxAnswer {
  /** From the apply to a status that says Ready, in milliseconds. */
  readonly wholeMs: number;
  /** Of it, by name, in milliseconds. */
  readonly parts: Readonly<Record<string, number>>;
}

const repository = join(import.meta.dirname, '../..');

/** Work that no network makes slower or faster: under emulation some 20 s of a core. Each word makes another image. */
export const edgeBuildFor = (word: string, base: string): { readonly spec: object } => ({
  spec: { source: { dockerfile: dockerfile(word, base, number('LOOPS', 45)) } },
});

const dockerfile = (word: string, base: string, loops: number): string => {
  const sum = 'busybox head -c 8000000 /dev/zero | busybox sha256sum';
  const work = `i=0; while [ $i -lt ${String(loops)} ]; do ${sum}; i=$((i+1)); done > /sums`;
  return `FROM ${base}\nRUN echo ${word} > /word; ${work}\nCMD ["/bin/sh"]\n`;
};

/** The box has a registry of its own there, and this machine an archive of the same image. */
export const base = '127.0.0.1:5000/bases/busybox:1';
export const baseRecipe = { platform: 'linux/arm64' } as const;

const openBox = () => {
  const inside = [process.execPath, join(repository, 'bench/edgebuild-inside.ts')];
  const child = execa(process.execPath, [join(repository, 'test/cluster/enter.ts'), '--', ...inside], {
    ...{ cwd: repository, stdin: 'pipe', stdout: 'pipe', stderr: 'inherit', buffer: false, reject: false },
    env: { EDGEBUILD_CLUSTER_LOGS: join(repository, '.cache', compiledInto, 'box-logs') },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async <T>(): Promise<T> => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) throw new Error('the box ended');
      // Whatever else runs there may have something to say.
      if (value.startsWith('{')) return JSON.parse(value) as T;
      say(value);
    }
  };
  return {
    ready: answer<object>,
    build: async (word: string): Promise<BoxAnswer> => {
      child.stdin.write(`${word}\n`);
      return answer<BoxAnswer>();
    },
    close: async (): Promise<void> => {
      child.stdin.end();
      await child;
    },
  };
};

const buildHere = async (directory: string, word: string): Promise<number> => {
  const file = join(directory, 'edgebuild.json');
  const metadata = { name: 'web' };
  const object = { apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', metadata, ...edgeBuildFor(word, base) };
  writeFileSync(file, JSON.stringify(object));
  const flags = ['--no-cache', '--base', `${base}=oci-archive:${join(directory, 'base.tar')}`];
  const began = performance.now();
  await execa(
    process.execPath,
    [
      ...[join(repository, '.cache', compiledInto, 'main.js'), 'build', '-f', file, ...flags],
      ...['--to', `oci-archive:${join(directory, 'built.tar')}`],
    ],
    { env: { XDG_CACHE_HOME: join(directory, 'cache') } },
  );
  return performance.now() - began;
}; // prettier-ignore

export const measureWhole = async (): Promise<Row[]> => {
  const directory = mkdtempSync(join(tmpdir(), 'edgebuild-bench-'));
  mkdirSync(join(directory, 'cache'));
  writeArchive(join(directory, 'base.tar'), baseImages(baseRecipe));
  const box = openBox();
  try {
    await box.ready();
    const inBox: BoxAnswer[] = [];
    const here: number[] = [];
    for (let pair = 0; pair <= number('PAIRS', 3); pair += 1) {
      const word = `pair-${String(pair)}`;
      const early = pair % 2 === 1 ? await buildHere(directory, word) : undefined;
      const answer = await box.build(word);
      const ms = early ?? (await buildHere(directory, word));
      say(`${word}: on the cluster ${seconds([answer.wholeMs])} s, edgebuild build ${seconds([ms])} s; ${wordsOf(answer)}`); // prettier-ignore
      // The first warms up: the node is proven, images are pulled, pages cached.
      if (pair === 0) continue;
      inBox.push(answer);
      here.push(ms);
    }
    const whole = inBox.map(({ wholeMs }) => wholeMs);
    return [
      ratioRow('whole EdgeBuild, apply to Ready / `edgebuild build` of the same', whole, here, 1.25),
      {
        what: 'seconds behind them: EdgeBuild; `edgebuild build`',
        ...{ measured: `${seconds(whole)}; ${seconds(here)}`, goal: '' },
      },
      {
        what: 'where the EdgeBuilds’ seconds are',
        ...{ measured: inBox.map(wordsOf).join(' / '), goal: '' },
      },
    ];
  } finally {
    await box.close();
    rmSync(directory, { recursive: true, force: true });
  }
};

const wordsOf = ({ parts }: BoxAnswer): string =>
  Object.entries(parts)
    .map(([name, ms]) => `${name} ${(ms / 1000).toFixed(1)}`)
    .join(', ');
