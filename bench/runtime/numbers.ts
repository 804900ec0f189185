/** One line of the table at the end. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly goal: string;
  /** Undefined: there is no goal, the figure explains another. */
  readonly isMet?: boolean;
}

export const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((one, other) => one - other)[
    Math.min(values.length - 1, Math.floor(values.length * share))
  ] ?? NaN;

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** The ratios of pairs, and what they say against a goal: the median counts. */
export const ratioRow = (
  what: string,
  ours: readonly number[],
  theirs: readonly number[],
  goal: number,
): Row => {
  const ratios = ours.map((one, index) => one / (theirs[index] ?? NaN));
  const all = ratios.map((one) => one.toFixed(2)).join(', ');
  return {
    what,
    measured: ratios.length === 1 ? all : `${median(ratios).toFixed(2)} (${all})`,
    goal: `at most ${String(goal)}`,
    isMet: median(ratios) <= goal,
  };
};

export const seconds = (values: readonly number[]): string =>
  values.map((ms) => (ms / 1000).toFixed(2)).join(', ');

const verdictOf = ({ goal, isMet }: Row): string => {
  if (isMet === undefined) return goal;
  return isMet ? `${goal}: met` : `${goal}: missed`;
};

export const tableOf = (rows: readonly Row[]): string =>
  [
    '| what | measured | goal |',
    '| --- | --- | --- |',
    ...rows.map((row) => `| ${row.what} | ${row.measured} | ${verdictOf(row)} |`),
  ].join('\n');

export const say = (text: string): void => void process.stdout.write(`${text}\n`);

export const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

/** Measures the parts that the command line names, or all, and says what came of it, whatever fails. */
export const runParts = async (parts: Readonly<Record<string, () => Promise<Row[]>>>): Promise<void> => {
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
};
