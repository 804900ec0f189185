/**
 * What a rule is. `cel` is what the API server runs, `check` is its twin for the command line, and both refuse with
 * words made from one template. A rule sees one value that has already passed the schema at its path.
 *
 * Regular expressions are such that RE2 and JavaScript (flag u) read them alike: no lookahead, no `.`, `\s` or `\w`.
 */
export interface Rule {
  /** Where: `spec.buildArgs[].name`; `[]` stands for every item of a list. */
  readonly path: string;
  /** CEL over `self`: true for a good value. */
  readonly cel: string;
  /** The same in TypeScript. */
  readonly check: (self: unknown) => boolean;
  /** What is wrong. `{self}` stands for the value: only where that is a string and may be shown. */
  readonly problem: string;
  /** What to do about it. */
  readonly remedy: string;
  /** The API server's kind of error: Forbidden and Required do not print the value. */
  readonly reason: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired';
}

type Words = Pick<Rule, 'path' | 'problem' | 'remedy'> & Partial<Pick<Rule, 'reason'>>;

/** A row. `check` takes the type that the schema at the path gives its values. */
export const rule = ({
  check,
  ...row
}: Words & { readonly cel: string; readonly check: (self: never) => boolean }): Rule => ({
  reason: 'FieldValueInvalid',
  ...row,
  check: check as (self: unknown) => boolean,
});

/** A string that must match. */
export const requires = ({ pattern, ...words }: Words & { readonly pattern: string }): Rule => {
  const expression = new RegExp(pattern, 'u');
  return rule({
    ...words,
    cel: `self.matches(${literal(pattern)})`,
    check: (self: string) => expression.test(self),
  });
};

/** A string that must not match. */
export const forbids = ({ pattern, ...words }: Words & { readonly pattern: string }): Rule => {
  const expression = new RegExp(pattern, 'u');
  return rule({
    ...words,
    cel: `!self.matches(${literal(pattern)})`,
    check: (self: string) => !expression.test(self),
  });
};

/** A string that can be an argument of a program: no argument can hold the character NUL. */
export const nulFree = (path: string, subject: string): Rule =>
  forbids({ path, pattern: '\\x00', problem: `${subject} has a NUL character in it`, remedy: 'remove it' });

/** The fallback of `messageExpression`, for a value that cannot be shown in one line. */
const messageOf = (row: Rule): string => `${row.problem.replaceAll(' "{self}"', '')}: ${row.remedy}`;

/** The longest text the API server takes from a messageExpression, in bytes of UTF-8. */
const longestMessage = 5 * 1024;

/** What the API server says when `self` breaks the rule, without the path: `Invalid value: "-x": git ref "-x" …`. */
export const refusalOf = (row: Rule, self: unknown, shown: string): string => {
  const detail = detailOf(row, self);
  if (row.reason === 'FieldValueForbidden') return `Forbidden: ${detail}`;
  if (row.reason === 'FieldValueRequired') return `Required value: ${detail}`;
  return typeof self === 'object' ? `Invalid value: ${detail}` : `Invalid value: ${shown}: ${detail}`;
};

const detailOf = (row: Rule, self: unknown): string => {
  if (!row.problem.includes('{self}')) return messageOf(row);
  const text = `${row.problem}: ${row.remedy}`.replaceAll('{self}', () => String(self));
  return text.includes('\n') || Buffer.byteLength(text) > longestMessage ? messageOf(row) : text;
};

/** The row as an entry of `x-kubernetes-validations`. */
export const validationOf = (row: Rule): Readonly<Record<string, string>> => ({
  rule: row.cel,
  message: messageOf(row),
  ...(row.problem.includes('{self}') ? { messageExpression: messageExpressionOf(row) } : {}),
  ...(row.reason === 'FieldValueInvalid' ? {} : { reason: row.reason }),
});

const messageExpressionOf = (row: Rule): string =>
  `${row.problem}: ${row.remedy}`.split('{self}').map(literal).join(' + self + ');

/** A text as a CEL string. */
const literal = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
