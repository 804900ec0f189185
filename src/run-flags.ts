import type { InputIssue } from './api/errors.ts';

/** A value, and where it was given: a flag, or a variable of the environment. */
export interface Asked<Text extends string | undefined = string> {
  readonly source: string;
  readonly text: Text;
}

/** A flag's value, or its default. */
export const asksAt = <Default extends string | undefined = undefined>(
  source: string,
  given: string | undefined,
  otherwise?: Default,
): Asked<string | Default> => ({ source, text: given ?? (otherwise as Default) });

interface Range {
  readonly least: number;
  readonly most: number;
}

/**
 * Reads values and gathers what is wrong with them, so that a person hears of all faults at once. What is read from a
 * faulty value is good for nothing but to go on until the issues are looked at; a duration is then NaN, which no
 * comparison finds a second fault with.
 */
export interface FlagReader {
  readonly issues: InputIssue[];
  fault(asked: Asked<string | undefined>, problem: string): void;
  /** A value that was not given. */
  missing(source: string, problem: string): void;
  text(asked: Asked<string | undefined>): string | undefined;
  /** Without regard to case. */
  choice<Choice extends string>(asked: Asked, choices: readonly Choice[]): Choice;
  whole(asked: Asked, range: Range): number;
  decimal(asked: Asked, range: Range): number;
  /** A duration as Go writes it, in milliseconds. */
  duration(asked: Asked, options?: { readonly mayBeZero: boolean }): number;
  /** RFC 1123 label. */
  namespace(asked: Asked): string;
  /** RFC 1123 subdomain, as the names of objects are. */
  subdomain(asked: Asked): string;
}

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';

/** setTimeout takes 24 days at most, and fires at once after more; whoever means more than one has mistaken a unit. */
const longestMs = 24 * 3_600_000;

export const flagReader = (): FlagReader => {
  const issues: InputIssue[] = [];
  const missing: FlagReader['missing'] = (source, message) => {
    issues.push({ path: source, message });
  };
  const fault: FlagReader['fault'] = ({ source, text }, problem) => {
    missing(source, `${JSON.stringify(text)} ${problem}`);
  };
  const number = (asked: Asked, { least, most }: Range, form: RegExp, kind: string): number => {
    const value = form.test(asked.text) ? Number(asked.text) : Number.NaN;
    if (value >= least && value <= most) return value;
    fault(asked, `must be a ${kind} from ${least} to ${most}`);
    return least;
  };
  const name = (asked: Asked, form: RegExp, longest: number, example: string): string => {
    if (asked.text.length > longest || !form.test(asked.text))
      fault(
        asked,
        `must be lower-case letters, digits and '-', at most ${longest}, first and last no '-', such as ${example}`,
      );
    return asked.text;
  };
  return {
    issues,
    fault,
    missing,
    text: (asked) => {
      if (asked.text === '') fault(asked, 'is empty: give a value, or leave the flag away');
      return asked.text;
    },
    choice: <Choice extends string>(asked: Asked, choices: readonly Choice[]): Choice => {
      const found = choices.find((choice) => choice === asked.text.toLowerCase());
      if (found === undefined) fault(asked, `must be one of ${choices.join(', ')}`);
      return found ?? (choices[0] as Choice);
    },
    whole: (asked, range) => number(asked, range, /^\d{1,9}$/, 'whole number'),
    decimal: (asked, range) => number(asked, range, /^\d{1,9}(\.\d{1,9})?$/, 'number'),
    duration: (asked, { mayBeZero } = { mayBeZero: false }) => {
      const value = parseDuration(asked.text);
      if (value !== undefined && value <= longestMs && (value > 0 || (mayBeZero && value === 0)))
        return value;
      const least = mayBeZero ? 'or 0' : 'more than 0';
      fault(asked, `must be a duration such as 15s, 1m30s or 500ms, ${least}, at most 24h`);
      return Number.NaN;
    },
    namespace: (asked) => name(asked, new RegExp(`^${label}$`), 63, 'my-team'),
    subdomain: (asked) => name(asked, new RegExp(`^${label}(\\.${label})*$`), 253, 'edgebuild.io'),
  };
};

/** In milliseconds. */
const units: Readonly<Record<string, number>> = {
  ...{ ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3 },
  ...{ ms: 1, s: 1000, m: 60_000, h: 3_600_000 },
};

/**
 * Go's time.ParseDuration, without a sign: numbers, each with its unit, or 0.
 *
 * @returns milliseconds; undefined for what is no duration.
 */
export const parseDuration = (text: string): number | undefined => {
  if (text === '0') return 0;
  const part = '(?:\\d{1,12}\\.?\\d{0,9}|\\.\\d{1,9})(?:ns|us|µs|μs|ms|s|m|h)';
  if (!new RegExp(`^(?:${part})+$`).test(text)) return undefined;
  const parts = [...text.matchAll(/([\d.]+)(\D+)/g)];
  const sum = parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (units[unit] ?? 0), 0);
  // To the nanosecond: what floating point adds to it is no part of the duration.
  return Math.round(sum * 1e6) / 1e6;
};
