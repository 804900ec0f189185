/**
 * The API server's words for what is wrong with a value, so that a person reads the same sentence on the command line
 * and from the cluster. Facts: k8s.io/apimachinery v0.36.3 pkg/util/validation/field (the kinds of error and how each
 * prints its value) and k8s.io/apiextensions-apiserver v0.36.3 pkg/apiserver/validation (which kind a schema
 * violation becomes).
 */
import type * as z from 'zod';

const escapes: Readonly<Record<string, string>> = { '\u0007': '\\a', '\u000b': '\\v' };
const hexadecimal = (character: string): string =>
  escapes[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;

/** A value as Go prints it: strings as with %q, all else as JSON. */
export const quote = (value: unknown): string =>
  typeof value === 'string'
    ? JSON.stringify(value)
        .replace(/\\u00([01][0-9a-f])/g, (_, code: string) =>
          hexadecimal(String.fromCharCode(Number.parseInt(code, 16))),
        )
        .replaceAll('\u007f', '\\x7f')
    : JSON.stringify(value);

/** A path as the API server writes it: `spec.platforms[0]`. */
export const pathText = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');

/** The schema's word for a type, by zod's; there is no number in it that is not an integer. */
const jsonTypes: Readonly<Record<string, string>> = { record: 'object', int: 'integer', number: 'integer' };

const jsonTypeOf = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
};

const plural = (count: number | bigint, noun: string): string =>
  `${count.toString()} ${noun}${count === 1 ? '' : 's'}`;

/** What is said of a value of the wrong type. */
export const typeRefusal = (path: readonly PropertyKey[], value: unknown, expected: string): string => {
  const received = jsonTypeOf(value);
  return `Invalid value: "${received}": ${pathText(path)} in body must be of type ${jsonTypes[expected] ?? expected}: "${received}"`;
};

/**
 * What the API server says of a value that breaks the schema, without the path in front: `Required value`,
 * `Unsupported value: "linux/foo": supported values: …`. For zod's `error` option; own refinements already carry
 * their full text. Unknown fields are worded in validate.ts, which knows the names that are near.
 */
export const schemaRefusal = (issue: z.core.$ZodRawIssue): string | undefined => {
  const where = `${pathText(issue.path ?? [])} in body`;
  switch (issue.code) {
    case 'invalid_type': {
      if (issue.input === undefined) return 'Required value';
      return typeRefusal(issue.path ?? [], issue.input, issue.expected);
    }
    case 'invalid_value': {
      if (issue.input === undefined) return 'Required value';
      return `Unsupported value: ${quote(issue.input)}: supported values: ${issue.values.map((value) => quote(value)).join(', ')}`;
    }
    case 'too_big':
      return tooBig(issue, where);
    case 'too_small':
      return tooSmall(issue, where);
    case 'invalid_format':
      return `Invalid value: ${quote(issue.input)}: ${where} ${
        issue.pattern === undefined || issue.format === 'datetime'
          ? `must be of type ${issue.format === 'datetime' ? 'date-time' : issue.format}: ${quote(issue.input)}`
          : `should match '${issue.pattern}'`
      }`;
    default:
      return undefined;
  }
};

type Raw<Code extends string> = Extract<z.core.$ZodRawIssue, { code: Code }>;

const tooBig = (issue: Raw<'too_big'>, where: string): string => {
  if (issue.origin === 'string') return `Too long: may not be more than ${plural(issue.maximum, 'byte')}`;
  if (issue.origin === 'array')
    return `Too many: ${(issue.input as unknown[]).length}: must have at most ${plural(issue.maximum, 'item')}`;
  return `Invalid value: ${quote(issue.input)}: ${where} should be less than or equal to ${issue.maximum.toString()}`;
};

const tooSmall = (issue: Raw<'too_small'>, where: string): string => {
  if (issue.origin === 'string')
    return `Invalid value: ${quote(issue.input)}: ${where} should be at least ${issue.minimum.toString()} chars long`;
  if (issue.origin === 'array')
    return `Invalid value: ${(issue.input as unknown[]).length}: ${where} should have at least ${issue.minimum.toString()} items`;
  return `Invalid value: ${quote(issue.input)}: ${where} should be greater than or equal to ${issue.minimum.toString()}`;
};
