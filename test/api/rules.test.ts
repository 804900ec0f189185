import { celEnv, parse, plan, type CelInput } from '@bufbuild/cel';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { refusalOf, validationOf, type Rule } from '../../src/api/rule.ts';
import { rules } from '../../src/api/rules.ts';
import { quote } from '../../src/api/words.ts';
import { objectCases } from './objects.ts';

const environment = celEnv();
const evaluate = (expression: string): ((self: unknown) => unknown) => {
  const program = plan(environment, parse(expression));
  return (self) => program({ self: celInput(self) });
};

/** Objects are maps in CEL. */
const celInput = (value: unknown): CelInput => {
  if (Array.isArray(value)) return value.map(celInput);
  if (typeof value === 'object' && value !== null)
    return new Map(Object.entries(value).map(([key, field]) => [key, celInput(field)]));
  return value as string;
};

/** Every value that stands at the path of a rule in the table of objects. */
const valuesAt = (object: unknown, path: string): unknown[] =>
  path.split('.').reduce<unknown[]>(
    (values, part) => {
      const name = part.replace('[]', '');
      const fields = values.flatMap((value) => {
        const field = (value as Record<string, unknown> | null | undefined)?.[name];
        return field === undefined || field === null ? [] : [field];
      });
      return part.endsWith('[]')
        ? fields.flatMap((field) => (Array.isArray(field) ? (field as unknown[]) : []))
        : fields;
    },
    [object],
  );

const isTextRule = (rule: Rule): boolean =>
  !['spec.source', 'spec.deploy', 'spec.output.labels', 'spec.verify.command'].includes(rule.path);

/** A rule sees only what the schema lets through, with its defaults. */
const isTyped = (rule: Rule, value: unknown): boolean => {
  if (isTextRule(rule)) return typeof value === 'string';
  if (rule.path === 'spec.verify.command') return Array.isArray(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  if (rule.path === 'spec.deploy') return 'expose' in value && typeof value.expose === 'boolean';
  return rule.path === 'spec.source' || Object.values(value).every((field) => typeof field === 'string');
};

const rows = rules.map((rule) => ({
  title: `${rule.path}: ${rule.problem}`,
  rule,
  values: objectCases
    .flatMap(({ object }) => valuesAt(object, rule.path))
    .filter((value) => isTyped(rule, value)),
}));

describe('a rule and its twin in TypeScript agree', () => {
  test.each(rows)('$title', ({ rule, values }) => {
    const cel = evaluate(rule.cel);
    const verdicts = values.map((value) => ({ value, verdict: rule.check(value) }));
    expect(verdicts).toEqual(values.map((value) => ({ value, verdict: cel(value) })));
    expect(new Set(verdicts.map(({ verdict }) => verdict))).toEqual(new Set([true, false]));
  });

  const pieces = fc.constantFrom(
    ...[
      '-',
      '--x',
      '.',
      '..',
      '/',
      '//',
      '\\',
      '@',
      '@{',
      ':',
      '::',
      '~',
      '^',
      '?',
      '*',
      '[',
      ']',
      ' ',
      '\n',
      '\t',
    ],
    ...[
      '\u0000',
      '\u007f',
      '.lock',
      'a',
      'B',
      '0',
      '_',
      '=',
      'é',
      '😀',
      '\u2028',
      '\u00a0',
      'https://',
      'ssh://',
    ],
    ...['git@host', 'example.com', ':5000', '%', '#', 'sha256:', 'abcdef0123456789'.repeat(4)],
  );
  const texts = fc.array(pieces, { maxLength: 8 }).map((parts) => parts.join(''));

  test.each(rows.filter(({ rule }) => isTextRule(rule)))('on any text: $title', ({ rule }) => {
    const cel = evaluate(rule.cel);
    fc.assert(
      fc.property(texts, (text) => {
        expect({ text, verdict: rule.check(text) }).toEqual({ text, verdict: cel(text) });
      }),
      { numRuns: 300 },
    );
  });
});

describe('a rule refuses with one text, whoever evaluates it', () => {
  test.each(rows)('$title', ({ rule, values }) => {
    const { message, messageExpression } = validationOf(rule);
    const expression = messageExpression === undefined ? undefined : evaluate(messageExpression);
    for (const value of values) {
      const text: unknown = expression?.(value) ?? message;
      if (typeof text !== 'string') throw new Error('the message is no text');
      const expected = text.includes('\n') ? message : text;
      expect(refusalOf(rule, value, quote(value)).endsWith(`: ${expected ?? ''}`)).toBe(true);
    }
  });

  test('a text longer than what the API server takes falls back to the general one', () => {
    const rule = rules.find((row) => row.problem.includes('{self}'));
    if (rule === undefined) throw new Error('no rule shows its value');
    const { message } = validationOf(rule);
    expect(refusalOf(rule, 'a'.repeat(5121), '…')).toBe(`Invalid value: …: ${message ?? ''}`);
  });

  test('every rule says what to do', () => {
    for (const rule of rules) expect(rule.remedy).not.toBe('');
  });
});
