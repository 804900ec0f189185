/** Milliseconds of a piece of work. */
const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
};

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
};

export interface Pairs {
  /** Medians, in milliseconds. */
  readonly ours: number;
  readonly theirs: number;
  /** Median of the pairs' ratios: a slow minute hits both sides of a pair. */
  readonly ratio: number;
}

/** Runs both sides in turn, the first side changing from pair to pair, after one warm-up of each that is not counted. */
export const inPairs = async (
  count: number,
  ours: () => Promise<unknown>,
  theirs: () => Promise<unknown>,
  /** Removes what they left, outside of the measured time. */
  tidy: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Pairs> => {
  const measured = async (side: () => Promise<unknown>): Promise<number> => {
    const time = await timed(side);
    await tidy();
    return time;
  };
  await measured(ours);
  await measured(theirs);
  const rows: { ours: number; theirs: number }[] = [];
  for (let pair = 0; pair < count; pair++) {
    if (pair % 2 === 0) {
      const first = await measured(ours);
      rows.push({ ours: first, theirs: await measured(theirs) });
    } else {
      const first = await measured(theirs);
      rows.push({ ours: await measured(ours), theirs: first });
    }
  }
  return {
    ours: median(rows.map((row) => row.ours)),
    theirs: median(rows.map((row) => row.theirs)),
    ratio: median(rows.map((row) => row.ours / row.theirs)),
  };
};

export const line = (name: string, { ours, theirs, ratio }: Pairs, bound: number): string =>
  [
    name.padEnd(26),
    `ours ${ours.toFixed(0)} ms`.padEnd(16),
    `theirs ${theirs.toFixed(0)} ms`.padEnd(18),
    `ratio ${ratio.toFixed(2)}`.padEnd(12),
    `goal ${bound.toFixed(2)}`,
  ].join('');
