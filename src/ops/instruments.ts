import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Asked when metrics are read. What throws, or is no number, is shown as NaN. */
export type Reading = () => number;

/** Makes metrics that belong to the registry. */
export const makersFor = (registry: Registry) => {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: readonly string[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = (name: string, help: string, labelNames: readonly string[]) =>
    new Gauge({ name, help, labelNames, registers });
  const histogram = (name: string, help: string, labelNames: readonly string[], buckets: number[]) =>
    new Histogram({ name, help, labelNames, buckets, registers });

  /** A gauge that is read, not set; the function adds a reading to it, or puts one in the place of an earlier one. */
  const reading = (name: string, help: string, labelNames: readonly string[]) => {
    const readings = new Map<string, () => void>();
    const gauge = new Gauge({
      ...{ name, help, labelNames, registers },
      collect: () => {
        for (const update of readings.values()) update();
      },
    });
    return (labels: Readonly<Record<string, string>>, read: Reading): void => {
      readings.set(JSON.stringify(labels), () => {
        gauge.set(labels, valueOf(read));
      });
    };
  };
  return { counter, gauge, histogram, reading };
};

export type Makers = ReturnType<typeof makersFor>;

/** One reading that fails must not take the others from whoever looks for its fault. */
const valueOf = (read: Reading): number => {
  try {
    const value: unknown = read();
    return typeof value === 'number' ? value : Number.NaN;
  } catch {
    return Number.NaN;
  }
};
